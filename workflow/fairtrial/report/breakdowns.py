"""Where the best one wins: by size of objects and by group; and every metric of COCO."""

from __future__ import annotations

import math
import statistics
from typing import TypedDict

from fairtrial.report.wording import means, spread
from fairtrial.results.breakdowns import Values
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison
from fairtrial.results.run import METRIC_NAMES
from fairtrial.scoring.coco_metrics import METRICS

COLUMNS = 8  # configurations in a table at most: the best on val
GROUPS = 15  # groups in the table at most: the worst
LARGEST_SIDE = 1e5  # of COCO's largest object: no bound


class BreakdownPart(TypedDict):
    """A table of one comparison. `rows`: texts of `headings`, then one for each of `letters`;
    `left_out`: configurations without a column; `more`: rows that are left out."""

    datasets: str
    split: str
    repeated: str
    means: str
    metric: str
    headings: list[str]
    letters: list[str]
    rows: list[list[str]]
    left_out: int
    more: int


def sizes(comparison: Comparison) -> BreakdownPart | None:
    """AP by the size of objects; None where there are no boxes."""
    split, shown = comparison.split, _shown(comparison)
    rows = []
    for scale, size in shown[0].first.breakdowns.sizes(split):
        of_images = _rows_of_images(shown[0], split, (scale, size))
        objects = sum(row["objects"] for row in of_images)
        if objects:
            texts = [f"{scale}: {size}", _sides_of_all(of_images), f"{objects:.0f}"]
            scores = [_size_scores(c, split, (scale, size)) for c in shown]
            rows.append(texts + [spread(values) for values in scores])
    headings = ["size", "side in pixels", "objects"]
    return _part(comparison, "AP", headings, rows) if rows else None


def _rows_of_images(c: Configuration, split: str, key: tuple[str, str]) -> list[Values]:
    """The row of a size in by_size.csv; of folds, which have other images, that of each."""
    runs = [repeat[0] for repeat in c.repeats] if c.folds else [c.first]
    rows = [run.breakdowns.sizes(split).get(key) for run in runs]
    return [row for row in rows if row]


def _sides_of_all(rows: list[Values]) -> str:
    """As `_sides`; of folds whose thirds differ, about the mean of their bounds."""
    texts = {_sides(row) for row in rows}
    if len(texts) == 1:
        return texts.pop()
    mean = {bound: statistics.fmean(row[bound] for row in rows) for bound in ("low", "high")}
    return _sides(mean, "about ")


def _size_scores(configuration: Configuration, split: str, key: tuple[str, ...]) -> list[float]:
    return configuration.averages(
        lambda run: _defined(run.breakdowns.sizes(split).get(key, {}), "AP")
    )


def _sides(row: Values, about: str = "") -> str:
    """The range of areas as the sides of squares: `32 to 96`."""
    low, high = (math.sqrt(row[bound]) for bound in ("low", "high"))
    if high >= LARGEST_SIDE:
        return f"from {about}{low:.0f}"
    return f"{about}{low:.0f} to {high:.0f}" if low else f"up to {about}{high:.0f}"


def groups(comparison: Comparison) -> BreakdownPart | None:
    """F1 or accuracy by group, the worst for the best configuration first; None without groups."""
    split, shown = comparison.split, _shown(comparison)
    metric = group_metric(comparison)
    counted = ["images", "objects"] if comparison.task == "detect" else ["images"]
    known = group_counts(shown[0], split)
    scores = {g: [group_scores(c, split, g, metric) for c in shown] for g in known}
    worst = sorted(
        (g for g in known if scores[g][0]), key=lambda g: (statistics.fmean(scores[g][0]), g)
    )
    rows = [
        [g, *(f"{known[g][column]:.0f}" for column in counted), *map(spread, scores[g])]
        for g in worst[:GROUPS]
    ]
    part = _part(comparison, METRIC_NAMES[metric], ["group", *counted], rows)
    return part | {"more": len(worst) - len(rows)} if rows else None


def group_metric(comparison: Comparison) -> str:
    """The metric of by_group.csv that rates a group."""
    return "f1" if comparison.task == "detect" else "accuracy"


def group_counts(configuration: Configuration, split: str) -> dict[str, Values]:
    """Group → its row of by_group.csv, of the first run that has it (folds have different ones)."""
    known: dict[str, Values] = {}
    for run in configuration.runs:
        known = {**run.breakdowns.groups(split), **known}
    return known


def group_scores(configuration: Configuration, split: str, group: str, metric: str) -> list[float]:
    """A metric of one group for each seed (or the fold that has it)."""
    return configuration.averages(
        lambda run: _defined(run.breakdowns.groups(split).get(group, {}), metric)
    )


def coco_metrics(comparison: Comparison) -> BreakdownPart | None:
    """All of COCO's metrics; None where there are no boxes."""
    if comparison.task != "detect":
        return None
    split = comparison.split
    rows = [
        [metric.replace("_", " "), *(spread(c.scores(split, metric)) for c in _shown(comparison))]
        for metric in METRICS
    ]
    return _part(comparison, "", ["metric"], rows)


def _part(
    comparison: Comparison, metric: str, headings: list[str], rows: list[list[str]]
) -> BreakdownPart:
    shown = _shown(comparison)
    return {
        "datasets": comparison.names,
        "split": comparison.split,
        "repeated": comparison.repeated,
        "means": means(comparison),
        "metric": metric,
        "headings": headings,
        "letters": [c.letter for c in shown],
        "rows": rows,
        "left_out": len(comparison.configurations) - len(shown),
        "more": 0,
    }


def _shown(comparison: Comparison) -> list[Configuration]:
    return comparison.ranked()[:COLUMNS]


def _defined(row: Values, column: str) -> float | None:
    value = row.get(column, math.nan)
    return value if math.isfinite(value) else None
