"""COCO JSON: one file, or several that put their images into given splits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal, NotRequired, TypedDict, cast

from pydantic import BaseModel, ConfigDict

from fairtrial import DataError
from fairtrial.data.boxes import Box
from fairtrial.data.dataset import SPLITS, Annotation, Dataset, Image, SplitDataset
from fairtrial.data.dataset import write as write_set
from fairtrial.data.defects import BoxFromSegment, Defect, ObjectWithoutBox, UnknownClass
from fairtrial.files.folders import checked_path, copy_file
from fairtrial.files.jsonfile import sections
from fairtrial.formats._ignored import with_ignored
from fairtrial.formats._names import exported_names

WRITES = "detect"  # the task of the sets that it can write
LOSES = ""  # what the format cannot hold
PARTS = ("images", "annotations", "categories")


class File(BaseModel):
    """One JSON file and the folder of its images, both relative to the raw folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    annotations: str
    images: str = "."
    # The split of all images of this file; null: none is given.
    split: Literal["train", "val", "test"] | None = None


class Settings(BaseModel):
    """The options of the format."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: tuple[File, ...] = (File(annotations="annotations.json", images="images"),)
    # The key of an image that names its group (patient, video, scene); null: no groups.
    group: str | None = None
    # What becomes of a category that is the supercategory of others, and has no object itself, as
    # Roboflow writes one.
    parents: Literal["keep", "drop"] = "keep"
    ignore: tuple[str, ...] = ()  # classes whose objects are regions that count neither way


def read(folder: Path, options: Settings) -> tuple[Dataset, list[Defect]]:
    """All files as one set. Crowd regions are kept. Segments only give boxes to objects without.

    Raises DataError where a file lacks a part, files disagree about a class, an image
    is in two of them, or an object is on no known image.
    """
    dataset, defects = Dataset(), list[Defect]()
    parents: set[str] = set()  # names of supercategories
    for file in options.files:
        path = folder / checked_path(file.annotations, "files: annotations")
        try:
            reader = _File(dataset, file, options.group)
            defects += reader.read(path)
            parents |= reader.parents
        except DataError as error:
            raise DataError(f"{file.annotations}: {error}") from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"{file.annotations}: not COCO JSON ({error!r})") from error
    if options.parents == "drop":
        _drop_parents(dataset, parents)
    return with_ignored(dataset, options.ignore), defects


def _drop_parents(dataset: Dataset, parents: set[str]) -> None:
    """Leave out the categories of these names that have no object. Changes `dataset`."""
    used = {row.category_id for row in dataset.annotations}
    for number, name in sorted(dataset.categories.items()):
        if name in parents and number not in used:
            del dataset.categories[number]


def write(data: SplitDataset, folder: Path) -> dict[str, object]:
    """Write a JSON file and a folder of images a split. Returns the options that read them."""
    names, files = exported_names(data), []
    for split in SPLITS:
        images = data.split(split)
        if not images:
            continue
        for image in images:
            copy_file(data.folder / image.file_name, folder / split / names[image.id])
        ids = {image.id for image in images}
        of_split = Dataset(
            [replace(image, file_name=names[image.id]) for image in images],
            [a for a in data.dataset.annotations if a.image_id in ids],
            data.dataset.categories,
        )
        write_set(of_split, folder / "annotations" / f"instances_{split}.json")
        files.append(
            {"annotations": f"annotations/instances_{split}.json", "images": split, "split": split}
        )
    return {"files": files, "group": "group"}


class _CategoryRow(TypedDict):
    id: int
    name: str
    supercategory: NotRequired[str]


class _ImageRow(TypedDict):
    id: int
    file_name: str
    width: NotRequired[int | None]
    height: NotRequired[int | None]


class _RunLengths(TypedDict):
    """A segment as COCO's run lengths, compressed to a text or not."""

    size: tuple[int, int]  # height, width
    counts: str | list[int]


_Segment = _RunLengths | list[list[float]]


class _AnnotationRow(TypedDict):
    image_id: int
    category_id: int
    id: NotRequired[int]
    bbox: NotRequired[tuple[float | None, float | None, float | None, float | None] | None]
    segmentation: NotRequired[_Segment | None]
    area: NotRequired[float | None]
    iscrowd: NotRequired[int]


