"""What stands behind the metrics of one run: errors by kind, metrics by size and group, curves by
class. Each file is read once, when it is first needed; a split without images has no rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from fairtrial.results.csv_files import read_csv
from fairtrial.scoring import error_kinds
from fairtrial.scoring.error_costs import METRIC

KIND_NAMES = {  # kinds of error in text; report.html's scripts have the same
    error_kinds.CLASSIFICATION: "wrong class",
    error_kinds.LOCALISATION: "badly placed",
    error_kinds.BOTH: "wrong class, badly placed",
    error_kinds.DUPLICATE: "found twice",
    error_kinds.BACKGROUND: "background",
    error_kinds.MISSED: "missed",
}
Values = Mapping[str, float]  # column → value, NaN where undefined


@dataclass
class Breakdowns:
    """The breakdowns of one run; `folder` is the run's."""

    folder: Path

    def errors(self, split: str) -> dict[str, Values]:
        """Kind of error → its `count` and `cost`, of error_kinds.csv."""
        return {kind: row for (kind,), row in self._errors.get(split, {}).items()}

    def error_costs(self, split: str) -> dict[str, float]:
        """Name of each cost that is defined → the cost, of error_kinds.csv."""
        costs = {METRIC.format(kind): row["cost"] for kind, row in self.errors(split).items()}
        return {name: cost for name, cost in costs.items() if math.isfinite(cost)}

    def sizes(self, split: str) -> dict[tuple[str, ...], Values]:
        """(scale, size) → the range of areas, the objects and the metrics of by_size.csv."""
        return self._sizes.get(split, {})

    def groups(self, split: str) -> dict[str, Values]:
        """Group → the counts and rates of by_group.csv."""
        return {group: row for (group,), row in self._groups.get(split, {}).items()}

    @cached_property
    def _errors(self) -> dict[str, dict[tuple[str, ...], Values]]:
        return _rows(self.folder / "error_kinds.csv", "kind")

    @cached_property
    def _sizes(self) -> dict[str, dict[tuple[str, ...], Values]]:
        return _rows(self.folder / "by_size.csv", "scale", "size")

    @cached_property
    def _groups(self) -> dict[str, dict[tuple[str, ...], Values]]:
        return _rows(self.folder / "by_group.csv", "group")

    @cached_property
    def class_curves(self) -> dict[tuple[str, str], dict[str, list[float]]]:
        """(split, class) → column (`confidence`, `precision`, `recall`, `f1`) → values, of
        class_curves.csv; only classes that have objects."""
        table = read_csv(self.folder / "class_curves.csv", "split", "class")
        columns = [str(column) for column in table.columns[2:]]
        return {
            (str(split), str(name)): {column: rows[column].tolist() for column in columns}
            for (split, name), rows in table.groupby(["split", "class"], sort=False)
        }


def _rows(path: Path, *labels: str) -> dict[str, dict[tuple[str, ...], Values]]:
    """split → the cells of `labels` → column → value, of a CSV file in its order."""
    table = read_csv(path, "split", *labels)
    columns = [name for name in map(str, table.columns) if name not in ("split", *labels)]
    rows: dict[str, dict[tuple[str, ...], Values]] = {}
    for row in table.to_dict("records"):
        key = tuple(str(row[label]) for label in labels)
        rows.setdefault(str(row["split"]), {})[key] = {name: row[name] for name in columns}
    return rows
