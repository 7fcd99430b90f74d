"""Tables as CSV that a spreadsheet shows and does not run.

A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula, also a name that an
annotation gives. Texts that do so are written behind an apostrophe, which `original` takes away
again. Numbers are written as they are.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Sequence
from typing import IO, TypeVar

Cell = TypeVar("Cell")

_FORMULA = re.compile(r"'*[=+\-@\t\r\n]")  # also one that begins with apostrophes, to be exact


def escaped(cell: Cell) -> Cell | str:
    """A cell as it is written: a text that a spreadsheet could run has an apostrophe before it."""
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def original(text: str) -> str:
    """The text of which `escaped` made this one."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def write_rows(
    file: IO[str],
    header: Sequence[str],
    rows: Iterable[Iterable[object]],
    digits: int | None = None,
) -> None:
    """Write a table, its lines ended by a line feed; fractions with `digits` significant digits, or
    all that tell them from their neighbours."""

    add = row_writer(file, header, digits)
    for row in rows:
        add(row)


def row_writer(
    file: IO[str], header: Sequence[str], digits: int | None = None
) -> Callable[[Iterable[object]], None]:
    """Write the header of a table; returns a function that adds a row, as `write_rows` does."""

    def written(cell: object) -> object:
        if digits is not None and isinstance(cell, float):
            return f"{cell:.{digits}g}"
        return escaped(cell)

    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)

    def add(row: Iterable[object]) -> None:
        writer.writerow([written(cell) for cell in row])

    return add


def read_rows(file: Iterable[str]) -> list[dict[str, str]]:
    """The rows of a table: column → text."""
    return [
        {column: original(text) for column, text in row.items()} for row in csv.DictReader(file)
    ]