class _File:
    """Reads one file into the set of all files. Its parts may come in any order."""

    def __init__(self, dataset: Dataset, file: File, group: str | None) -> None:
        self.dataset, self.file, self.group = dataset, file, group
        self.images: dict[int, Image] = {}  # by the file's own ids
        self.rows: list[Annotation] = []  # with the file's own ids
        self.parents: set[str] = set()  # names of supercategories
        self.segments: set[int] = set()  # those of them whose box comes from their segment

    def read(self, path: Path) -> list[Defect]:
        take: dict[str, Callable[..., None]] = {
            "images": self._image,
            "annotations": self._annotation,
            "categories": self._category,
        }
        missing = set(PARTS)
        for key, rows in sections(path):
            missing.discard(key)
            if key in take:
                for row in rows:
                    take[key](row)
        if missing:
            raise DataError(f"has no {' and no '.join(f'`{key}`' for key in sorted(missing))}")
        if len(set(self.dataset.categories.values())) < len(self.dataset.categories):
            raise DataError("two category ids have the same name")
        return [defect for at, row in enumerate(self.rows) for defect in self._placed(at, row)]

    def _category(self, row: _CategoryRow) -> None:
        number, name = int(row["id"]), str(row["name"])
        self.parents |= {str(row.get("supercategory"))} - {name}
        known = self.dataset.categories.setdefault(number, name)
        if known != name:
            raise DataError(f"category {number} is {name!r} here and {known!r} elsewhere")

    def _image(self, row: _ImageRow) -> None:
        if row["id"] in self.images:
            raise DataError(f"two images have the id {row['id']}")
        keys = cast(dict[str, object], row)  # the name of the group's key is a setting
        if self.group is not None and self.group not in keys:
            raise DataError(f"image {row['file_name']} has no key {self.group!r} (options: group)")
        group = keys[self.group] if self.group is not None else None
        image = Image(
            len(self.dataset.images) + 1,
            checked_path(f"{self.file.images}/{row['file_name']}", "file_name"),
            int(row.get("width") or 0),
            int(row.get("height") or 0),
            group=None if group is None else str(group),
            split=self.file.split,
        )
        self.images[row["id"]] = image
        self.dataset.images.append(image)

    def _annotation(self, row: _AnnotationRow) -> None:
        box, place, kind = row.get("bbox"), row["image_id"], row["category_id"]
        if not box and (box := _around(row.get("segmentation"))):
            self.segments.add(len(self.rows))
        number = row.get("id", len(self.rows) + 1)
        if not box:
            self.rows.append(Annotation(place, kind, None, id=number))
            return
        x, y, w, h = map(_number, box)
        area, crowd = _number(row.get("area", w * h)), bool(row.get("iscrowd", 0))
        self.rows.append(Annotation(place, kind, (x, y, w, h), area, crowd, number))

    def _placed(self, at: int, row: Annotation) -> list[Defect]:
        """Add an object to the set, unless a defect makes that impossible. Returns its defects."""
        image, where = self.images.get(row.image_id), f"annotation {row.id}"
        if image is None:
            raise DataError(f"{where}: there is no image with the id {row.image_id}")
        if row.category_id not in self.dataset.categories:
            seen = f"{where}: there is no category with the id {row.category_id}"
            return [UnknownClass(image.file_name, seen)]
        if row.bbox is None:
            return [ObjectWithoutBox(image.file_name, where)]
        row.image_id = image.id
        self.dataset.annotations.append(row)
        return [BoxFromSegment(image.file_name, where)] if at in self.segments else []


def _around(segment: _Segment | None) -> Box | None:
    """The box around a segment (polygons, or COCO's run lengths); None for an empty one."""
    if not segment:
        return None
    if isinstance(segment, dict):
        from pycocotools import mask

        height, width = segment["size"]
        coded = segment
        if isinstance(segment["counts"], list):
            coded = mask.frPyObjects(segment, height, width)
        x, y, w, h = map(float, mask.toBbox(coded))
        return (x, y, w, h) if w and h else None
    across = [float(value) for polygon in segment for value in polygon[0::2]]
    down = [float(value) for polygon in segment for value in polygon[1::2]]
    left, top = min(across), min(down)
    return left, top, max(across) - left, max(down) - top


def _number(value: float | str | None) -> float:
    """A number; NaN for null. Raises ValueError for a text that is none."""
    return float("nan") if value is None else float(value)
