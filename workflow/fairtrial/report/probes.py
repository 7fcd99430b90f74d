"""What weights predict beside val and test, as plain data: scores on train, and at other sizes."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import TypedDict

from fairtrial.report.wording import UNDEFINED, signed, spread
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.image_sizes import SizePoint, size_curves
from fairtrial.results.on_train import scores_on_train
from fairtrial.results.run import METRIC_NAMES
from fairtrial.settings.probes import TRAIN


class ProbePart(TypedDict):
    """A table of one comparison: the first cell of a row is the configuration's letter."""

    table: str
    note: str
    headings: list[str]
    rows: list[list[str]]


def train_parts(experiment: ExperimentResults, probes: Sequence[str]) -> list[ProbePart]:
    """The metrics on train beside those on the split that tables show."""
    if TRAIN not in probes:
        return []
    parts = [_on_train(comparison) for comparison in experiment.comparisons]
    return _numbered([part for part in parts if part["rows"]])


def _on_train(comparison: Comparison) -> ProbePart:
    split = comparison.split
    metrics = [*comparison.task_metrics.in_tables]
    if comparison.metric not in metrics:
        metrics = [comparison.metric, *metrics]
    rows = []
    for c in comparison.ranked():
        on_train = {metric: scores_on_train(c, metric) for metric in metrics}
        if not any(on_train.values()):
            continue
        shown, learned = c.scores(split, comparison.metric), on_train[comparison.metric]
        gap = UNDEFINED
        if shown and learned:
            gap = signed(statistics.fmean(learned) - statistics.fmean(shown))
        rows.append([c.letter, *(spread(on_train[metric]) for metric in metrics), gap])
    ranking = METRIC_NAMES.get(comparison.metric, comparison.metric)
    names = [METRIC_NAMES.get(metric, metric) for metric in metrics]
    return {
        "table": "",
        "note": (
            f"On the images of train of {comparison.names} that each run learned from; mean ± "
            f"standard deviation over {comparison.repeated}. Last column: {ranking} on train minus "
            f"that on {split}. A large one means that the model knows its images by heart; nothing "
            "is ranked by it."
        ),
        "headings": [*names, f"above {split}"],
        "rows": rows,
    }


def size_parts(
    experiment: ExperimentResults, probes: Sequence[str], timings: bool
) -> list[ProbePart]:
    """The metric that ranks, and the time of an image, of each configuration at each size."""
    parts = [_sizes(comparison, probes, timings) for comparison in experiment.comparisons]
    return _numbered([part for part in parts if part["rows"]])


def _sizes(comparison: Comparison, probes: Sequence[str], timings: bool) -> ProbePart:
    curves = size_curves(comparison, probes)
    sizes = sorted({point.imgsz for curve in curves for point in curve.points})
    rows = []
    for curve in curves:
        points = {point.imgsz: point for point in curve.points}
        cells = [_cell(points.get(size), timings) for size in sizes]
        rows.append([curve.configuration.letter, *cells])
    metric = METRIC_NAMES.get(comparison.metric, comparison.metric)
    note = (
        f"{metric} on {comparison.split} of {comparison.names} at each size in pixels, mean ± "
        f"standard deviation over {comparison.repeated}; *: the size of the training."
    )
    if timings:
        note += " Below: milliseconds per image at batch 1, the median, mean over runs."
    headings = [f"{size} px" for size in sizes]
    return {"table": "", "note": note, "headings": headings, "rows": rows}


def _cell(point: SizePoint | None, timings: bool) -> str:
    if point is None:
        return UNDEFINED
    text = spread(point.scores) + (" *" if point.own else "")
    if timings and point.milliseconds is not None:
        text += f"\n{point.milliseconds:.1f} ms"
    return text


def _numbered(parts: list[ProbePart]) -> list[ProbePart]:
    if len(parts) > 1:
        for number, part in enumerate(parts, 1):
            part["table"] = f"Table {number}"
    return parts
