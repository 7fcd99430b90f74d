"""COCO JSON: one file, or several that put their images into given splits."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from fairtrial import DataError
from fairtrial.data.dataset import SPLITS, Annotation, Dataset, Image, SplitDataset
from fairtrial.data.dataset import write as write_set
from fairtrial.data.defects import (
    BoxFromSegment,
    Defect,
    MalformedImage,
    MalformedObject,
    ObjectWithoutBox,
    OrphanObject,
    UnknownClass,
)
from fairtrial.data.names import class_name, flag_of, group_name, id_of
from fairtrial.files.folders import checked_path, copy_file
from fairtrial.files.jsonfile import sections
from fairtrial.formats._coco_recognition import likeness
from fairtrial.formats._coco_values import RowError, around, box_of, number_of, of_row, stated_size
from fairtrial.formats._ignored import with_ignored
from fairtrial.formats._names import exported_names
from fairtrial.formats._recognition import Likeness, Listing
from fairtrial.formats._unread import no_such_file

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
    # What `bbox` holds. xywh: the left top corner, width and height in pixels, as COCO has it.
    # xyxy: two corners. shares: as xywh, in shares of the image's width and height.
    boxes: Literal["xywh", "xyxy", "shares"] = "xywh"


# How a source says that its boxes are written in another unit (see data/box_units.py).
REMEDIES = {"corners": "options: {boxes: xyxy}", "shares": "options: {boxes: shares}"}


def read(folder: Path, options: Settings) -> tuple[Dataset, list[Defect]]:
    """All files as one set. Crowd regions are kept. Segments only give boxes to objects without.

    Raises DataError where a file lacks a part, files disagree about a class, or two images have
    one id. Rows that cannot be read are defects.
    """
    dataset, defects = Dataset(), list[Defect]()
    parents: set[str] = set()  # names of supercategories
    for file in options.files:
        path = folder / checked_path(file.annotations, "files: annotations")
        if not path.is_file():
            raise DataError(no_such_file(path))
        try:
            reader = _File(dataset, file, options)
            defects += reader.read(path)
            parents |= reader.parents
        except DataError as error:
            raise DataError(f"{file.annotations}: {error}") from error
    if options.parents == "drop":
        _drop_parents(dataset, parents)
    dataset.label_files = {file.annotations for file in options.files}
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


_Row = dict[str, object]  # a row of a file, of which nothing is known


class _File:
    """Reads one file into the set of all files. Its parts may come in any order."""

    def __init__(self, dataset: Dataset, file: File, options: Settings) -> None:
        self.dataset, self.file, self.options = dataset, file, options
        self.parents: set[str] = set()  # names of supercategories
        self.images: dict[int | str, Image | None] = {}  # by the file's own ids; None: malformed
        self.rows: list[tuple[int | str, Annotation]] = []  # with the id of the image in the file
        self.segments: set[int] = set()  # those of them whose box comes from their segment
        self.malformed: list[tuple[object, str]] = []  # id of the image, and what is wrong
        self.defects: list[Defect] = []
        self.without_group: list[str] = []

    def read(self, path: Path) -> list[Defect]:
        take: dict[str, Callable[[int, _Row], None]] = {
            "images": self._image,
            "annotations": self._annotation,
            "categories": self._category,
        }
        missing = set(PARTS)
        for key, rows in sections(path):
            missing.discard(key)
            if key in take:
                for at, row in enumerate(rows, 1):
                    take[key](at, row)
        if missing:
            raise DataError(f"has no {' and no '.join(f'`{key}`' for key in sorted(missing))}")
        self._refuse_missing_groups()
        names = sorted(self.dataset.categories.values())
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise DataError(f"two category ids have the same name: {', '.join(twice)}")
        for image_id, text in self.malformed:
            self._at(image_id, text, MalformedObject)
        for at, (image_id, row) in enumerate(self.rows):
            self._place(at, image_id, row)
        return self.defects

    def _refuse_missing_groups(self) -> None:
        if self.without_group:
            raise DataError(
                f"{len(self.without_group)} images have no key {self.options.group!r} "
                f"(options: group), such as {', '.join(self.without_group[:5])}"
            )

    def _category(self, at: int, row: _Row) -> None:
        where = f"category {at}"
        if not isinstance(row, dict) or not {"id", "name"} <= set(row):
            raise DataError(f"{where}: has no `id` and `name`, so it is not COCO JSON")
        number, name = id_of(row["id"], where), class_name(row["name"], where)
        if not isinstance(number, int):
            raise DataError(f"{where}: the id {number!r} is no whole number")
        self.parents |= {str(row.get("supercategory"))} - {name}
        known = self.dataset.categories.setdefault(number, name)
        if known != name:
            raise DataError(f"category {number} is {name!r} here and {known!r} elsewhere")

    def _image(self, at: int, row: _Row) -> None:
        where = f"row {at} of `images`"
        try:
            self._add_image(row, where)
        except RowError as error:
            self.defects.append(MalformedImage(self.file.annotations, f"{where}: {error}"))
            with suppress(DataError, AttributeError):
                self.images.setdefault(id_of(row.get("id"), where), None)

    def _add_image(self, row: _Row, where: str) -> None:
        """Raises RowError for a row that is none of an image."""
        if not isinstance(row, dict):
            raise RowError(f"not an image, but {row!r}")
        for needed in ("id", "file_name"):
            if needed not in row:
                raise RowError(f"has no `{needed}`")
        name, number = str(row["file_name"]), of_row(id_of, row["id"], "id")
        if number in self.images:
            raise DataError(f"two images have the id {number}")
        key = self.options.group
        if key is not None and key not in row:
            self.without_group.append(name)
        group = of_row(group_name, row.get(key), key) if key is not None else None
        path = f"{self.file.images}/{name}".removeprefix("./")
        if "\\" not in name:  # of Windows; such a file is not there, and convert says what is
            path = checked_path(path, f"{where}: file_name")
        width, height = (stated_size(row.get(key), key) for key in ("width", "height"))
        number_here = len(self.dataset.images) + 1
        image = Image(number_here, path, width, height, group=group, split=self.file.split)
        image.relative = self.options.boxes == "shares"
        self.images[number] = image
        self.dataset.images.append(image)
        self.dataset.own_ids[path] = number

    def _annotation(self, at: int, row: _Row) -> None:
        try:
            image_id, annotation = self._parsed(at, row)
        except RowError as error:
            row = row if isinstance(row, dict) else {}
            name = row.get("id", f"in row {at}")
            self.malformed.append((row.get("image_id"), f"annotation {name}: {error}"))
        else:
            self.rows.append((image_id, annotation))

    def _parsed(self, at: int, row: _Row) -> tuple[int | str, Annotation]:
        """The id of its image in the file, and the object. Raises RowError."""
        if not isinstance(row, dict):
            raise RowError(f"not an annotation, but {row!r}")
        for key in ("image_id", "category_id"):
            if key not in row:
                raise RowError(f"has no `{key}`")
        place, kind = row["image_id"], row["category_id"]
        if type(place) is not int:  # nearly all are; there may be millions
            place = of_row(id_of, place, "image_id")
        if type(kind) is not int:
            kind = of_row(id_of, kind, "category_id")
        if not isinstance(kind, int):
            raise RowError(f"category_id {kind!r} is no whole number")
        number = row.get("id", at)
        number = number if isinstance(number, int) else at
        crowd = of_row(flag_of, row["iscrowd"], "iscrowd") if "iscrowd" in row else False
        bbox = row.get("bbox")
        box = box_of(bbox) if bbox is not None and bbox != [] else None
        if box is None and (box := around(row.get("segmentation"))):
            self.segments.add(len(self.rows))
        elif box is not None and self.options.boxes == "xyxy":
            box = box[0], box[1], box[2] - box[0], box[3] - box[1]
        if box is None:
            return place, Annotation(0, kind, None, iscrowd=crowd, id=number)
        area = box[2] * box[3]
        if "area" in row and self.options.boxes == "xywh":
            area = number_of(row["area"], "area")
        return place, Annotation(0, kind, box, area, crowd, number)

    def _at(self, image_id: object, text: str, kind: type[Defect]) -> None:
        """Add a defect of an object: of its image, or of the file where its image is unknown."""
        known = self.images.get(image_id) if isinstance(image_id, int | str) else None
        self.defects.append(kind(known.file_name if known else self.file.annotations, text))

    def _place(self, at: int, image_id: int | str, row: Annotation) -> None:
        """Add an object to the set, unless a defect makes that impossible."""
        where = f"annotation {row.id}"
        if image_id not in self.images:
            text = f"{where}: there is no image with the id {image_id}"
            self.defects.append(OrphanObject(self.file.annotations, text))
            return
        image = self.images[image_id]
        if image is None:  # its row is a defect already
            return
        if row.category_id not in self.dataset.categories:
            text = f"{where}: there is no category with the id {row.category_id}"
            self.defects.append(UnknownClass(image.file_name, text))
        elif row.bbox is None:
            self.defects.append(ObjectWithoutBox(image.file_name, where))
        else:
            if at in self.segments:
                self.defects.append(BoxFromSegment(image.file_name, where))
            row.image_id = image.id
            self.dataset.annotations.append(row)


def recognise(listing: Listing) -> Likeness | None:
    """JSON files with COCO's three parts, each with the folder of its images."""
    return likeness(listing)
