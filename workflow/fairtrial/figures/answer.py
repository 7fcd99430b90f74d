"""The figure of page one: every seed of every configuration on one axis."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fairtrial.figures.base import FONT, Drawing, figure, line_styles, new_figure, not_shown
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.run import METRIC_NAMES
from fairtrial.scoring.ranking import FITNESS
from fairtrial.settings.stages import PlotSettings

ROWS = 16  # configurations at most: more would push the contents off page one


@figure("answer")
def answer(experiment: ExperimentResults, settings: PlotSettings) -> Iterator[Drawing]:
    """One row for each configuration, the best on val first: its seeds, their mean and sd."""
    for number, comparison in enumerate(experiment.comparisons):
        split, metric = comparison.split, comparison.metric
        ranked = [c for c in comparison.ranked() if c.scores(split, metric)]
        if len(ranked) < 2:
            continue
        repeated = max(len(c.repeats) for c in ranked) > 1
        caption = f"On {split} of {comparison.names}, best on val on top. "
        seeds = ranked[0].repeated  # or folds
        caption += f"Circles: {seeds}; line: mean ± sd." if repeated else "One seed each."
        if metric == FITNESS:
            caption += f" Fitness: {comparison.ranking_rule.formula}."
        caption += not_shown(len(ranked) - ROWS)
        title = f"{METRIC_NAMES.get(metric, metric)} of each configuration"
        yield Drawing(f"answer-{number + 1}", _rows(ranked[:ROWS], comparison), title, caption)


def _rows(configurations: list[Configuration], comparison: Comparison) -> Figure:
    fig = new_figure(1.2 + 0.42 * len(configurations))
    ax = fig.subplots()
    styles = line_styles(comparison.configurations, comparison.ranked())
    for row, configuration in enumerate(configurations):
        scores = configuration.scores(comparison.split, comparison.metric)
        _row(ax, row, scores, styles[configuration.letter]["color"])
    ax.set_yticks(range(len(configurations)), [c.label(44) for c in configurations])
    ax.set_ylim(len(configurations) - 0.5, -0.5)
    ax.set_xlabel(f"{METRIC_NAMES.get(comparison.metric, comparison.metric)} on {comparison.split}")
    ax.grid(axis="y", visible=False)
    ax.margins(x=0.06)
    return fig


def _row(ax: Axes, row: int, scores: list[float], colour: str) -> None:
    """Draw the scores of one configuration at the height `row`, with mean and sd of several."""
    mean = statistics.fmean(scores)
    if len(scores) > 1:
        ax.errorbar(
            mean, row, xerr=statistics.stdev(scores), color=colour, capsize=2.5, linewidth=1.4
        )
        ax.plot([mean], [row], marker="|", markersize=9, markeredgewidth=1.8, color=colour)
    circles = ax.plot(scores, [row] * len(scores), "o", color=colour, markersize=FONT / 1.8)
    circles[0].set(markerfacecolor="white", markeredgewidth=0.9)
