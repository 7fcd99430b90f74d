"""Open Images: tables of boxes in shares, and a table of class names.

A row is `ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,…,IsGroupOf,…`. A
group of more than five objects (`IsGroupOf`) is a crowd region. `LabelName` is an id such as
/m/04bcr3; a table without header, `<id>,<name>`, gives its name.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import BaseModel, ConfigDict

from fairtrial import DataError
from fairtrial.data.boxes import Box
from fairtrial.data.dataset import Dataset
from fairtrial.data.defects import Defect, MalformedObject, UnknownClass
from fairtrial.data.names import flag_of
from fairtrial.files.folders import checked_path
from fairtrial.formats._ignored import with_ignored
from fairtrial.formats._labelled_images import (
    LabelledImage,
    LabelledObject,
    add_unnamed,
    as_dataset,
    images_below,
)
from fairtrial.formats._numbers import number_or_nan
from fairtrial.formats._recognition import Likeness, Listing, split_of_path
from fairtrial.formats._tables import TableRow, read_table

BOX = ("XMin", "XMax", "YMin", "YMax")


class OpenImagesTable(BaseModel):
    """One table of boxes and the folder of its images."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    boxes: str
    images: str = "."
    split: Literal["train", "val", "test"] | None = None


class Settings(BaseModel):
    """The options of the format; paths are relative to the raw folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tables: tuple[OpenImagesTable, ...] = (
        OpenImagesTable(boxes="annotations-bbox.csv", images="images"),
    )
    # The table of class names; null: the ids are the names.
    names: str | None = "class-descriptions-boxable.csv"
    # The classes that there are, by name; null: every one in the tables of boxes.
    classes: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()  # classes whose objects are regions that count neither way


# How a source says that its boxes are written in another unit (see data/box_units.py): the tables
# are then none of Open Images, but still tables with a row a box.
_COLUMNS = (
    "tables: [{table: …, images: …}], image: ImageID, suffix: .jpg, label: LabelName, "
    "box: [XMin, YMin, XMax, YMax]"
)
REMEDIES = {
    "pixels": f"format: box_csv, options: {{{_COLUMNS}, coordinates: edges}}",
    "sizes": f"format: box_csv, options: {{{_COLUMNS}, coordinates: shares, "
    "box_is: corner_and_size}",
}
WRITTEN = "shares of width and height alone, in the columns XMin, XMax, YMin and YMax"


def read(folder: Path, options: Settings) -> tuple[Dataset, list[Defect]]:
    """All tables as one set. Rows of images that are not in the folder are left out.

    The published tables name millions of images, of which people fetch some. Rows that lack an
    image or a known class are defects. Raises DataError for a missing table or column.
    """
    names = _names(folder, options.names)
    images: dict[str, LabelledImage] = {}
    unread: list[Defect] = []
    for table in options.tables:
        files = _files(folder, table)
        path = checked_path(table.boxes, "tables: boxes")
        for row in read_table(folder, path, ",", ("ImageID", "LabelName", *BOX)):
            number = row.text("ImageID")
            if not number:
                unread.append(MalformedObject(table.boxes, f"{row.where}: `ImageID` is empty"))
            elif file := files.get(number):
                image = LabelledImage(file, split=table.split, relative=True)
                unread += _add(images.setdefault(file, image), row, names)
    if not images and not unread:
        raise DataError(f"{options.tables[0].boxes}: names no image that is in the folder")
    dataset, defects = as_dataset(list(images.values()), options.classes)
    for table in options.tables:
        defects += add_unnamed(dataset, _files(folder, table).values())
    dataset.label_files |= {table.boxes for table in options.tables} | {options.names or ""}
    return with_ignored(dataset, options.ignore), unread + defects


def _add(image: LabelledImage, row: TableRow, names: dict[str, str] | None) -> list[Defect]:
    """Add the object of one row. Returns a defect where its class is unknown."""
    label = row.text("LabelName")
    if label and names is not None and label not in names:
        seen = f"{row.where}: the table of names has no `{label}`"
        return [UnknownClass(image.file, seen)]
    try:
        image.objects.append(_object(row, names))
    except DataError as error:
        image.unread.append(str(error))
    return []


def _files(folder: Path, table: OpenImagesTable) -> dict[str, str]:
    """The images below the folder of a table, by their id."""
    return {PurePosixPath(file).stem: file for file in images_below(folder, table.images)}


def _names(folder: Path, table: str | None) -> dict[str, str] | None:
    """The names of classes by id; None where ids are names."""
    if table is None:
        return None
    file = checked_path(table, "options: names")
    rows = read_table(folder, file, ",", (), columns=("id", "name"))
    return {row.of("id"): row.of("name") for row in rows}


def _object(row: TableRow, names: dict[str, str] | None) -> LabelledObject:
    label = row.of("LabelName")
    left, right, top, bottom = (number_or_nan(row.text(column)) for column in BOX)
    box: Box = (left, top, right - left, bottom - top)
    crowd = flag_of(row.text("IsGroupOf"), f"{row.where}: IsGroupOf")
    return LabelledObject(names[label] if names else label, box, row.where, crowd=crowd)


def recognise(listing: Listing) -> Likeness | None:
    """Tables with the columns ImageID, LabelName and XMin, and the folders of their images."""
    heads = {file: listing.head(file).splitlines()[:200] for file in listing.ending(".csv")}
    files = [f for f, lines in heads.items() if lines and _is_of_boxes(lines[0].split(","))]
    if not files:
        return None
    tables, found = [], 0
    for file in files:
        ids = [
            line.split(",")[heads[file][0].split(",").index("ImageID")] for line in heads[file][1:]
        ]
        place, here = listing.folder_named_as([f"{number}.csv" for number in ids], ".")
        split = split_of_path(PurePosixPath(file).name) if len(files) > 1 else None
        tables.append({"boxes": file, "images": place} | ({"split": split} if split else {}))
        found += here
    names = [f for f, lines in heads.items() if lines and re.match(r"/[mgt]/\w+,", lines[0])]
    options = {"tables": tables, "names": names[0] if names else None}
    names_of = ", ".join(files)
    seen = f"Open Images' tables of boxes: {names_of}; {found} of their first rows have an image"
    return Likeness("certain", seen, options)


def _is_of_boxes(columns: list[str]) -> bool:
    return {"ImageID", "LabelName", *BOX} <= set(columns)
