"""Boxes as (x, y, width, height) in pixels: turned with their image, and fitted into it."""

from __future__ import annotations

from math import isfinite

from fairtrial.data.defects import (
    BoxNotNumbers,
    BoxOutside,
    BoxOverEdge,
    BoxWithoutArea,
    Defect,
    InvertedBox,
    TinyBox,
)

Box = tuple[float, float, float, float]
Size = tuple[int, int]

# Coordinates written with six decimals of the image's size are off by less than this (pixels).
ROUNDING = 0.01
SMALLEST = 1.0  # pixels a side


def turned_size(size: Size, orientation: int) -> Size:
    """Width and height as shown, of an image whose EXIF orientation is 1 to 8."""
    return (size[1], size[0]) if orientation >= 5 else size


def turned(box: Box, orientation: int, size: Size) -> Box:
    """A box on the pixels as stored, as a box on the image as viewers show it.

    `size`: width and height as stored; `orientation`: EXIF's, 1 to 8 (CIPA DC-008, tag 0x0112).
    """
    x, y, w, h = box
    right, below = size[0] - x - w, size[1] - y - h
    if orientation in (2, 3):
        x = right
    if orientation in (3, 4):
        y = below
    if orientation < 5:
        return x, y, w, h
    across = y if orientation in (5, 8) else below
    down = x if orientation in (5, 6) else right
    return across, down, h, w


def shares(box: Box, size: Size) -> Box:
    """Centre and size of a box as shares of its image's width and height, as YOLO has them."""
    (x, y, w, h), (width, height) = box, size
    return (x + w / 2) / width, (y + h / 2) / height, w / width, h / height


def overlap(one: Box, other: Box) -> float:
    """The intersection over union of two boxes (x, y, width, height); 0 where they do not touch."""
    (x, y, w, h), (x2, y2, w2, h2) = one, other
    across = min(x + w, x2 + w2) - max(x, x2)
    down = min(y + h, y2 + h2) - max(y, y2)
    if across <= 0 or down <= 0:
        return 0.0
    return across * down / (w * h + w2 * h2 - across * down)


def fit(box: Box, width: int, height: int) -> tuple[Box | None, type[Defect] | None]:
    """Fit a box (x, y, width, height; pixels) into its image.

    Returns the fitted box, None where nothing is left of it; and its defect, None without one.
    """
    defect = _defect(box)
    x, y, w, h = box
    if defect is InvertedBox:
        ordered = (min(x, x + w), min(y, y + h), abs(w), abs(h))
        return fit(ordered, width, height)[0], InvertedBox
    if defect is not None:
        return None, defect
    left, top = min(max(x, 0.0), width), min(max(y, 0.0), height)
    right, bottom = min(max(x + w, 0.0), width), min(max(y + h, 0.0), height)
    if right <= left or bottom <= top:
        return None, BoxOutside
    over = max(left - x, top - y, x + w - right, y + h - bottom)
    # unchanged where it is inside: computing it anew would change its last digits
    fitted = box if over <= 0 else (left, top, right - left, bottom - top)
    if min(fitted[2:]) < SMALLEST - ROUNDING:
        return fitted, TinyBox
    return fitted, BoxOverEdge if over > ROUNDING else None


def _defect(box: Box) -> type[Defect] | None:
    """The defect that a box has whatever the size of its image; None without one."""
    if not all(map(isfinite, box)):
        return BoxNotNumbers
    if box[2] < 0 or box[3] < 0:
        return InvertedBox
    if box[2] == 0 or box[3] == 0:
        return BoxWithoutArea
    return None
