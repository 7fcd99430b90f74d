"""What a configuration costs, in size and in time, against what it reaches."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from fairtrial.figures.base import COLOURS, Drawn, figure, legend, legend_height, looks, new
from fairtrial.results.configuration import Configuration
from fairtrial.results.costs import Read, front, kinds, milliseconds
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.run import METRIC_NAMES

DECADE = 10  # of the dearest to the cheapest, from which on the axis is logarithmic


@figure("cost")
def cost(trial: ExperimentResults, settings: dict[str, Any]) -> Iterator[Drawn]:
    """Size and time against the figure that ranks, with the Pareto front, where they differ."""
    timings = bool(settings.get("timings", True))
    for number, comparison in enumerate(trial.comparisons):
        panels = {n: f for n, f in kinds(timings).items() if _differs(comparison, f)}
        if panels and len(comparison.configurations) > 1:
            drawn = _scatter(comparison, panels)
            metric = comparison.ranking_rule.label
            caption = (
                f"{metric[0].upper()}{metric[1:]} on {comparison.split} of {comparison.names}: "
                "mean, and range over repeats. Dashed and ringed: the Pareto front of the means; "
                "no other is at once as cheap and as good."
            )
            if timings:
                caption += " Time an image: median and quartiles of the first run, batch 1."
            yield Drawn(f"cost-{number + 1}", drawn, "What each configuration costs", caption)


def _differs(comparison: Comparison, read: Read) -> bool:
    found = {read(configuration) for configuration in comparison.configurations}
    return len(found - {None}) > 1


def _scatter(comparison: Comparison, panels: dict[str, Read]) -> Any:
    """A panel a cost, two side by side."""
    rows = -(-len(panels) // 2)
    columns = -(-len(panels) // rows)
    drawn = new(5.6 * rows + 0.4 + legend_height(comparison.configurations))
    axes = list(drawn.subplots(rows, columns, sharey=True, squeeze=False).flat)
    look = looks(comparison.configurations, comparison.ranked())
    for ax, (title, read) in zip(axes, panels.items(), strict=False):
        for configuration in comparison.configurations:
            _mark(ax, configuration, comparison, read, look[configuration.letter])
        ax.set_xlabel(title)
        low, high = ax.dataLim.intervalx
        ax.xaxis.set_major_locator(MaxNLocator(5))
        if low > 0 and high >= DECADE * low:
            ax.set_xscale("log")
            ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:.6g}"))
        ax.margins(0.12)
        _front(ax, comparison, read)
    for ax in axes[len(panels) :]:
        ax.set_visible(False)
    name = METRIC_NAMES.get(comparison.metric, comparison.metric)
    for ax in axes[::columns]:
        ax.set_ylabel(f"{name} on {comparison.split}")
    legend(drawn, comparison.configurations, look, marker=True)
    return drawn


def _mark(
    ax: Axes, configuration: Configuration, comparison: Comparison, read: Read, look: Any
) -> None:
    """A point with its range over repeats and, for the time of an image, its quartiles."""
    x, scores = read(configuration), configuration.scores(comparison.split, comparison.metric)
    if x is None or not scores:
        return
    y = statistics.fmean(scores)
    speed = configuration.first.speed if read is milliseconds else None
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
    if len(comparison.configurations) <= len(COLOURS):  # else the front has the room
        _letter(ax, configuration, x, y)


def _front(ax: Axes, comparison: Comparison, read: Read) -> None:
    """A line of steps through the front, a ring around each of its members, and its letter."""
    members = [step.configuration for step in front(comparison, read)]
    x = [float(read(c) or 0) for c in members]
    y = [float(c.mean(comparison.split, comparison.metric) or 0) for c in members]
    line: dict[str, Any] = {
        "color": "#444444",
        "linewidth": 0.8,
        "linestyle": (0, (4, 2)),
        "zorder": 1.2,
    }
    ax.plot(x, y, drawstyle="steps-post", **line)
    ring: dict[str, Any] = {"marker": "o", "markersize": 9, "markerfacecolor": "none"}
    ax.plot(x, y, color="#444444", linestyle="", markeredgewidth=0.7, zorder=3.5, **ring)
    written = {text.get_text() for text in ax.texts}
    for c, at, height in zip(members, x, y, strict=True):
        if c.letter not in written:
            _letter(ax, c, at, height)


def _letter(ax: Axes, configuration: Configuration, x: float, y: float) -> None:
    ax.annotate(configuration.letter, (x, y), (5, 4), textcoords="offset points")
