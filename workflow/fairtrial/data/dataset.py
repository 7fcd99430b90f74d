"""The interchange format: COCO JSON, sorted, ids 1..N, boxes as absolute [x, y, width, height].

No stage after `convert` knows which format the data came in. Beside COCO's own fields an
image carries `sha256` (of its clean file), `group` (patient, video, contributor) and
`split` (the one in which its source puts it); each of the last two may be null. Images
without labels say so (`unlabelled`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, NotRequired, TypedDict

from fairtrial import DataError
from fairtrial.files import packed
from fairtrial.files.folders import whole_file
from fairtrial.files.jsonfile import sections

SPLITS = ("train", "val", "test")
Splits = dict[str, list[int]]  # ids of images by split
Task = Literal["detect", "classify"]


@dataclass(slots=True)
class Image:
    """One image. `width` and `height` in pixels; `file_name` relative to the image folder."""

    id: int
    file_name: str
    width: int
    height: int
    sha256: str = ""
    group: str | None = None
    split: str | None = None
    # Boxes are shares of width and height, as YOLO has them; only between a format and convert.
    relative: bool = False
    unlabelled: bool = False  # nobody has said what is on it; it can be predicted, not scored


@dataclass(slots=True)
class Annotation:
    """One object. `bbox` is (x, y, width, height) in pixels from the top left corner, or
    None for the class of a whole image; `area` in square pixels, as the source states it
    (a segment's area may be smaller than its box)."""

    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float] | None
    area: float = 0.0
    iscrowd: bool = False
    id: int = 0


@dataclass(slots=True)
class Dataset:
    """Images, the objects on them, and the names of the classes by category id.

    `origins`: what the source calls each class, by category id; its own id where it has one.
    `label_files`: the files beside images that a format has read, relative to the raw folder.
    `own_ids`: the source's own id of an image, by its file, where it has some.
    """

    images: list[Image] = field(default_factory=list)
    annotations: list[Annotation] = field(default_factory=list)
    categories: dict[int, str] = field(default_factory=dict)
    origins: dict[int, list[str]] = field(default_factory=dict, compare=False)
    label_files: set[str] = field(default_factory=set, compare=False)
    own_ids: dict[str, int | str] = field(default_factory=dict, compare=False)

    def by_image(self) -> dict[int, list[Annotation]]:
        """Annotations by image id; an image without objects has an empty list."""
        by_image: dict[int, list[Annotation]] = {image.id: [] for image in self.images}
        for annotation in self.annotations:
            by_image[annotation.image_id].append(annotation)
        return by_image

    @property
    def task(self) -> Task:
        """`classify` where objects have no boxes, else `detect`. DataError where only some have."""
        boxless = sum(a.bbox is None for a in self.annotations)
        if 0 < boxless < len(self.annotations):
            raise DataError(
                f"{boxless} of {len(self.annotations)} objects have no box; a set holds either "
                "boxes or classes of whole images"
            )
        return "classify" if boxless else "detect"

    def on_images(self, ids: Iterable[int]) -> Dataset:
        """The part on these images, with all categories. Raises DataError for an unknown id."""
        inside = set(ids)
        images = [image for image in self.images if image.id in inside]
        if missing := inside - {image.id for image in images}:
            examples = sorted(missing, key=str)[:5]
            raise DataError(f"image ids that are not in the annotations: {examples}")
        annotations = [a for a in self.annotations if a.image_id in inside]
        return Dataset(images, annotations, dict(self.categories))

    def canonical(self) -> Dataset:
        """The same set in canonical order: images by file name, objects by image, class and
        box, all numbered 1..N. Category ids become 1..N in the order of the old ids."""
        categories = {old: new for new, old in enumerate(sorted(self.categories), 1)}
        images = sorted(self.images, key=lambda image: image.file_name)
        numbers = {image.id: new for new, image in enumerate(images, 1)}
        annotations = [
            Annotation(numbers[a.image_id], categories[a.category_id], a.bbox, a.area, a.iscrowd)
            for a in self.annotations
        ]
        annotations.sort(key=lambda a: (a.image_id, a.category_id, a.bbox or (), a.area, a.iscrowd))
        for number, annotation in enumerate(annotations, 1):
            annotation.id = number
        renumbered = [replace(image, id=numbers[image.id]) for image in images]
        names = {new: self.categories[old] for old, new in categories.items()}
        origins = {new: self.origins.get(old, [str(old)]) for old, new in categories.items()}
        return Dataset(renumbered, annotations, names, origins)


@dataclass(slots=True, frozen=True)
class Detection:
    """One predicted box: category id, (x, y, width, height) in pixels, confidence 0..1."""

    category_id: int
    bbox: tuple[float, float, float, float]
    confidence: float


