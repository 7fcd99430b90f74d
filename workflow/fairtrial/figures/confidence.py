"""Precision, recall and F1 against each other and against the confidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fairtrial.figures.base import (
    OTHERS,
    Drawing,
    LineStyle,
    figure,
    legend,
    legend_height,
    line_styles,
    mean_over,
    new_figure,
    with_marker,
)
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.run import FinishedRun
from fairtrial.scoring.matching import Floats
from fairtrial.settings.stages import PlotSettings

MARKED = (
    "Marks: the confidence that gives the best F1 on val, at which precision, recall and F1 of the "
    "tables are read."
)


@figure("detection")
def precision_recall(experiment: ExperimentResults, settings: PlotSettings) -> Iterator[Drawing]:
    """Precision against recall, and F1 against confidence with the chosen one marked."""
    for number, comparison in enumerate(experiment.comparisons):
        fig = _pair(
            comparison,
            ("precision_recall", "Recall", "Precision"),
            ("f1_confidence", "Confidence", "F1"),
        )
        if fig:
            caption = f"{_on(comparison)} {MARKED}"
            name = f"precision-recall-{number + 1}"
            yield Drawing(name, fig, "Precision against recall, and F1 against confidence", caption)


@figure("detection")
def confidence(experiment: ExperimentResults, settings: PlotSettings) -> Iterator[Drawing]:
    """Precision and recall against confidence."""
    for number, comparison in enumerate(experiment.comparisons):
        fig = _pair(
            comparison,
            ("precision_confidence", "Confidence", "Precision"),
            ("recall_confidence", "Confidence", "Recall"),
        )
        if fig:
            caption = f"{_on(comparison)} {MARKED}"
            name = f"confidence-{number + 1}"
            yield Drawing(name, fig, "Precision and recall against confidence", caption)


def _on(comparison: Comparison) -> str:
    return (
        f"On {comparison.split} of {comparison.names}; mean over classes that have objects, "
        f"IoU {comparison.iou}; {mean_over(comparison)}."
    )


def _pair(comparison: Comparison, *panels: tuple[str, str, str]) -> Figure | None:
    """Two plots side by side; None where no run has any of the curves.

    panels: for each plot the curve of curves.csv and the labels of the x and y axis.
    """
    split = comparison.split
    curves = [r.curves for c in comparison.configurations for r in c.runs]
    if not any((split, curve) in of_run for of_run in curves for curve, _, _ in panels):
        return None
    fig = new_figure(5.2 + legend_height(comparison.configurations))
    axes = fig.subplots(1, 2)
    styles = line_styles(comparison.configurations, comparison.ranked())
    for ax, (curve, x, y) in zip(axes, panels, strict=True):
        for configuration in comparison.configurations:
            _line(ax, configuration, (split, curve), styles[configuration.letter])
        ax.set(xlim=(0, 1), ylim=(0, 1.02), xlabel=x, ylabel=y)
    legend(fig, comparison.configurations, styles)
    return fig


def mean_curve(runs: Sequence[FinishedRun], key: tuple[str, str]) -> tuple[Floats, Floats]:
    """x and the mean over runs; a run has no precision above its surest detection, where curves.csv
    counts 0, so that it says nothing there."""
    x = np.array(runs[0].curves[key][0])
    rows = [np.array(run.curves[key][1], float) for run in runs]
    if key[1] == "precision_confidence":
        rows = [
            np.where(x > surest_bin(run, key[0]), np.nan, row)
            for run, row in zip(runs, rows, strict=True)
        ]
    values = np.array(rows)
    counts = np.isfinite(values).sum(axis=0)
    total = np.nansum(values, axis=0)
    return x, np.where(counts > 0, total / np.maximum(counts, 1), np.nan)


def surest_bin(run: FinishedRun, split: str) -> float:
    """The upper end of the bin of confidence that holds its surest detection; 1 where bins are not
    known."""
    ends = [row["high"] for row in run.calibration.get(split, []) if row["count"]]
    return max(ends, default=1.0)


def _line(ax: Axes, configuration: Configuration, key: tuple[str, str], style: LineStyle) -> None:
    """Draw the mean curve of a configuration's runs, with a mark at the chosen confidence."""
    runs = [run for run in configuration.runs if key in run.curves]
    if not runs:
        return
    x, y = mean_curve(runs, key)
    ax.plot(x, y, **with_marker(style, ""))
    confidences = [run.confidence for run in configuration.runs if run.confidence is not None]
    if confidences and key[1].endswith("_confidence") and style["color"] != OTHERS:
        at = float(np.mean(confidences))
        mark = Line2D([at], [float(np.interp(at, x, y))], color=style["color"], zorder=4)
        mark.set(marker=style["marker"], markersize=5, markeredgecolor="white", markeredgewidth=0.4)
        ax.add_line(mark)
