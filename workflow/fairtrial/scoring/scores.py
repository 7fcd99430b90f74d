"""What the scorer of a task returns, to be written by `validate`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Cell = str | int | float | None
Row = tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """The heading and the rows of a CSV file; an undefined cell is None."""

    header: Sequence[str]
    rows: Iterable[Row]


@dataclass(frozen=True)
class Scores:
    """metrics.json, and the tables of per_class.csv, curves.csv and confusion.csv.

    `metrics` has one entry a side, None for a side without images, and what holds for both.
    """

    metrics: dict[str, Any]
    per_class: Table
    curves: Table
    confusion: Table