@dataclass(slots=True, frozen=True)
class SplitDataset:
    """A data set with its splits and the folder in which its images lie."""

    dataset: Dataset
    splits: Splits
    folder: Path

    def split(self, name: str) -> list[Image]:
        """The images of train, val or test, by id."""
        inside = set(self.splits[name])
        return [image for image in self.dataset.images if image.id in inside]


def with_splits(dataset: Dataset, splits: Splits, folder: Path, where: str) -> SplitDataset:
    """A data set with its splits and its image folder. `where`: the file that gives the splits.

    Raises DataError for an image of a split that is not in the set or not in the folder.
    (Ultralytics would silently train without it.)
    """
    names = {image.id: image.file_name for image in dataset.images}
    used = [number for ids in splits.values() for number in ids]
    if unknown := sorted(set(used) - set(names)):
        raise DataError(f"{where}: there is no image {unknown[0]} in the annotations")
    missing = [names[i] for i in used if not packed.file_of(folder, names[i]).is_file()]
    if missing:
        raise DataError(
            f"{folder}: {len(missing)} of {len(used)} images are not there, such as {missing[0]}"
        )
    return SplitDataset(dataset, splits, folder)


_IN_EVERY_ROW = [name for name in Image.__slots__ if name not in ("relative", "unlabelled")]


def write(dataset: Dataset, path: Path) -> None:
    """Write a set as COCO JSON, one image or object a line (so that a diff is readable)."""
    rows: dict[str, Iterable[str]] = {
        "images": (json.dumps(_coco_image(image)) for image in dataset.images),
        "annotations": map(_coco_annotation, dataset.annotations),
        "categories": (
            json.dumps({"id": number, "name": name})
            for number, name in sorted(dataset.categories.items())
        ),
    }
    with whole_file(path) as file:
        file.write("{")
        for number, (name, lines) in enumerate(rows.items()):
            file.write(",\n" if number else "\n")
            file.write(f'"{name}": [\n' + ",\n".join(lines) + "\n]")
        file.write("\n}\n")


def _coco_image(image: Image) -> dict[str, object]:
    row = {name: getattr(image, name) for name in _IN_EVERY_ROW}
    return row | {"unlabelled": True} if image.unlabelled else row


def _coco_annotation(a: Annotation) -> str:
    """One row as JSON, four times as fast as by `json.dumps`."""
    row = f'{{"id": {a.id}, "image_id": {a.image_id}, "category_id": {a.category_id}'
    if a.bbox is None:
        return row + "}"
    x, y, w, h = a.bbox
    return f'{row}, "bbox": [{x}, {y}, {w}, {h}], "area": {a.area}, "iscrowd": {int(a.iscrowd)}}}'


class _WrittenAnnotation(TypedDict):
    """An annotation as `write` writes it; the class of a whole image has no box."""

    id: int
    image_id: int
    category_id: int
    bbox: NotRequired[tuple[float, float, float, float]]
    area: NotRequired[float]
    iscrowd: NotRequired[int]


def read(path: Path) -> Dataset:
    """Read a set that `write` wrote.

    Raises DataError where the file is missing, is not JSON, lacks one of its parts, or an
    object is on no image or of no class.
    """
    dataset, missing = Dataset(), {"images", "annotations", "categories"}
    try:
        for part, rows in sections(path):
            missing.discard(part)
            if part == "images":
                dataset.images = [Image(**row) for row in rows]
            elif part == "annotations":
                dataset.annotations = [_annotation(row) for row in rows]
            elif part == "categories":
                dataset.categories = {row["id"]: row["name"] for row in rows}
        if missing:
            raise KeyError(sorted(missing)[0])
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: not a set written by `convert` or `split` ({error})") from error
    ids = {image.id for image in dataset.images}
    for a in dataset.annotations:
        if a.image_id not in ids or a.category_id not in dataset.categories:
            raise DataError(f"{path}: annotation {a.id} is on no image, or of no class, of the set")
    return dataset


def _annotation(row: _WrittenAnnotation) -> Annotation:
    box = None
    if "bbox" in row:
        x, y, w, h = row["bbox"]
        box = x, y, w, h
    area, crowd = row.get("area", 0.0), bool(row.get("iscrowd", 0))
    return Annotation(row["image_id"], row["category_id"], box, area, crowd, row["id"])


def counts(annotations: Iterable[Annotation]) -> dict[int, int]:
    """Number of objects by category id."""
    objects: dict[int, int] = {}
    for annotation in annotations:
        objects[annotation.category_id] = objects.get(annotation.category_id, 0) + 1
    return objects
