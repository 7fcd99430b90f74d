"""Calibration: whether a model is right as often as its confidence says."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fairtrial.figures.base import (
    Drawing,
    LineStyle,
    figure,
    legend,
    legend_height,
    line_styles,
    new_figure,
)
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.settings.stages import PlotSettings


@figure("detection")
def reliability(experiment: ExperimentResults, settings: PlotSettings) -> Iterator[Drawing]:
    """Accuracy against confidence, and how many images there are of each confidence."""
    if experiment.task != "classify":
        return
    for number, comparison in enumerate(experiment.comparisons):
        caption = (
            f"On {comparison.split} of {comparison.names}, first seed, in 15 bins of confidence, "
            "the probability of the most probable class. Dotted: accuracy equals confidence; below "
            "it a model is overconfident. Bins with few images, at the right, are uncertain."
        )
        title = "Accuracy against confidence"
        yield Drawing(f"reliability-{number + 1}", _panels(comparison), title, caption)


def _panels(comparison: Comparison) -> Figure:
    fig = new_figure(6.6 + legend_height(comparison.configurations))
    axes = fig.subplots(1, 2)
    styles = line_styles(comparison.configurations, comparison.ranked())
    axes[0].plot([0, 1], [0, 1], color="#444444", linestyle=":", linewidth=1)
    for configuration in comparison.configurations:
        style = styles[configuration.letter]
        _line(axes[0], configuration, (comparison.split, "reliability"), style)
        _line(axes[1], configuration, (comparison.split, "confidence"), style)
    axes[0].set(xlim=(0, 1), ylim=(0, 1.02), xlabel="Confidence", ylabel="Accuracy")
    axes[1].set(xlim=(0, 1), xlabel="Confidence", ylabel="Share of the images")
    axes[1].set_ylim(bottom=0)
    legend(fig, comparison.configurations, styles)
    return fig


def _line(ax: Axes, configuration: Configuration, key: tuple[str, str], style: LineStyle) -> None:
    x, y = configuration.first.curves.get(key, ([], []))
    ax.plot(np.array(x), np.array(y), markersize=3, **style)
