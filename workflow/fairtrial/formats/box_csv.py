"""A table with a row a box: `filename,width,height,class,xmin,ymin,xmax,ymax`, or other columns.

An image with several objects has several rows; one without has a row whose class and box are
empty, or none.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from fairtrial import DataError
from fairtrial.data.boxes import Box
from fairtrial.data.dataset import Dataset
from fairtrial.data.defects import Defect, MalformedObject
from fairtrial.files.folders import checked_path
from fairtrial.formats._ignored import with_ignored
from fairtrial.formats._labelled_images import (
    LabelledImage,
    LabelledObject,
    add_unnamed,
    as_dataset,
    images_below,
)
from fairtrial.formats._numbers import number_or_nan, pixels_or_zero
from fairtrial.formats._recognition import Likeness, Listing
from fairtrial.formats._table_recognition import (
    SeenTable,
    alike,
    seen_tables,
    splits_of,
    tables_option,
)
from fairtrial.formats._tables import (
    Delimiter,
    ImageTable,
    TableRow,
    group_in,
    put_split,
    read_table,
)

Four = Annotated[tuple[str, ...], Field(min_length=4, max_length=4)]


class Settings(BaseModel):
    """The options of the format; paths are relative to the raw folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tables: tuple[ImageTable, ...] = (ImageTable(table="annotations.csv"),)
    delimiter: Delimiter = ","
    columns: tuple[str, ...] | None = None  # names of all columns; null: the table has a header
    image: str = "filename"  # the column with the name of the image's file
    suffix: str = ""  # appended to the names in that column, such as .jpg
    label: str = "class"  # the column with the class of the object
    box: Four = ("xmin", "ymin", "xmax", "ymax")  # the columns with the box
    # What they hold: two corners; or the corner left above, or the centre, with width and height.
    box_is: Literal["corners", "corner_and_size", "centre_and_size"] = "corners"
    # pixels: the first and the last pixel, counted from 1 (as for `voc`); edges: positions between
    # pixels; shares: of the image's width and height, from 0 to 1.
    coordinates: Literal["pixels", "edges", "shares"] = "edges"
    width: str | None = None  # the column with the width of the image in pixels; null: none
    height: str | None = None
    split: str | None = None  # the column with the split of the image: train, val or test
    group: str | None = None  # the column with its group (patient, video, scene)
    # The classes that there are; null: every one in the tables, by name.
    classes: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()  # classes whose objects are regions that count neither way


# How a source says that its boxes are written in another unit (see data/box_units.py).
REMEDIES = {
    "sizes": "options: {box_is: corner_and_size}",
    "corners": "options: {box_is: corners}",
    "shares": "options: {coordinates: shares}",
    "pixels": "options: {coordinates: edges}",
}


def read(folder: Path, options: Settings) -> tuple[Dataset, list[Defect]]:
    """All tables as one set. Images in their folders that no row names are defects.

    So are rows that lack a name or a class, and images of which rows state another size, split or
    group. Raises DataError for a missing table or column.
    """
    images, unnamed = dict[str, LabelledImage](), list[Defect]()
    for table in options.tables:
        file = checked_path(table.table, "tables: table")
        for row in read_table(folder, file, options.delimiter, _needed(options), options.columns):
            try:
                image = _image(row, table, options)
            except DataError as error:
                unnamed.append(MalformedObject(table.table, str(error)))
            else:
                _add(images, row, image, options)
    if not images and not unnamed:
        raise DataError(f"{options.tables[0].table}: names no image")
    dataset, defects = as_dataset(list(images.values()), options.classes)
    for place in dict.fromkeys(table.images for table in options.tables):
        defects += add_unnamed(dataset, images_below(folder, place))
    dataset.label_files |= {table.table for table in options.tables}
    return with_ignored(dataset, options.ignore), unnamed + defects


def _needed(options: Settings) -> list[str]:
    columns = (options.image, options.label, *options.box, options.width, options.height)
    return [name for name in (*columns, options.split, options.group) if name is not None]


def _add(
    images: dict[str, LabelledImage], row: TableRow, image: LabelledImage, options: Settings
) -> None:
    """Add what one row says of an image, and of an object on it."""
    known = images.setdefault(image.file, image)
    if image.wrong:
        known.wrong += image.wrong if image is not known else []
        return
    for what, one, other in (
        ("size", known.size, image.size),
        ("split", known.split, image.split),
        ("group", known.group, image.group),
    ):
        if one != other:
            known.wrong.append(
                f"{row.where}: has the {what} {one} in another row, and {other} here"
            )
    cells = [row.text(column) for column in options.box]
    if not any(cells) and not row.text(options.label):
        return  # an image without objects
    box = _box([number_or_nan(cell) for cell in cells], options) if any(cells) else None
    try:
        known.objects.append(LabelledObject(row.of(options.label), box, row.where))
    except DataError as error:
        known.unread.append(str(error))


