"""What a configuration costs, in size and in time, against what it reaches."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from matplotlib.axes import Axes

from fairtrial.figures.base import OTHERS, Drawn, figure, legend, legend_height, looks, new
from fairtrial.trial import Comparison, Configuration, Trial


@figure("cost")
def cost(trial: Trial, settings: dict[str, Any]) -> Iterator[Drawn]:
    """Parameters, GFLOPs and milliseconds an image against AP, where they differ."""
    for number, comparison in enumerate(trial.comparisons):
        panels = {"Parameters, millions": _parameters, "GFLOPs": _gflops}
        panels = {n: f for n, f in panels.items() if len(_values(comparison, f)) > 1}
        timed = bool(settings.get("timings", True)) and len(_values(comparison, _time)) > 0
        if timed:
            panels["Time an image, ms"] = _time
        if panels and len(comparison.configurations) > 1:
            drawn = _scatter(comparison, panels)
            caption = f"AP on {comparison.split} of {comparison.names}: mean, and range over seeds."
            if timed:
                caption += " Time: median and quartiles of the first seed, batch 1."
            yield Drawn(f"cost-{number + 1}", drawn, "What each configuration costs", caption)


def _parameters(configuration: Configuration) -> float | None:
    found = (configuration.first.record.get("model") or {}).get("parameters")
    return None if found is None else found / 1e6


def _gflops(configuration: Configuration) -> float | None:
    found = (configuration.first.record.get("model") or {}).get("gflops")
    return None if found is None else float(found)


def _time(configuration: Configuration) -> float | None:
    speed = configuration.first.speed
    return None if speed is None else float(speed["median"])


def _values(comparison: Comparison, read: Any) -> set[float]:
    found = {read(configuration) for configuration in comparison.configurations}
    return {value for value in found if value is not None}


def _scatter(comparison: Comparison, panels: dict[str, Any]) -> Any:
    drawn = new(5.8 + legend_height(comparison.configurations))
    axes = drawn.subplots(1, len(panels), sharey=True, squeeze=False).flat
    look = looks(comparison.configurations, comparison.ranked())
    for ax, (title, read) in zip(axes, panels.items(), strict=True):
        for configuration in comparison.configurations:
            _mark(ax, configuration, comparison.split, read, look[configuration.letter])
        ax.set_xlabel(title)
        ax.margins(0.12)
    axes[0].set_ylabel(f"AP on {comparison.split}")
    legend(drawn, comparison.configurations, look, marker=True)
    return drawn


def _mark(ax: Axes, configuration: Configuration, split: str, read: Any, look: Any) -> None:
    """A point with its range over seeds and, for time, its quartiles."""
    x, scores = read(configuration), configuration.scores(split, "AP")
    if x is None or not scores:
        return
    y = statistics.fmean(scores)
    speed = configuration.first.speed if read is _time else None
    across = [[max(0.0, x - speed["q1"])], [max(0.0, speed["q3"] - x)]] if speed else None
    ax.errorbar(
        [x],
        [y],
        yerr=[[y - min(scores)], [max(scores) - y]],
        xerr=across,
        color=look["color"],
        marker=look["marker"],
        markersize=5,
        elinewidth=0.8,
        zorder=look["zorder"],
    )
    if look["color"] != OTHERS:
        ax.annotate(configuration.letter, (x, y), (4, 3), textcoords="offset points")
