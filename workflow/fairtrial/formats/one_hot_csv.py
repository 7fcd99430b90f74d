"""A table with a column a class, for image classification: the class of an image has a 1."""

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
from fairtrial.formats._numbers import number_or_nan
from fairtrial.formats._recognition import Likeness, Listing
from fairtrial.formats._table_recognition import SeenTable, alike, seen_tables, tables_option
from fairtrial.formats._tables import Delimiter, ImageTable, TableRow, group_in, read_table


class Settings(BaseModel):
    """The options of the format; paths are relative to the raw folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tables: tuple[ImageTable, ...] = (ImageTable(table="_classes.csv"),)
    delimiter: Delimiter = ","
    image: str = "filename"  # the column with the name of the image's file
    suffix: str = ""  # appended to the names in that column, such as .jpg
    group: str | None = None  # the column with its group (patient, video, scene)
    # The columns that are classes, in this order; null: every other column.
    classes: tuple[str, ...] | None = None


def read(folder: Path, options: Settings) -> tuple[Dataset, list[Defect]]:
    """All tables as one set: an image has one class and no box.

    Rows without name, with no 1 or several, or with another number than 0 and 1, and images that no
    table names are defects. Raises DataError for a missing table or column.
    """
    images, unnamed = list[LabelledImage](), list[Defect]()
    classes: list[str] = list(options.classes or ())
    needed = [options.image, *classes, *([options.group] if options.group is not None else [])]
    for table in options.tables:
        file = checked_path(table.table, "tables: table")
        rows = read_table(folder, file, options.delimiter, needed)
        if options.classes is None:
            others = [name for row in rows[:1] for name in row.cells if name not in needed]
            classes += [name for name in others if name not in classes]
        for row in rows:
            try:
                images.append(_image(row, table, options, classes))
            except DataError as error:
                unnamed.append(MalformedImage(table.table, str(error)))
    if not images and not unnamed:
        raise DataError(f"{options.tables[0].table}: names no image")
    dataset, defects = as_dataset(images, classes)
    dataset.label_files |= {table.table for table in options.tables}
    for place in dict.fromkeys(table.images for table in options.tables):
        defects += add_unnamed(dataset, images_below(folder, place))
    return dataset, unnamed + defects


def _image(
    row: TableRow, table: ImageTable, options: Settings, classes: list[str]
) -> LabelledImage:
    """The image that a row is about. Raises DataError where it names none."""
    name = checked_path(f"{table.images}/{row.of(options.image)}{options.suffix}", row.where)
    group = group_in(row, options.group) if options.group is not None else None
    image = LabelledImage(name, split=table.split, group=group, where=row.where)
    values = {column: number_or_nan(row.text(column)) for column in classes if column in row.cells}
    ones = [column for column, value in values.items() if value == 1]
    if odd := [column for column, value in values.items() if value not in (0, 1)]:
        image.wrong.append(f"{row.where}: `{odd[0]}` is {row.text(odd[0])!r}, not 0 or 1")
    elif len(ones) != 1:
        found = " and ".join(f"`{column}`" for column in ones) or "no class"
        image.wrong.append(f"{row.where}: has {found}; a set has one class an image")
    else:
        image.objects.append(LabelledObject(ones[0], None, row.where, whole=True))
    return image


def recognise(listing: Listing) -> Likeness | None:
    """Tables with a column of names of images, and two or more columns of 0 and 1."""
    seen = [table for table in seen_tables(listing) if table.is_by_image]
    tables = [table for table in seen if len(_class_columns(table)) > 1]
    if not tables:
        return None
    tables = alike(tables)
    table = tables[0]
    classes = _class_columns(table)
    options: dict[str, object] = {"tables": tables_option(tables), **table.image_options}
    options["classes"] = classes
    if "group" in table.columns_of_image:
        options["group"] = table.columns_of_image["group"]
    names = ", ".join(table.file for table in tables)
    several = sum(sum(number_or_nan(row.get(c, "")) for c in classes) != 1 for row in table.rows)
    notes = (f"{several} of the first rows have no class or several",) if several else ()
    words = f"a column a class: {names}, classes {', '.join(classes)}"
    return Likeness("likely", words, options, notes)


def _class_columns(table: SeenTable) -> list[str]:
    """The columns that hold nothing but 0 and 1."""
    others = (column for column in table.columns if column != table.image)
    return [c for c in others if table.numbers(c) and set(table.numbers(c)) <= {0.0, 1.0}]
