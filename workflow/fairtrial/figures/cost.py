"""Size and times of each configuration against the metric that ranks."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from fairtrial.figures.base import (
    COLOURS,
    Drawing,
    LineStyle,
    figure,
    legend,
    legend_height,
    line_styles,
    new_figure,
)
from fairtrial.results.configuration import Configuration
from fairtrial.results.costs import Read, front, kinds, milliseconds
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.run import METRIC_NAMES
from fairtrial.settings.stages import PlotSettings

DECADE = 10  # ratio of the highest to the lowest cost from which on the axis is logarithmic


@figure("cost")
def cost(experiment: ExperimentResults, settings: PlotSettings) -> Iterator[Drawing]:
    """The metric that ranks against each cost that differs, with the Pareto front."""
    for number, comparison in enumerate(experiment.comparisons):
        panels = {n: f for n, f in kinds(settings.timings).items() if _differs(comparison, f)}
        if panels and len(comparison.configurations) > 1:
            fig = _scatter(comparison, panels)
            rule = comparison.ranking_rule.label
            caption = (
                f"{rule[0].upper()}{rule[1:]} on {comparison.split} of {comparison.names}: "
                f"mean, and range over {comparison.repeated}. Dashed and ringed: the Pareto front "
                "of the means, on which no other is both as cheap and as good."
            )
            if settings.timings:
                caption += " Time per image: median and quartiles of the first run, batch 1."
            yield Drawing(f"cost-{number + 1}", fig, "What each configuration costs", caption)


def _differs(comparison: Comparison, read: Read) -> bool:
    """Whether a cost has two values or more among the configurations."""
    costs = {read(configuration) for configuration in comparison.configurations}
    return len(costs - {None}) > 1


def _scatter(comparison: Comparison, panels: dict[str, Read]) -> Figure:
    """One panel for each cost, side by side."""
    columns = max(2, len(panels))
    fig = new_figure(5.0 + 0.4 + legend_height(comparison.configurations))
    axes = list(fig.subplots(1, columns, sharey=True, squeeze=False).flat)
    styles = line_styles(comparison.configurations, comparison.ranked())
    for ax, (title, read) in zip(axes, panels.items(), strict=False):
        for configuration in comparison.configurations:
            _mark(ax, configuration, comparison, read, styles[configuration.letter])
        ax.set_xlabel(title)
        low, high = ax.dataLim.intervalx
        ax.xaxis.set_major_locator(MaxNLocator(4))
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
    legend(fig, comparison.configurations, styles, marker=True)
    return fig


def _mark(
    ax: Axes, configuration: Configuration, comparison: Comparison, read: Read, style: LineStyle
) -> None:
    """Draw a point with its range over repeats and, for the time of an image, its quartiles."""
    x, scores = read(configuration), configuration.scores(comparison.split, comparison.metric)
    if x is None or not scores:
        return
    y = statistics.fmean(scores)
    speed = configuration.first.speed if read is milliseconds else None
    quartiles = [[max(0.0, x - speed.q1)], [max(0.0, speed.q3 - x)]] if speed else None
    ax.errorbar(
        [x],
        [y],
        yerr=[[y - min(scores)], [max(scores) - y]],
        xerr=quartiles,
        color=style["color"],
        marker=style["marker"],
        markersize=5,
        elinewidth=0.8,
        zorder=style["zorder"],
    )
    if len(comparison.configurations) <= len(COLOURS):  # of more, only the front has letters
        _letter(ax, configuration, x, y)


def _front(ax: Axes, comparison: Comparison, read: Read) -> None:
    """Draw a line of steps through the front, a ring around each of its members, and its letter."""
    members = [step.configuration for step in front(comparison, read)]
    x = [float(read(c) or 0) for c in members]
    y = [float(c.mean(comparison.split, comparison.metric) or 0) for c in members]
    steps = ax.plot(x, y, drawstyle="steps-post", color="#444444", linewidth=0.8, zorder=1.2)
    steps[0].set_linestyle((0, (4, 2)))
    rings = ax.plot(x, y, "o", color="#444444", markersize=9, markeredgewidth=0.7, zorder=3.5)
    rings[0].set_markerfacecolor("none")
    written = {text.get_text() for text in ax.texts}
    for c, x_value, y_value in zip(members, x, y, strict=True):
        if c.letter not in written:
            _letter(ax, c, x_value, y_value)


def _letter(ax: Axes, configuration: Configuration, x: float, y: float) -> None:
    text = ax.annotate(configuration.letter, (x, y), (5, 4), textcoords="offset points")
    text.set_bbox({"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.3})
