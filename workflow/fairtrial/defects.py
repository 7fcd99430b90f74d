"""What can be wrong with images and their annotations, and what is done about it.

A kind of defect is a small class: its name, why it matters, what `convert` does. To add
a kind, add a class; whoever finds a case makes an instance of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite
from typing import Any, ClassVar

Box = tuple[float, float, float, float]

# Coordinates written with six decimals of the image's size are off by less than this (pixels).
ROUNDING = 0.01


@dataclass(frozen=True, order=True, slots=True)
class Defect:
    """One case: the file and object in which it was found, and what was seen there."""

    where: str
    seen: str = ""

    name: ClassVar[str]
    explanation: ClassVar[str]
    action: ClassVar[str]

    def __str__(self) -> str:
        return f"{self.where}: {self.seen}" if self.seen else self.where


class UnreadableImage(Defect):
    name = "unreadable_image"
    explanation = "The file cannot be decoded as an image."
    action = "image dropped"


class TruncatedImage(Defect):
    name = "truncated_image"
    explanation = "The file ends before its image does; decoders fill the rest with grey."
    action = "image dropped"


class MissingImage(Defect):
    name = "missing_image"
    explanation = "The annotations name an image that is not there."
    action = "image dropped"


class UnannotatedImage(Defect):
    name = "unannotated_image"
    explanation = "No annotation file belongs to the image, so nobody said what is on it."
    action = "image left out"


class TrailingBytes(Defect):
    name = "trailing_bytes"
    explanation = "Bytes follow the JPEG's end marker; Ultralytics rewrites such files in place."
    action = "bytes after the end marker cut off; pixels unchanged"


class TurnedImage(Defect):
    name = "turned_image"
    explanation = (
        "EXIF asks viewers to turn or mirror the image; whether its boxes were drawn before or "
        "after that is not known."
    )
    action = "image dropped"


class OtherColours(Defect):
    name = "other_colours"
    explanation = "The image is neither RGB nor 8-bit grey (palette, alpha, CMYK, 16 bit)."
    action = "written anew as 8-bit PNG; alpha ignored, upper 8 of 16 bits kept"


class OtherFileType(Defect):
    name = "other_file_type"
    explanation = "The file is neither JPEG nor PNG; not every framework reads it."
    action = "first frame written anew as PNG; pixels unchanged"


class SizeMismatch(Defect):
    name = "size_mismatch"
    explanation = "The annotations state another width and height than the image has."
    action = "the image's own size used; boxes kept as written"


class BoxWithoutArea(Defect):
    name = "box_without_area"
    explanation = "The box has no width or no height."
    action = "box dropped"


class InvertedBox(Defect):
    name = "inverted_box"
    explanation = "The box ends left of or above its beginning; which corner is wrong is unknown."
    action = "box dropped"


class BoxNotNumbers(Defect):
    name = "box_not_numbers"
    explanation = "A coordinate of the box is infinite or not a number."
    action = "box dropped"


class BoxOutside(Defect):
    name = "box_outside"
    explanation = "The box lies wholly outside its image."
    action = "box dropped"


class BoxOverEdge(Defect):
    name = "box_over_edge"
    explanation = "The box crosses the edge of its image."
    action = "box clipped to the image"


def fit(box: Box, width: int, height: int) -> tuple[Box | None, type[Defect] | None]:
    """A box (x, y, width, height; pixels) clipped to its image, and the defect it had.

    The box is None where nothing usable is left of it.
    """
    fault = _unusable(box)
    if fault is not None:
        return None, fault
    x, y, w, h = box
    left, top = min(max(x, 0.0), width), min(max(y, 0.0), height)
    right, bottom = min(max(x + w, 0.0), width), min(max(y + h, 0.0), height)
    if right <= left or bottom <= top:
        return None, BoxOutside
    over = max(left - x, top - y, x + w - right, y + h - bottom)
    if over <= 0:  # returned as it came: subtracting and adding would move the last digit
        return box, None
    return (left, top, right - left, bottom - top), BoxOverEdge if over > ROUNDING else None


def _unusable(box: Box) -> type[Defect] | None:
    if not all(map(isfinite, box)):
        return BoxNotNumbers
    if box[2] < 0 or box[3] < 0:
        return InvertedBox
    if box[2] == 0 or box[3] == 0:
        return BoxWithoutArea
    return None


def summary(defects: Iterable[Defect]) -> dict[str, dict[str, Any]]:
    """Defects by kind, as quality.json shows them: explanation, action, count, cases."""
    kinds: dict[str, list[Defect]] = {}
    for defect in sorted(defects, key=lambda d: (d.name, d.where, d.seen)):
        kinds.setdefault(defect.name, []).append(defect)
    return {
        name: {
            "explanation": cases[0].explanation,
            "action": cases[0].action,
            "count": len(cases),
            "cases": [str(case) for case in cases],
        }
        for name, cases in kinds.items()
    }
