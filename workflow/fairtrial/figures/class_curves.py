"""Precision, recall and F1 of each class against the confidence, for the best configuration."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fairtrial.figures.base import COLOURS, DASHES, Drawing, figure, mean_over, new_figure
from fairtrial.files.text import left_to_right
from fairtrial.results.configuration import Configuration, shortened
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.settings.stages import PlotSettings

SHOWN = 20  # classes at most: the commonest
COLUMNS = 4
CURVES = {"precision": 2, "recall": 4, "f1": 0}  # column of class_curves.csv → its colour


@figure("classes")
def class_curves(experiment: ExperimentResults, settings: PlotSettings) -> Iterator[Drawing]:
    """A plot for each of the commonest classes."""
    if experiment.task != "detect":
        return
    for number, comparison in enumerate(experiment.comparisons):
        best, split = comparison.ranked()[0], comparison.split
        counts = best.classes(split, comparison.task_metrics.class_count)
        present = sorted((n for n in counts if counts[n]), key=lambda name: (-counts[name], name))
        if not present or comparison.has_one_class:
            continue
        names = present[:SHOWN]
        caption = (
            f"Configuration {best.letter} on {split} of {comparison.names}, IoU {comparison.iou}, "
            f"{mean_over(comparison)}; n: objects. Dotted line: the confidence that is "
            "chosen on val, the same for all classes. Where the F1 of a class is highest far from "
            "it, a confidence of its own would serve that class better."
        )
        if len(present) > len(names):
            caption += (
                f" The {len(present) - len(names)} rarer classes are in class_curves.csv only."
            )
        title = "Precision, recall and F1 of each class against confidence"
        fig = _panels(comparison, best, [(name, counts[name]) for name in names])
        yield Drawing(f"class-curves-{number + 1}", fig, title, caption)


def _panels(
    comparison: Comparison, configuration: Configuration, classes: list[tuple[str, int]]
) -> Figure:
    rows = -(-len(classes) // COLUMNS)
    fig = new_figure(1.4 + 3.6 * rows)
    axes = fig.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False)
    texts = map(left_to_right, shortened([name for name, _ in classes], 13))
    for ax, (name, count), text in zip(axes.flat, classes, texts, strict=False):
        _curves(ax, configuration, (comparison.split, name))
        ax.set_title(f"{text}, n = {count}", loc="left")
        ax.set(xlim=(0, 1), ylim=(0, 1.02))
    for ax in list(axes.flat)[len(classes) :]:
        ax.set_visible(False)
    for ax in axes.flat:
        ax.tick_params(labelbottom=True)  # a page may end between the rows
    for ax in axes[-1]:
        ax.set_xlabel("Confidence")
    lines = [Line2D([], [], color=COLOURS[n], linestyle=DASHES[n]) for n in CURVES.values()]
    fig.legend(lines, ["Precision", "Recall", "F1"], loc="outside upper center", ncols=3)
    return fig


def _curves(ax: Axes, configuration: Configuration, key: tuple[str, str]) -> None:
    """Draw the mean curves of one class over the runs that have it."""
    curves = [run.breakdowns.class_curves.get(key) for run in configuration.runs]
    known = [of_run for of_run in curves if of_run]
    for column, colour in CURVES.items():
        if known:
            y = np.mean([of_run[column] for of_run in known], axis=0)
            (line,) = ax.plot(known[0]["confidence"], y, linestyle=DASHES[colour])
            line.set(color=COLOURS[colour], linewidth=1.1)
    confidences = [run.confidence for run in configuration.runs if run.confidence is not None]
    if confidences:
        ax.axvline(statistics.fmean(confidences), color="#444444", linestyle=":", linewidth=0.8)
