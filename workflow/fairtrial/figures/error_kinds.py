"""What each kind of error costs, by configuration."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fairtrial.figures.base import (
    Drawing,
    LineStyle,
    figure,
    legend,
    legend_height,
    line_styles,
    mean_over,
    new_figure,
    not_shown,
)
from fairtrial.results.breakdowns import KIND_NAMES
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.significance import interval_of, interval_over
from fairtrial.scoring.error_costs import METRIC
from fairtrial.scoring.error_kinds import KINDS
from fairtrial.settings.stages import PlotSettings

INTERVALS = " Lines: 95 % interval over {}"
OVERLAP = (
    "; those of two configurations on the same images may overlap although they can be told apart"
)
EXPLAINED = (
    "Badly placed: the right class, but too little overlap with its object; found twice: an object "
    "that another detection has already; background: a detection where there is nothing."
)
SHOWN = 16  # configurations at most: the best on val


@figure("errors")
def error_costs(experiment: ExperimentResults, settings: PlotSettings) -> Iterator[Drawing]:
    """A plot for each kind of error, a bar for each configuration."""
    if experiment.task != "detect":
        return
    for number, comparison in enumerate(experiment.comparisons):
        shown = comparison.ranked()[:SHOWN]
        caption = (
            f"On {comparison.split} of {comparison.names}, {mean_over(comparison)}: the "
            f"AP50 that repairing all errors of one kind would add. {EXPLAINED}"
        )
        if any(interval_of(c, comparison.split, METRIC.format(KINDS[0])) for c in shown):
            caption += INTERVALS.format(interval_over(shown))
            caption += f"{OVERLAP if len(shown) > 1 else ''}."
        caption += not_shown(len(comparison.configurations) - len(shown))
        title = "What each kind of error costs"
        yield Drawing(f"error-kinds-{number + 1}", _panels(comparison, shown), title, caption)


def _panels(comparison: Comparison, shown: list[Configuration]) -> Figure:
    fig = new_figure(6.4 + legend_height(shown))
    axes = fig.subplots(2, 3, sharex=True, sharey=True)
    styles = line_styles(comparison.configurations, comparison.ranked())
    for ax, kind in zip(axes.flat, KINDS, strict=True):
        for place, configuration in enumerate(shown):
            style = styles[configuration.letter]
            _bar(ax, place, configuration, (comparison.split, METRIC.format(kind)), style)
        ax.margins(y=0.1)
        ax.axhline(0, color="#444444", linewidth=0.6)
        ax.set_title(KIND_NAMES[kind], loc="left")
        ax.set_xticks(range(len(shown)), [c.letter for c in shown])
        ax.grid(visible=False, axis="x")
        ax.tick_params(labelbottom=True)  # a page may end between the rows
    for ax in axes[:, 0]:
        ax.set_ylabel("Cost in AP50")
    legend(fig, shown, styles, marker=True)
    return fig


def _bar(
    ax: Axes, place: int, configuration: Configuration, key: tuple[str, str], style: LineStyle
) -> None:
    scores = configuration.scores(*key)
    if not scores:
        return
    mean = statistics.fmean(scores)
    ax.bar([place], [mean], width=0.7, color=style["color"], alpha=0.55, linewidth=0)
    ax.plot([place], [mean], marker=style["marker"], markersize=3.5, color=style["color"])
    if found := interval_of(configuration, *key):
        ax.plot([place, place], found, color="#222222", linewidth=0.9)
