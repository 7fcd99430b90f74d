"""A table that names the class of each image: CSV with a header, a row an image."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from fairtrial import DataError
from fairtrial.data.dataset import Dataset
from fairtrial.data.defects import Defect, MalformedImage
from fairtrial.files.folders import checked_path
from fairtrial.formats._labelled_images import (
    LabelledImage,
    LabelledObject,
    add_unnamed,
    as_dataset,
    images_below,
)
from fairtrial.formats._recognition import Likeness, Listing
from fairtrial.formats._table_recognition import SeenTable, seen_tables
from fairtrial.formats._tables import Delimiter, TableRow, group_in, put_split, read_table


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

    Rows without name, class or known split, images named twice, classes that are not listed, and
    images that the table does not name are defects. Raises DataError for a missing table or column.
    """
    file = checked_path(options.table, "options: table")
    columns = (options.image, options.label, options.split, options.group)
    needed = [name for name in columns if name is not None]
    images, unnamed = list[LabelledImage](), list[Defect]()
    for row in read_table(folder, file, options.delimiter, needed):
        try:
            images.append(_image(row, options))
        except DataError as error:
            unnamed.append(MalformedImage(options.table, str(error)))
    if not images and not unnamed:
        raise DataError(f"{folder / file}: names no image")
    dataset, defects = as_dataset(images, options.classes)
    dataset.origins.clear()
    dataset.label_files.add(options.table)
    defects += add_unnamed(dataset, images_below(folder, options.images))
    return dataset, unnamed + defects


def _image(row: TableRow, options: Settings) -> LabelledImage:
    """The image that a row is about. Raises DataError where it names none."""
    name = checked_path(f"{options.images}/{row.of(options.image)}{options.suffix}", row.where)
    group = group_in(row, options.group) if options.group is not None else None
    image = LabelledImage(name, group=group, where=row.where)
    put_split(image, row, options.split)
    try:
        label = LabelledObject(row.of(options.label), None, row.where, whole=True)
    except DataError as error:
        image.wrong.append(str(error))
    else:
        image.objects.append(label)
    return image


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
