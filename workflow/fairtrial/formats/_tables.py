"""Tables in text files (CSV): rows with their places."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from fairtrial import DataError
from fairtrial.data.names import group_name, split_of
from fairtrial.formats._labelled_images import LabelledImage
from fairtrial.formats._unread import did_you_mean, no_such_file

Delimiter = Annotated[str, Field(min_length=1, max_length=1)]


class ImageTable(BaseModel):
    """One table and the folder to which its names of images are relative."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str
    images: str = "."
    # The split of all images of this table; null: none is given, or a column names it.
    split: Literal["train", "val", "test"] | None = None


class TableRow:
    """One row of a table, and where it stands."""

    def __init__(self, cells: dict[str, str], where: str) -> None:
        self.cells, self.where = cells, where

    def text(self, column: str) -> str:
        """The text in a column, without blanks around it; "" where there is none."""
        return self.cells.get(column, "").strip()

    def of(self, column: str) -> str:
        """The text in a column. Raises DataError where there is none."""
        text = self.text(column)
        if not text:
            raise DataError(f"{self.where}: the column `{column}` is empty")
        return text


def put_split(image: LabelledImage, row: TableRow, column: str | None) -> None:
    """Give an image the split that the word in a column means; what is none is wrong with it."""
    if column is None:
        return
    image.split = split_of(row.text(column))
    if image.split is None:
        image.wrong.append(f"{row.where}: {column}: `{row.text(column)}` is not train, val or test")


def group_in(row: TableRow, column: str) -> str | None:
    """The group that a column names; None where it is empty."""
    return group_name(row.text(column), f"{row.where}: {column}")


def read_table(
    folder: Path,
    file: str,
    delimiter: str,
    needed: Sequence[str],
    columns: Sequence[str] | None = None,
) -> list[TableRow]:
    """The rows of a table in UTF-8, which is named relative to the raw folder.

    `columns`: their names where the table has no header.

    Raises DataError where there is no such file, it is no such table, or a column of `needed`
    is missing.
    """
    path = folder / file
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            rows = csv.reader(text, delimiter=delimiter, skipinitialspace=True)
            names = list(columns) if columns is not None else [c.strip() for c in next(rows, [])]
            if missing := [name for name in needed if name not in names]:
                present = ", ".join(names) or "none"
                near = did_you_mean(missing[0], names)
                raise DataError(
                    f"{path}: there is no column `{missing[0]}`; there are: {present}{near}"
                )
            return [
                TableRow(dict(zip(names, cells, strict=False)), f"{file}:{rows.line_num}")
                for cells in rows
                if any(cells)
            ]
    except FileNotFoundError as error:
        raise DataError(no_such_file(path)) from error
    except (csv.Error, UnicodeDecodeError, IsADirectoryError) as error:
        raise DataError(f"{path}: not a table in UTF-8 ({error})") from error
