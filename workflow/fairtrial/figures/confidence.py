"""Precision, recall and F1 against each other and against the confidence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from fairtrial.figures.base import OTHERS, Drawn, figure, legend, legend_height, looks, new
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.run import FinishedRun


@figure("detection")
def precision_recall(trial: ExperimentResults, settings: dict[str, Any]) -> Iterator[Drawn]:
    """Precision against recall, and F1 against confidence with the chosen one marked."""
    for number, comparison in enumerate(trial.comparisons):
        drawn = _pair(
            comparison,
            ("precision_recall", "Recall", "Precision"),
            ("f1_confidence", "Confidence", "F1"),
        )
        if drawn:
            caption = (
                f"{_on(comparison)} Marks: the confidence that gives the best F1 on val, at which "
                "precision, recall and F1 of the tables are read."
            )
            name = f"precision-recall-{number + 1}"
            yield Drawn(name, drawn, "Precision against recall, and F1 against confidence", caption)


@figure("detection")
def confidence(trial: ExperimentResults, settings: dict[str, Any]) -> Iterator[Drawn]:
    """Precision and recall against confidence."""
    for number, comparison in enumerate(trial.comparisons):
        drawn = _pair(
            comparison,
            ("precision_confidence", "Confidence", "Precision"),
            ("recall_confidence", "Confidence", "Recall"),
        )
        if drawn:
            caption = f"{_on(comparison)} Marks as above."
            name = f"confidence-{number + 1}"
            yield Drawn(name, drawn, "Precision and recall against confidence", caption)


def _on(comparison: Comparison) -> str:
    over = comparison.repeated
    return (
        f"On {comparison.split} of {comparison.names}; mean over classes that have objects, "
        f"IoU {comparison.iou}; mean over {over}."
    )


def _pair(comparison: Comparison, *panels: tuple[str, str, str]) -> Any:
    """Two plots side by side; None where no run has such a curve."""
    split = comparison.split
    curves = [r.curves for c in comparison.configurations for r in c.runs]
    if not any((split, curve) in found for found in curves for curve, _, _ in panels):
        return None
    drawn = new(6.6 + legend_height(comparison.configurations))
    axes = drawn.subplots(1, 2)
    look = looks(comparison.configurations, comparison.ranked())
    for ax, (curve, x, y) in zip(axes, panels, strict=True):
        for configuration in comparison.configurations:
            _line(ax, configuration, (split, curve), look[configuration.letter])
        ax.set(xlim=(0, 1), ylim=(0, 1.02), xlabel=x, ylabel=y)
    legend(drawn, comparison.configurations, look)
    return drawn


def _line(
    ax: Axes, configuration: Configuration, key: tuple[str, str], look: dict[str, Any]
) -> None:
    found = [run.curves[key] for run in configuration.runs if key in run.curves]
    if not found:
        return
    x, y = np.array(found[0][0]), np.mean([f[1] for f in found], axis=0)
    ax.plot(x, y, **{**look, "marker": ""})
    chosen = [float(run.metrics["confidence"]) for run in configuration.runs if _chose(run)]
    if chosen and key[1].endswith("_confidence") and look["color"] != OTHERS:
        at = float(np.mean(chosen))
        mark = Line2D([at], [float(np.interp(at, x, y))], color=look["color"], zorder=4)
        mark.set(marker=look["marker"], markersize=5, markeredgecolor="white", markeredgewidth=0.4)
        ax.add_line(mark)


def _chose(run: FinishedRun) -> bool:
    return run.metrics.get("confidence") is not None
