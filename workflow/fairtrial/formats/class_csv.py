"""A table that names the class of each image: CSV with a header, a row an image."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from fairtrial import DataError
from fairtrial.data.dataset import SPLITS, Annotation, Dataset, Image
from fairtrial.data.defects import Defect, UnannotatedImage
from fairtrial.data.imagefile import SUFFIXES
from fairtrial.files.folders import checked_path, files_below


class Settings(BaseModel):
    """The options of the format."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str = "labels.csv"  # relative to the raw folder
    images: str = "."  # the folder to which names of images are relative
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    image: str = "file"  # the column with the name of the image's file
    label: str = "label"  # the column with its class
    suffix: str = ""  # appended to the names in that column, such as .jpg
    split: str | None = None  # the column with its split: train, val or test
    group: str | None = None  # the column with its group (patient, video, scene)
    # All classes, in this order; null: every class in the table, sorted by name.
    classes: tuple[str, ...] | None = None


def read(folder: Path, options: Settings) -> tuple[Dataset, list[Defect]]:
    """The table as a set: an image has one class and no box.

    Raises DataError for a missing column, a row without name or class, an image named twice,
    and an unknown split or class. Images that the table does not name are defects.
    """
    path = folder / checked_path(options.table, "options: table")
    rows = list(_rows(path, options))
    dataset = Dataset(categories=_categories(rows, options, path))
    numbers = {name: number for number, name in dataset.categories.items()}
    seen: set[str] = set()
    for number, row in enumerate(rows, 1):
        image = _image(number, row, options)
        if image.file_name in seen:
            raise DataError(f"{row.where}: {image.file_name} is named twice")
        seen.add(image.file_name)
        dataset.images.append(image)
        dataset.annotations.append(Annotation(number, numbers[row.of(options.label)], None))
    return dataset, _unnamed(dataset, folder, options, seen)


class _Row:
    """One row of the table, and where it stands."""

    def __init__(self, cells: dict[str, str | None], where: str) -> None:
        self.cells, self.where = cells, where

    def of(self, column: str) -> str:
        """The text in a column. Raises DataError where there is none."""
        text = (self.cells.get(column) or "").strip()
        if not text:
            raise DataError(f"{self.where}: the column `{column}` is empty")
        return text


def _rows(path: Path, options: Settings) -> Iterator[_Row]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file, delimiter=options.delimiter)
            columns = table.fieldnames or []
            needed = (options.image, options.label, options.split, options.group)
            if missing := [name for name in needed if name is not None and name not in columns]:
                present = ", ".join(columns) or "none"
                raise DataError(f"{path}: there is no column `{missing[0]}`; there are: {present}")
            for row in table:
                yield _Row(row, f"{path}:{table.line_num}")
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a table in UTF-8 ({error})") from error


def _categories(rows: list[_Row], options: Settings, path: Path) -> dict[int, str]:
    where = {row.of(options.label): row.where for row in reversed(rows)}
    if not rows:
        raise DataError(f"{path}: names no image")
    listed = sorted(where) if options.classes is None else list(options.classes)
    if unknown := sorted(set(where) - set(listed)):
        text = f"`{unknown[0]}` is none of the classes that are listed"
        raise DataError(f"{where[unknown[0]]}: {text}")
    return dict(enumerate(listed, 1))


def _image(number: int, row: _Row, options: Settings) -> Image:
    name = checked_path(f"{options.images}/{row.of(options.image)}{options.suffix}", row.where)
    split = row.of(options.split) if options.split is not None else None
    if split is not None and split not in SPLITS:
        raise DataError(f"{row.where}: `{split}` is not train, val or test")
    group = row.of(options.group) if options.group is not None else None
    return Image(number, name, 0, 0, group=group, split=split)


def _unnamed(dataset: Dataset, folder: Path, options: Settings, seen: set[str]) -> list[Defect]:
    """Add the images in the folder that have no row, without class. Returns a defect for each."""
    place = PurePosixPath(options.images)
    defects: list[Defect] = []
    below = files_below(folder / place) if (folder / place).is_dir() else []
    for file in below:
        name = (place / file).as_posix()
        if PurePosixPath(file).suffix.lower() in SUFFIXES and name not in seen:
            dataset.images.append(Image(len(dataset.images) + 1, name, 0, 0))
            defects.append(UnannotatedImage(name))
    return defects
