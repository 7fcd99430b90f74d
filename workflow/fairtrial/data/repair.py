"""The annotations of a source, brought onto its clean images."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from typing import Literal

from fairtrial import DataError
from fairtrial.data.boxes import Box, Size, fit, turned, turned_size
from fairtrial.data.dataset import Annotation, Dataset, Image
from fairtrial.data.defect_actions import Actions
from fairtrial.data.defects import (
    Defect,
    DuplicateBox,
    LostBoxes,
    OverlappingBoxes,
    SizeMismatch,
)
from fairtrial.data.imagefile import CheckedImage
from fairtrial.data.objects import close_boxes

DrawnOn = Literal["shown", "stored"]  # the pixels on which a box was drawn


@dataclass
class Repaired:
    """A set of images that exist, with boxes that fit them, and the defects of its annotations."""

    dataset: Dataset
    defects: list[Defect] = field(default_factory=list)
    dropped: list[CheckedImage] = field(default_factory=list)  # their clean files must be removed


def repair_annotations(
    raw: Dataset,
    checked: list[CheckedImage],
    actions: Actions,
    drawn_on: DrawnOn | None,
    lost: Container[str] = (),
) -> Repaired:
    """The images that stay, with their true sizes and boxes that fit them.

    `checked` has the order of `raw.images`. `drawn_on` holds for turned images whose
    stated size does not say on which pixels their boxes were drawn. `lost`: files of images of
    which an object could not be read.
    """
    objects = raw.by_image()
    result = Repaired(Dataset(categories=raw.categories, origins=raw.origins))
    fallback = _fallback(raw.images, checked, drawn_on)
    for image, file in zip(raw.images, checked, strict=True):
        if not file.is_kept:
            continue
        frame = _Frame(image, file, fallback)
        defects = frame.size_defects()
        boxes = frame.boxes(objects[image.id], raw.categories, actions, defects)
        if not boxes and (objects[image.id] or image.file_name in lost):
            count = len(objects[image.id])
            defects.append(LostBoxes(image.file_name, f"boxes: {count}" if count else ""))
        result.defects += defects
        if any(actions.drops(type(defect)) for defect in defects):
            result.dropped.append(file)
            continue
        result.dataset.annotations += boxes
        result.dataset.images.append(frame.clean())
    return result


class _Frame:
    """One image, and how its boxes move from the pixels on which they were drawn to its clean file.

    Sizes are (width, height): `shown` as viewers show the image, `stated` in the annotations (0
    where they state none), `size` of the pixels on which boxes were drawn.
    """

    def __init__(self, image: Image, file: CheckedImage, fallback: DrawnOn) -> None:
        self.image, self.file = image, file
        self.shown = turned_size(file.size, file.orientation)
        self.drawn_on = _drawn_on(image, file) or fallback
        self.size: Size = self.shown if self.drawn_on == "shown" else file.size
        self.stated = (image.width, image.height)

    def clean(self) -> Image:
        """The image as it is in the clean set."""
        image, file = self.image, self.file
        size = self.shown
        clean = Image(image.id, file.file_name, *size, file.sha256, image.group, image.split)
        clean.unlabelled = image.unlabelled
        return clean

    def size_defects(self) -> list[Defect]:
        """SizeMismatch where the annotations state another size than the image has."""
        if not all(self.stated) or self.stated in (self.shown, self.file.size):
            return []
        seen = "{}×{} stated, {}×{} found".format(*self.stated, *self.size)
        return [SizeMismatch(self.image.file_name, seen)]

    def boxes(
        self, rows: list[Annotation], names: dict[int, str], actions: Actions, defects: list[Defect]
    ) -> list[Annotation]:
        """The objects that stay, with boxes that fit. `defects`: those of the image's size, to
        which those of the boxes are added."""
        scale = self._scale(bool(defects) and actions.of(SizeMismatch) == "repair")
        fitted = []
        for row in rows:
            if row.bbox is None:
                fitted.append(row)
                continue
            box, kind = fit(self._placed(row.bbox, scale), *self.shown)
            if kind is not None:
                defects.append(kind(self.image.file_name, _text(row, names)))
                if actions.of(kind) == "drop_box":
                    continue
            if box is not None:
                fitted.append(_with_box(row, box, scale))
        return self._distinct(fitted, names, actions, defects)

    def _scale(self, from_stated_size: bool) -> tuple[float, float]:
        """Pixels per unit of the written boxes, across and down.

        from_stated_size: boxes belong to the size that the annotations state.
        """
        if self.image.relative:
            return self.size
        if from_stated_size:
            return self.size[0] / self.stated[0], self.size[1] / self.stated[1]
        return 1, 1

    def _placed(self, box: Box, scale: tuple[float, float]) -> Box:
        """A box as written, in pixels of the image as shown."""
        if scale != (1, 1):
            x, y = scale
            box = box[0] * x, box[1] * y, box[2] * x, box[3] * y
        if self.drawn_on == "stored" and self.file.orientation != 1:
            box = turned(box, self.file.orientation, self.file.size)
        return box

    def _distinct(
        self, rows: list[Annotation], names: dict[int, str], actions: Actions, defects: list[Defect]
    ) -> list[Annotation]:
        """The objects without those whose box is another one's, where these are dropped."""
        repeated, alike = close_boxes(rows)
        file, dropped = self.image.file_name, set[int]()
        for place in sorted(repeated):
            defects.append(DuplicateBox(file, _text(rows[place], names)))
            if actions.of(DuplicateBox) == "drop_box":
                dropped.add(place)
        for one, other in alike:
            seen = f"{_text(rows[one], names)} and {_text(rows[other], names)}"
            defects.append(OverlappingBoxes(file, seen))
            if actions.of(OverlappingBoxes) == "drop_box":
                dropped.add(other)
        return [row for place, row in enumerate(rows) if place not in dropped]


