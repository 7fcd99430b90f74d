"""From images with labels in words to a set: for formats that name the class of each object."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from fairtrial.data.boxes import Box, Size
from fairtrial.data.dataset import Annotation, Dataset, Image
from fairtrial.data.defects import (
    BoxFromSegment,
    Defect,
    MalformedImage,
    MalformedObject,
    ObjectWithoutBox,
    UnannotatedImage,
)
from fairtrial.data.names import class_name, numbered_classes
from fairtrial.data.raw_files import image_files
from fairtrial.formats._unread import unknown_class

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class LabelledObject:
    """One object as its format has it. `where`: the line or element in which it stands.

    `box` is None for an object without one, and for the class of a whole image (`whole`).
    `outline`: the box was drawn around a segment.
    """

    label: str
    box: Box | None
    where: str
    area: float | None = None  # in square pixels, where it is not that of the box
    crowd: bool = False
    outline: bool = False
    whole: bool = False


@dataclass(slots=True)
class LabelledImage:
    """One image as its format has it; its file is relative to the raw folder.

    unread: what is wrong with each object that cannot be read; wrong: what is wrong with the image,
    which then cannot be used. Both name the line or element.
    """

    file: str
    size: Size = (0, 0)
    split: str | None = None
    group: str | None = None
    where: str = ""  # the line, element or file that names it
    objects: list[LabelledObject] = field(default_factory=list)
    relative: bool = False  # boxes are shares of width and height
    unread: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def defects(self) -> list[Defect]:
        """A defect for each object that cannot be read, and one for all that is wrong else."""
        found: list[Defect] = [MalformedObject(self.file, text) for text in self.unread]
        if self.wrong:
            more = f"; and {len(self.wrong) - 3} more" if len(self.wrong) > 3 else ""
            found.append(MalformedImage(self.file, "; ".join(self.wrong[:3]) + more))
        return found


def as_dataset(
    images: Sequence[LabelledImage], classes: Sequence[str] | None
) -> tuple[Dataset, list[Defect]]:
    """The images as a set. `classes`: those that there are; None: every one found, by name.

    An image that stands in two places is there once, and wrong. Changes `images`.
    """
    images = _each_once(images)
    labels = {row.label for image in images for row in image.objects}
    spelt = {label: class_name(label, "class") for label in labels}
    names = classes or sorted(set(spelt.values()))
    dataset = Dataset(categories=numbered_classes(names, "options: classes"))
    dataset.origins = {number: [name] for number, name in dataset.categories.items()}
    numbers = {name: number for number, name in dataset.categories.items()}
    defects: list[Defect] = []
    for number, image in enumerate(images, 1):
        defects += image.defects()
        size, group, split = image.size, image.group, image.split
        dataset.images.append(Image(number, image.file, *size, "", group, split, image.relative))
        for row in image.objects:
            name = spelt[row.label]
            defects += _defects(image, row, name, numbers)
            if name in numbers and (row.box is not None or row.whole):
                dataset.annotations.append(_annotation(number, numbers[name], row))
    return dataset, defects


def _each_once(images: Sequence[LabelledImage]) -> list[LabelledImage]:
    first: dict[str, LabelledImage] = {}
    for image in images:
        known = first.setdefault(image.file, image)
        if known is not image:
            known.wrong += [*image.wrong, f"{image.where}: named a second time".removeprefix(": ")]
            known.unread += image.unread
    return list(first.values())


def _defects(
    image: LabelledImage, row: LabelledObject, name: str, numbers: dict[str, int]
) -> list[Defect]:
    if name not in numbers:
        return [unknown_class(image.file, row.where, name, numbers)]
    if row.box is None and not row.whole:
        return [ObjectWithoutBox(image.file, row.where)]
    return [BoxFromSegment(image.file, row.where)] if row.outline else []


def _annotation(image: int, category: int, row: LabelledObject) -> Annotation:
    if row.box is None:
        return Annotation(image, category, None)
    area = row.area if row.area is not None else row.box[2] * row.box[3]
    return Annotation(image, category, row.box, area, row.crowd)


def images_below(folder: Path, place: str) -> list[str]:
    """The image files below a folder of the raw folder, relative to the raw folder."""
    return [(PurePosixPath(place) / file).as_posix() for file in image_files(folder / place)]


def add_unnamed(dataset: Dataset, files: Iterable[str]) -> list[Defect]:
    """Add those of the image files that the set lacks. Returns a defect for each."""
    known = {image.file_name for image in dataset.images}
    rest = sorted(set(files) - known)
    for file in rest:
        dataset.images.append(Image(len(dataset.images) + 1, file, 0, 0))
    return [UnannotatedImage(file) for file in rest]


def box_around(points: Sequence[Point]) -> Box:
    """The box around some points."""
    across, down = [x for x, _ in points], [y for _, y in points]
    left, top = min(across), min(down)
    return left, top, max(across) - left, max(down) - top


def polygon_area(points: Sequence[Point]) -> float:
    """The area of a polygon, by Gauss's formula."""
    after = [*points[1:], points[0]]
    pairs = zip(points, after, strict=True)
    return abs(sum(x * next_y - next_x * y for (x, y), (next_x, next_y) in pairs)) / 2
