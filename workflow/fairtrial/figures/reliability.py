"""Whether a model that says how sure it is of a class is as often right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from fairtrial.figures.base import Drawn, figure, legend, legend_height, looks, new
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison, ExperimentResults


@figure("detection")
def reliability(trial: ExperimentResults, settings: dict[str, Any]) -> Iterator[Drawn]:
    """Accuracy against confidence, and how many images there are of each confidence."""
    for number, comparison in enumerate(trial.comparisons if trial.task == "classify" else []):
        caption = (
            f"On {comparison.split} of {comparison.names}, first seed, in 15 bins of confidence, "
            "the probability of the class that is most probable. Dotted: as sure as right; below "
            "it a model is too sure. Bins with few images, at the right, tell little."
        )
        title = "Accuracy against confidence"
        yield Drawn(f"reliability-{number + 1}", _panels(comparison), title, caption)


def _panels(comparison: Comparison) -> Any:
    drawn = new(6.6 + legend_height(comparison.configurations))
    axes = drawn.subplots(1, 2)
    look = looks(comparison.configurations, comparison.ranked())
    axes[0].plot([0, 1], [0, 1], color="#444444", linestyle=":", linewidth=1)
    for configuration in comparison.configurations:
        style = look[configuration.letter]
        _line(axes[0], configuration, (comparison.split, "reliability"), style)
        _line(axes[1], configuration, (comparison.split, "confidence"), style)
    axes[0].set(xlim=(0, 1), ylim=(0, 1.02), xlabel="Confidence", ylabel="Accuracy")
    axes[1].set(xlim=(0, 1), xlabel="Confidence", ylabel="Share of the images")
    axes[1].set_ylim(bottom=0)
    legend(drawn, comparison.configurations, look)
    return drawn


def _line(
    ax: Axes, configuration: Configuration, key: tuple[str, str], look: dict[str, Any]
) -> None:
    x, y = configuration.first.curves.get(key, ([], []))
    ax.plot(np.array(x), np.array(y), **{**look, "markersize": 3})
