"""A table that names the class of each image: CSV with a header, a row an image."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from fairtrial import DataError
from fairtrial.data.dataset import Annotation, Dataset, Image
from fairtrial.data.defects import Defect
from fairtrial.data.names import class_name, numbered_classes
from fairtrial.files.folders import checked_path
from fairtrial.formats._labelled_images import add_unnamed, images_below
from fairtrial.formats._recognition import Likeness, Listing
from fairtrial.formats._table_recognition import SeenTable, seen_tables
from fairtrial.formats._tables import Delimiter, Problems, TableRow, group_in, read_table, split_in


class Settings(BaseModel):
    """The options of the format."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str = "labels.csv"  # relative to the raw folder
    images: str = "."  # the folder to which names of images are relative
    delimiter: Delimiter = ","
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
    columns = (options.image, options.label, options.split, options.group)
    needed = [name for name in columns if name is not None]
    rows = read_table(path, options.delimiter, needed)
    dataset = Dataset(categories=_categories(rows, options, path))
    numbers = {name: number for number, name in dataset.categories.items()}
    seen: set[str] = set()
    problems = Problems()
    for number, row in enumerate(rows, 1):
        try:
            image = _image(number, row, options)
        except DataError as error:
            problems.add(error)
            continue
        if image.file_name in seen:
            problems.add(f"{row.where}: {image.file_name} is named twice")
        seen.add(image.file_name)
        dataset.images.append(image)
        label = class_name(row.of(options.label), row.where)
        dataset.annotations.append(Annotation(number, numbers[label], None))
    problems.refuse()
    dataset.label_files.add(options.table)
    return dataset, add_unnamed(dataset, images_below(folder, options.images))


def _categories(rows: list[TableRow], options: Settings, path: Path) -> dict[int, str]:
    problems, where = Problems(), dict[str, str]()
    for row in rows:
        try:
            where.setdefault(class_name(row.of(options.label), row.where), row.where)
        except DataError as error:
            problems.add(error)
    problems.refuse()
    if not rows:
        raise DataError(f"{path}: names no image")
    listed = numbered_classes(options.classes or sorted(where), "options: classes")
    if unknown := sorted(set(where) - set(listed.values())):
        text = f"`{unknown[0]}` is none of the classes that are listed"
        raise DataError(f"{where[unknown[0]]}: {text}")
    return listed


def _image(number: int, row: TableRow, options: Settings) -> Image:
    name = checked_path(f"{options.images}/{row.of(options.image)}{options.suffix}", row.where)
    split = split_in(row, options.split) if options.split is not None else None
    group = group_in(row, options.group) if options.group is not None else None
    return Image(number, name, 0, 0, group=group, split=split)


_COORDINATES = {"xmin", "x_min", "x1", "x", "left", "x_center", "bbox_x"}


def recognise(listing: Listing) -> Likeness | None:
    """A table with a column of names of images and one of classes, and none of boxes."""
    tables = [table for table in seen_tables(listing) if table.is_by_image and _label_of(table)]
    tables = [t for t in tables if not _COORDINATES & {column.lower() for column in t.columns}]
    if len(tables) != 1:
        return None
    (table,) = tables
    label = _label_of(table)
    options: dict[str, object] = {"table": table.file, "images": table.place}
    options |= {**table.image_options, "label": label, **table.columns_of_image}
    seen = f"a row an image: {table.file}, images in `{table.image}`, classes in `{label}`"
    return Likeness("likely", seen, options)


def _label_of(table: SeenTable) -> str | None:
    """The column of the class: one of a usual name, or the only other one."""
    known = {table.image, *table.columns_of_image.values()}
    others = [column for column in table.columns if column not in known]
    return table.label or (others[0] if len(others) == 1 else None)