def _image(row: TableRow, table: ImageTable, options: Settings) -> LabelledImage:
    """The image that a row is about. Raises DataError where it names none."""
    written = row.of(options.image).replace("\\", "/").removeprefix("./")
    name = f"{table.images}/{written}{options.suffix}"
    image = LabelledImage(
        PurePosixPath(checked_path(name, row.where)).as_posix(),
        (_stated(row, options.width), _stated(row, options.height)),
        table.split,
        group_in(row, options.group) if options.group is not None else None,
        relative=options.coordinates == "shares",
    )
    put_split(image, row, options.split)
    return image


def _stated(row: TableRow, column: str | None) -> int:
    return pixels_or_zero(row.text(column)) if column is not None else 0


def _box(numbers: list[float], options: Settings) -> Box:
    """The box of four numbers, as left, top, width and height."""
    a, b, c, d = numbers
    first = 1 if options.coordinates == "pixels" else 0
    if options.box_is == "corner_and_size":
        return a - first, b - first, c, d
    if options.box_is == "centre_and_size":
        return a - c / 2, b - d / 2, c, d
    return a - first, b - first, c - a + first, d - b + first


# Names of columns that hold a box, by what they hold; in any case.
_BOXES: dict[str, tuple[tuple[str, str, str, str], ...]] = {
    "corners": (
        ("xmin", "ymin", "xmax", "ymax"),
        ("x_min", "y_min", "x_max", "y_max"),
        ("x1", "y1", "x2", "y2"),
        ("left", "top", "right", "bottom"),
    ),
    "centre_and_size": (
        ("x_center", "y_center", "width", "height"),
        ("x_center", "y_center", "w", "h"),
        ("xc", "yc", "w", "h"),
        ("cx", "cy", "w", "h"),
    ),
    "corner_and_size": (
        ("x", "y", "w", "h"),
        ("x", "y", "width", "height"),
        ("left", "top", "width", "height"),
        ("bbox_x", "bbox_y", "bbox_width", "bbox_height"),
    ),
}
_WIDTHS = ("width", "image_width", "img_width", "imagewidth")
_HEIGHTS = ("height", "image_height", "img_height", "imageheight")


def recognise(listing: Listing) -> Likeness | None:
    """Tables with columns of boxes, of classes and of names of images."""
    tables = [table for table in seen_tables(listing) if _box_columns(table) and table.label]
    if not tables:
        return None
    tables = alike(tables)
    table = tables[0]
    box_is, columns = _box_columns(table) or ("corners", [])
    coordinates, note = _unit([table.numbers(column) for column in columns], box_is)
    options: dict[str, object] = {"tables": tables_option(tables), **table.image_options}
    options |= {"label": table.label, "box": columns, "box_is": box_is, "coordinates": coordinates}
    if not table.header:
        options["columns"] = list(table.columns)
    for option, names in (("width", _WIDTHS), ("height", _HEIGHTS)):
        if (column := table.column(names)) is not None and column not in columns:
            options[option] = column
    options |= table.columns_of_image
    notes = [note] if note else []
    if box_is == "corner_and_size" and columns[:2] == ["x", "y"]:
        notes.append(
            "x and y are taken for the left upper corner; were they the centre of the box, "
            "it would be `box_is: centre_and_size`"
        )
    usual = [*_BOXES["corners"][0]] == columns and splits_of(tables) != [None]
    seen = f"a row a box: {', '.join(table.file for table in tables)}, columns {', '.join(columns)}"
    return Likeness("certain" if usual else "likely", seen, options, tuple(notes))


def _box_columns(table: SeenTable) -> tuple[str, list[str]] | None:
    """What the columns of the box hold, and their names; None without such columns."""
    for box_is, sets in _BOXES.items():
        for names in sets:
            columns = [column for name in names if (column := table.column([name])) is not None]
            if len(columns) == 4:
                return box_is, columns
    return None


def _unit(columns: list[list[float]], box_is: str) -> tuple[str, str]:
    """The option `coordinates`, and what a person should check of it."""
    values = [value for column in columns for value in column]
    if values and max(values) <= 1.5 and not all(value.is_integer() for value in values):
        return "shares", "coordinates are shares of width and height, for none is far above 1"
    corner = [value for column in columns[:2] for value in column]
    if box_is != "corners" or any(v <= 0 or not v.is_integer() for v in corner):
        return "edges", ""
    return (
        "edges",
        "whether coordinates are edges or pixels (from 1) cannot be told: 1 pixel at most",
    )
