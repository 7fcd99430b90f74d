"""What one run left behind: record, history, metrics, curves, confusion, speed.

Everything is read when it is first asked for, and once; `figures` and `report` share it.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from fairtrial import DataError
from fairtrial.files.jsonfile import read_json
from fairtrial.scoring.ranking import FITNESS, RankingRule
from fairtrial.settings.run_name import RunName, without_folds

METRIC_NAMES = {
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    FITNESS: "Fitness",
    "accuracy": "Accuracy",
    "top5": "Top-5",
    "log_loss": "Log loss",
    "ece": "ECE",
}
REPEATS = ("seed", "replicate")  # settings that tell a run from its repetitions
BACKGROUND = "background"


@dataclass
class FinishedRun:
    """One run of an experiment; `results` is the folder results/<experiment>, `rule` what the
    figure `fitness` means."""

    name: str
    results: Path
    ranking_rule: RankingRule | None = None

    @property
    def folder(self) -> Path:
        return self.results / "runs" / self.name

    @cached_property
    def record(self) -> dict[str, Any]:
        """record.json; raises DataError where it lacks a part that the report needs."""
        record: dict[str, Any] = read_json(self.folder / "record.json")
        missing = {"configuration", "seed", "dataset", "settings"} - set(record)
        if missing:
            raise DataError(f"{self.folder / 'record.json'}: lacks {', '.join(sorted(missing))}")
        return record

    @property
    def configuration(self) -> str:
        return str(self.record["configuration"])

    @property
    def seed(self) -> int:
        return int(self.record["seed"])

    @property
    def replicate(self) -> int:
        """Which of several runs of equal settings and seed this is, from 1 on."""
        return int(self.record["settings"].get("replicate", 1))

    @property
    def dataset(self) -> str:
        return str(self.record["dataset"])

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What was set for this run, without what only repeats it; data set and backend are
        always among it."""
        settings = {k: v for k, v in self.record["settings"].items() if k not in REPEATS}
        settings.setdefault("dataset", self.dataset)
        if self.record.get("backend") is not None:
            settings.setdefault("backend", self.record["backend"])
        if earlier := self.record.get("continued_from"):
            settings["continues"] = without_folds(RunName.parse(earlier).configuration)
        return settings

    @cached_property
    def metrics(self) -> dict[str, Any]:
        metrics: dict[str, Any] = read_json(self.folder / "metrics.json")
        return metrics

    @cached_property
    def task(self) -> str:
        """What its figures are of: `classify` where one of them is the accuracy."""
        return "classify" if "accuracy" in (self.metrics.get("val") or {}) else "detect"

    def score(self, split: str, metric: str) -> float | None:
        """One figure of metrics.json, or the fitness by this run's rule; None where it is
        undefined or the split is empty."""
        figures = self.metrics.get(split) or {}
        if metric == FITNESS and self.ranking_rule:
            return self.ranking_rule.score(figures)
        found = figures.get(metric)
        return None if found is None else float(found)

    @cached_property
    def speed(self) -> dict[str, Any] | None:
        """speed.json, or None if the time of an image was not measured."""
        path = self.folder / "speed.json"
        return read_json(path) if path.exists() else None

    @cached_property
    def history(self) -> dict[str, list[float]]:
        """Column → a value an epoch (NaN where the cell is empty); {} after zero epochs."""
        rows = _rows(self.results / "history" / f"{self.name}.csv")
        return (
            {column: [_number(row[column]) for row in rows] for column in rows[0]} if rows else {}
        )

    @cached_property
    def curves(self) -> dict[tuple[str, str], tuple[list[float], list[float]]]:
        """(split, curve) → x and y of curves.csv."""
        found: dict[tuple[str, str], tuple[list[float], list[float]]] = {}
        for row in _rows(self.folder / "curves.csv"):
            x, y = found.setdefault((row["split"], row["curve"]), ([], []))
            x.append(_number(row["x"]))
            y.append(_number(row["y"]))
        return found

    @cached_property
    def per_class(self) -> dict[str, dict[str, dict[str, float]]]:
        """split → class → column → figure (NaN where undefined) of per_class.csv."""
        found: dict[str, dict[str, dict[str, float]]] = {}
        for row in _rows(self.folder / "per_class.csv"):
            split, name = row.pop("split"), row.pop("class")
            found.setdefault(split, {})[name] = {k: _number(v) for k, v in row.items()}
        return found

    @cached_property
    def confusion(self) -> dict[str, dict[tuple[str, str], int]]:
        """split → (truth, predicted) → number of objects, of confusion.csv."""
        found: dict[str, dict[tuple[str, str], int]] = {}
        for row in _rows(self.folder / "confusion.csv"):
            found.setdefault(row["split"], {})[row["truth"], row["predicted"]] = int(row["count"])
        return found

    def predictions(self, split: str) -> list[dict[str, Any]]:
        """The detections on one side: COCO results."""
        found: list[dict[str, Any]] = read_json(self.folder / "predictions" / f"{split}.json")
        return found


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error


def _number(cell: str | None) -> float:
    try:
        return float(cell) if cell else math.nan
    except ValueError:
        return math.nan
