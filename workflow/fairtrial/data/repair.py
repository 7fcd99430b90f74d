"""The annotations of a source, brought onto its clean images."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from fairtrial import DataError
from fairtrial.data.boxes import Box, Size, fit, turned, turned_size
from fairtrial.data.dataset import Annotation, Dataset, Image
from fairtrial.data.defect_actions import Actions
from fairtrial.data.defects import Defect, DuplicateBox, SizeMismatch
from fairtrial.data.imagefile import Checked

DrawnOn = Literal["shown", "stored"]  # the pixels on which a box was drawn


@dataclass
class Repaired:
    """A set of images that are there, with boxes that fit them, and what was wrong."""

    set: Dataset
    found: list[Defect] = field(default_factory=list)
    dropped: list[Checked] = field(default_factory=list)  # clean files that must go again


def repair_annotations(
    raw: Dataset, checked: list[Checked], actions: Actions, drawn_on: DrawnOn | None
) -> Repaired:
    """The kept images with their true sizes and the boxes that fit them.

    `checked` stands in the order of `raw.images`. `drawn_on` holds for turned images whose
    stated size does not say on which pixels their boxes were drawn.
    """
    objects = raw.by_image()
    result = Repaired(Dataset(categories=raw.categories, origins=raw.origins))
    fallback = _fallback(raw.images, checked, drawn_on)
    for image, one in zip(raw.images, checked, strict=True):
        if not one.kept:
            continue
        frame = _Frame(image, one, fallback)
        faults = frame.faults()
        boxes = frame.boxes(objects[image.id], raw.categories, actions, faults)
        result.found += faults
        if any(actions.drops(type(fault)) for fault in faults):
            result.dropped.append(one)
            continue
        result.set.annotations += boxes
        result.set.images.append(frame.clean())
    return result


class _Frame:
    """One image: from the pixels on which its boxes were drawn to those of its clean file."""

    def __init__(self, image: Image, checked: Checked, fallback: DrawnOn) -> None:
        self.image, self.checked = image, checked
        self.turn = checked.orientation
        self.shown = turned_size(checked.size, self.turn)
        self.side = _drawn_on(image, checked) or fallback
        self.own: Size = self.shown if self.side == "shown" else checked.size
        self.stated = (image.width, image.height)

    def clean(self) -> Image:
        i, one = self.image, self.checked
        return Image(i.id, one.file_name, *self.shown, one.sha256, i.group, i.split)

    def faults(self) -> list[Defect]:
        if not all(self.stated) or self.stated in (self.shown, self.checked.size):
            return []
        seen = "{}×{} stated, {}×{} found".format(*self.stated, *self.own)
        return [SizeMismatch(self.image.file_name, seen)]

    def boxes(
        self, rows: list[Annotation], names: dict[int, str], actions: Actions, faults: list[Defect]
    ) -> list[Annotation]:
        """The objects that stay, with boxes that fit; what was wrong is added to `faults`."""
        scale = self._scale(bool(faults) and actions.of(SizeMismatch) == "repair")
        kept = []
        for row in rows:
            if row.bbox is None:
                kept.append(row)
                continue
            box, kind = fit(self._placed(row.bbox, scale), *self.shown)
            if kind is not None:
                faults.append(kind(self.image.file_name, _written(row, names)))
                if actions.of(kind) == "drop_box":
                    continue
            if box is not None:
                kept.append(_with_box(row, box, scale))
        return self._distinct(kept, names, actions, faults)

    def _scale(self, to_own_size: bool) -> tuple[float, float]:
        """What one unit of the written boxes is in pixels, across and down."""
        if self.image.relative:
            return self.own
        if to_own_size:
            return self.own[0] / self.stated[0], self.own[1] / self.stated[1]
        return 1, 1

    def _placed(self, box: Box, scale: tuple[float, float]) -> Box:
        if scale != (1, 1):
            x, y = scale
            box = box[0] * x, box[1] * y, box[2] * x, box[3] * y
        if self.side == "stored" and self.turn != 1:
            box = turned(box, self.turn, self.checked.size)
        return box

    def _distinct(
        self, rows: list[Annotation], names: dict[int, str], actions: Actions, faults: list[Defect]
    ) -> list[Annotation]:
        """Without objects that stand there twice. (Crowds and whole images may.)"""
        times = Counter((row.category_id, row.bbox, row.iscrowd) for row in rows if row.bbox)
        if len(times) == len(rows):
            return rows
        kept, seen = [], set()
        for row in rows:
            key = (row.category_id, row.bbox, row.iscrowd)
            if row.bbox is not None and key in seen:
                faults.append(DuplicateBox(self.image.file_name, _written(row, names)))
                if actions.of(DuplicateBox) == "drop_box":
                    continue
            seen.add(key)
            kept.append(row)
        return kept


def _with_box(row: Annotation, box: Box, scale: tuple[float, float]) -> Annotation:
    # a stated area that the box can hold is that of a segment, and stays
    area, room = row.area * scale[0] * scale[1], box[2] * box[3]
    return Annotation(
        row.image_id, row.category_id, box, area if 0 < area < room else room, row.iscrowd
    )


def _written(row: Annotation, names: dict[int, str]) -> str:
    numbers = ", ".join(f"{value:g}" for value in row.bbox or ())
    return f"{names[row.category_id]} [{numbers}]"


def _drawn_on(image: Image, checked: Checked) -> DrawnOn | None:
    """On which pixels the boxes of a turned image were drawn, where its stated size tells."""
    stated, stored = (image.width, image.height), checked.size
    shown = turned_size(stored, checked.orientation)
    if stored == shown or stated not in (stored, shown):
        return None
    return "stored" if stated == stored else "shown"


def _fallback(images: list[Image], checked: list[Checked], asked: DrawnOn | None) -> DrawnOn:
    """The pixels on which boxes were drawn where the stated size does not tell.

    Without a setting, those that viewers show, as labelling tools do. Raises DataError where
    the stated sizes of other images say the opposite: then it would be a guess.
    """
    if asked is not None:
        return asked
    turned_ones = [
        (image, _drawn_on(image, one))
        for image, one in zip(images, checked, strict=True)
        if one.kept and one.orientation != 1
    ]
    unknown = [image.file_name for image, side in turned_ones if side is None]
    stored = [image.file_name for image, side in turned_ones if side == "stored"]
    if unknown and stored:
        raise DataError(
            f"EXIF turns {len(turned_ones)} images. For {len(stored)} of them (such as "
            f"{stored[0]}) the stated size says that boxes were drawn on the stored pixels; for "
            f"{len(unknown)} (such as {unknown[0]}) it does not tell. Say `drawn_on: stored` in "
            "the source's YAML if that holds for all of these, or `drawn_on: shown`"
        )
    return "shown"
