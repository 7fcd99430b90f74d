"""Metrics of each class, with their 95 % intervals over seeds and images."""

from __future__ import annotations

from typing import TypedDict

from fairtrial.report.wording import means, number, spread
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison
from fairtrial.results.run import METRIC_NAMES
from fairtrial.results.significance import class_interval_of, interval_over, says_little

COLUMNS = 8  # configurations in a table at most: the best on val
ROWS = 40  # classes in a table at most: the commonest


class ShownMetric(TypedDict):
    """A metric of one class: mean and spread over seeds, and the 95 % interval ("" without)."""

    value: str
    interval: str


class ShownClass(TypedDict):
    """One class. `few`: it has too few objects or units for its metrics to say much."""

    name: str
    count: str
    few: bool
    cells: list[ShownMetric]


class ClassesPart(TypedDict):
    """A metric of each class by configuration, and all metrics of each class of the best one.

    `letters`: the columns of `rows`; `left_out`: configurations without a column; `metrics`: the
    columns of `rows_of_best`; `empty`: classes without objects; `rare`: classes without a row.
    """

    datasets: str
    split: str
    repeated: str
    means: str
    over: str
    metric: str
    counted: str
    letters: list[str]
    left_out: int
    empty: int
    rare: int
    any_few: bool
    rows: list[ShownClass]
    best: str
    metrics: list[str]
    rows_of_best: list[ShownClass]


def classes(comparison: Comparison) -> ClassesPart:
    """The metrics of each class, the commonest first, of the best configurations on val."""
    shown, task = comparison.ranked()[:COLUMNS], comparison.task_metrics
    best, metric = shown[0], task.class_metric
    counts = best.classes(comparison.split, task.class_count)
    present = sorted((n for n in counts if counts[n]), key=lambda name: (-counts[name], name))
    names = [] if comparison.has_one_class else present[:ROWS]  # page one has its metrics
    metrics = CLASS_METRICS[comparison.task]
    rows = [_row(comparison, name, counts[name], [(c, metric) for c in shown]) for name in names]
    of_best = [_row(comparison, name, counts[name], [(best, m) for m in metrics]) for name in names]
    return {
        "datasets": comparison.names,
        "split": comparison.split,
        "repeated": comparison.repeated,
        "means": means(comparison),
        "over": interval_over(comparison.configurations),
        "metric": METRIC_NAMES.get(metric, metric),
        "counted": task.class_count,
        "letters": [c.letter for c in shown],
        "left_out": len(comparison.configurations) - len(shown),
        "empty": len(counts) - len(present),
        "rare": len(present) - len(names) if names else 0,
        "any_few": any(row["few"] for row in rows),
        "rows": rows,
        "best": best.letter,
        "metrics": [METRIC_NAMES.get(m, m) for m in metrics],
        "rows_of_best": of_best,
    }


CLASS_METRICS = {
    "detect": ("precision", "recall", "f1", "AP50", "AP"),
    "classify": ("precision", "recall", "f1"),
}


def _row(
    comparison: Comparison, name: str, count: int, columns: list[tuple[Configuration, str]]
) -> ShownClass:
    return {
        "name": name,
        "count": str(count),
        "few": says_little(columns[0][0], comparison.split, name, count),
        "cells": [_cell(comparison, configuration, name, m) for configuration, m in columns],
    }


def _cell(comparison: Comparison, c: Configuration, name: str, metric: str) -> ShownMetric:
    interval = class_interval_of(c, comparison.split, name, metric)
    text = f"{number(interval[0])} to {number(interval[1])}" if interval else ""
    return {"value": spread(c.class_scores(comparison.split, name, metric)), "interval": text}
