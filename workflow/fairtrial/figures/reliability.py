"""Calibration: whether a model is right as often as its confidence says."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from fairtrial.figures.base import (
    Drawing,
    LineStyle,
    figure,
    legend,
    legend_height,
    line_styles,
    new_figure,
)
from fairtrial.results.calibration import pooled_bins
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.scoring.detection_calibration import LEAST_CONFIDENCE
from fairtrial.settings.stages import PlotSettings

RIGHT = {"detect": "Precision", "classify": "Accuracy"}
WHAT = {"detect": "detections", "classify": "images"}


@figure("calibration")
def reliability(experiment: ExperimentResults, settings: PlotSettings) -> Iterator[Drawing]:
    """The share that is right against confidence, and how many there are of each confidence."""
    for number, comparison in enumerate(experiment.comparisons):
        if any(pooled_bins(c, comparison.split) for c in comparison.configurations):
            title = f"{RIGHT[comparison.task]} against confidence"
            name = f"reliability-{number + 1}"
            yield Drawing(name, _panels(comparison), title, _caption(comparison))


def _caption(comparison: Comparison) -> str:
    where = f"On {comparison.split} of {comparison.names}, all {comparison.repeated} together"
    if comparison.task == "detect":
        return (
            f"{where}, in 20 bins of confidence, at IoU {comparison.iou}. Dotted: precision equals "
            "confidence; below it a model is overconfident. Grey: detections that D-ECE leaves "
            "out. Right-hand plot: how many detections a bin has; where they are few, precision is "
            "uncertain."
        )
    return (
        f"{where}, in 15 bins of confidence, the probability of the most probable class. Dotted: "
        "accuracy equals confidence; below it a model is overconfident. Right-hand plot: how many "
        "images a bin has; where they are few, accuracy is uncertain."
    )


def _panels(comparison: Comparison) -> Figure:
    fig = new_figure(5.2 + legend_height(comparison.configurations))
    left, right = fig.subplots(1, 2)
    styles = line_styles(comparison.configurations, comparison.ranked())
    left.plot([0, 1], [0, 1], color="#444444", linestyle=":", linewidth=1)
    for configuration in comparison.configurations:
        style = styles[configuration.letter]
        _lines(left, right, configuration, comparison.split, style)
    left.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="Confidence", ylabel=RIGHT[comparison.task])
    what = WHAT[comparison.task]
    right.set(xlim=(0, 1), xlabel="Confidence", ylabel=f"Number of {what} per run")
    if comparison.task == "detect":
        left.axvspan(0, LEAST_CONFIDENCE, color="#EEEEEE", zorder=0)
        right.axvspan(0, LEAST_CONFIDENCE, color="#EEEEEE", zorder=0)
        right.set_yscale("log")  # the weakest are hundreds of times as many
        right.yaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:g}"))
        right.yaxis.set_minor_formatter(NullFormatter())
    else:
        right.set_ylim(bottom=0)
    legend(fig, comparison.configurations, styles)
    return fig


def _lines(left: Axes, right: Axes, c: Configuration, split: str, style: LineStyle) -> None:
    bins = pooled_bins(c, split)
    left.plot(
        [row["confidence"] for row in bins],
        [row["precision"] for row in bins],
        markersize=3,
        **style,
    )
    middles = [(row["low"] + row["high"]) / 2 for row in bins]
    counts = [row["count"] / len(c.runs) for row in bins]
    right.plot(middles, counts, markersize=3, **style)