def _with_box(row: Annotation, box: Box, scale: tuple[float, float]) -> Annotation:
    """The object with another box. An area below the box's is that of a segment, and stays."""
    area, box_area = row.area * scale[0] * scale[1], box[2] * box[3]
    if not 0 < area < box_area:
        area = box_area
    return Annotation(row.image_id, row.category_id, box, area, row.iscrowd)


def _text(row: Annotation, names: dict[int, str]) -> str:
    """Class and box of an object, for a message."""
    numbers = ", ".join(f"{value:g}" for value in row.bbox or ())
    return f"{names[row.category_id]} [{numbers}]"


def _drawn_on(image: Image, file: CheckedImage) -> DrawnOn | None:
    """On which pixels the boxes of a turned image were drawn, where its stated size tells."""
    stated, stored = (image.width, image.height), file.size
    shown = turned_size(stored, file.orientation)
    if stored == shown or stated not in (stored, shown):
        return None
    return "stored" if stated == stored else "shown"


def _fallback(images: list[Image], checked: list[CheckedImage], setting: DrawnOn | None) -> DrawnOn:
    """The pixels on which boxes were drawn where the stated size does not tell.

    Without a setting, those that viewers show, as labelling tools do. Raises DataError where
    the stated sizes of other images say the opposite: then it would be a guess.
    """
    if setting is not None:
        return setting
    turned_images = [
        (image.file_name, _drawn_on(image, file))
        for image, file in zip(images, checked, strict=True)
        if file.is_kept and file.orientation != 1
    ]
    unknown = [name for name, drawn_on in turned_images if drawn_on is None]
    stored = [name for name, drawn_on in turned_images if drawn_on == "stored"]
    if unknown and stored:
        raise DataError(
            f"EXIF turns {len(turned_images)} images. For {len(stored)} of them (such as "
            f"{stored[0]}) the stated size says that boxes were drawn on the stored pixels; for "
            f"{len(unknown)} (such as {unknown[0]}) no size tells. Set `drawn_on: stored` in "
            "the source's YAML if that holds for all of these, else `drawn_on: shown`"
        )
    return "shown"
