"""Tables in text files (CSV): rows with their places, and all that is wrong at once."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field

from fairtrial import DataError
from fairtrial.data.defect_actions import listed
from fairtrial.data.names import group_name, split_of

Delimiter = Annotated[str, Field(min_length=1, max_length=1)]


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


def split_in(row: TableRow, column: str) -> str:
    """The split that the word in a column means. Raises DataError for another word."""
    split = split_of(row.of(column))
    if split is None:
        raise DataError(f"{row.where}: `{row.of(column)}` is not train, val or test")
    return split


def group_in(row: TableRow, column: str) -> str | None:
    """The group that a column names; None where it is empty."""
    return group_name(row.text(column), f"{row.where}: {column}")


def read_table(
    path: Path, delimiter: str, needed: Sequence[str], columns: Sequence[str] | None = None
) -> list[TableRow]:
    """The rows of a table in UTF-8. `columns`: their names where the table has no header.

    Raises DataError where there is no such file, it is no such table, or a column of `needed`
    is missing.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, delimiter=delimiter, skipinitialspace=True)
            names = list(columns) if columns is not None else [c.strip() for c in next(rows, [])]
            if missing := [name for name in needed if name not in names]:
                present = ", ".join(names) or "none"
                raise DataError(f"{path}: there is no column `{missing[0]}`; there are: {present}")
            return [
                TableRow(dict(zip(names, cells, strict=False)), f"{path}:{rows.line_num}")
                for cells in rows
                if any(cells)
            ]
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except (csv.Error, UnicodeDecodeError, IsADirectoryError) as error:
        raise DataError(f"{path}: not a table in UTF-8 ({error})") from error


class Problems:
    """What is wrong with rows or files, collected to be said at once."""

    def __init__(self) -> None:
        self._found: list[str] = []

    def add(self, problem: DataError | str) -> None:
        """Note one problem, which names its file and line."""
        self._found.append(str(problem))

    def refuse(self) -> None:
        """Raise DataError that lists the problems, if there are any."""
        if len(self._found) == 1:
            raise DataError(self._found[0])
        if self._found:
            raise DataError(f"{len(self._found)} things are wrong:\n{listed(self._found)}")
