"""The figure of page one: every seed of every configuration, its 95 % interval, and how far it lies
below the best."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from fairtrial.figures.base import (
    FONT,
    OTHERS,
    Drawing,
    figure,
    line_styles,
    new_figure,
    not_below_zero,
    not_shown,
)
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.run import METRIC_NAMES
from fairtrial.results.significance import Gap, gaps_to, interval_of
from fairtrial.scoring.ranking import FITNESS
from fairtrial.settings.stages import PlotSettings

ROWS, TOP = 8, 6  # of more configurations than the first, the best, as in the table
MANY = 10  # seeds, of which the circles would cover each other
UNDECIDED = "#777777"  # of a gap that is not told from zero


@figure("answer")
def answer(experiment: ExperimentResults, settings: PlotSettings) -> Iterator[Drawing]:
    """One row for each configuration, the best on val first: its seeds, their mean and its
    interval; beside it the gap to the best."""
    for number, comparison in enumerate(experiment.comparisons):
        split, metric = comparison.split, comparison.metric
        ranked = [c for c in comparison.ranked() if c.scores(split, metric)]
        if len(ranked) < 2 or not any(run.learned for c in ranked for run in c.runs):
            continue
        gaps = gaps_to(ranked[0], ranked[1:], split, metric)
        title = f"{METRIC_NAMES.get(metric, metric)} of each configuration, and the gap to the best"
        shown = ranked if len(ranked) <= ROWS else ranked[:TOP]
        caption = _caption(comparison, ranked, gaps) + not_shown(len(ranked) - len(shown))
        yield Drawing(f"answer-{number + 1}", _rows(shown, gaps, comparison), title, caption)


def _caption(comparison: Comparison, ranked: list[Configuration], gaps: Mapping[str, Gap]) -> str:
    best, over = ranked[0].letter, ranked[0].repeated  # seeds or folds
    caption = (
        f"On {comparison.split} of {comparison.names}, best on {comparison.chosen_on} on top. "
    )
    caption += "Left: circles, "
    caption += over if max(len(c.repeats) for c in ranked) > 1 else "one seed each"
    bars = "mean ± sd" if ranked[0].folds else "mean and 95 % interval"
    caption += f"; line, {bars}."
    if any(gap.low is not None for gap in gaps.values()):
        caption += (
            f" Right, which decides: how far {best} lies above each, 95 % intervals for all "
            "pairs together; grey: not told apart or not tested."
        )
    if comparison.metric == FITNESS:
        caption += f" Fitness: {comparison.ranking_rule.formula}."
    return caption


def _rows(
    configurations: list[Configuration], gaps: Mapping[str, Gap], comparison: Comparison
) -> Figure:
    fig = new_figure(1.2 + 0.42 * len(configurations))
    left, right = fig.subplots(1, 2, sharey=True, width_ratios=(5, 3))
    styles = line_styles(comparison.configurations, comparison.ranked())
    for row, configuration in enumerate(configurations):
        _metric(left, row, configuration, comparison, styles[configuration.letter]["color"])
        if gap := gaps.get(configuration.letter):
            _gap(right, row, gap, styles[configuration.letter]["color"])
    left.set_yticks(range(len(configurations)), [c.label(36) for c in configurations])
    _left_aligned(left)
    left.set_ylim(len(configurations) - 0.5, -0.5)
    metric = METRIC_NAMES.get(comparison.metric, comparison.metric)
    left.set_xlabel(f"{metric} on {comparison.split}")
    right.set_xlabel(f"{configurations[0].letter} above it by")
    right.axvline(0, color="#444444", linewidth=0.8, zorder=1)
    right.tick_params(left=False, labelleft=False)
    for ax, ticks in ((left, 6), (right, 4)):
        ax.grid(axis="y", visible=False)
        ax.margins(x=0.06)
        ax.locator_params(axis="x", nbins=ticks)
    not_below_zero(left, "x")
    return fig


def _left_aligned(ax: Axes) -> None:
    """Let the labels of the rows begin below each other, so that their letters do."""
    font, labels = FontProperties(size=FONT), ax.get_yticklabels()
    sizes = [text_to_path.get_text_width_height_descent(t.get_text(), font, False) for t in labels]
    ax.tick_params(axis="y", pad=5 + max(width for width, _, _ in sizes))
    for label in labels:
        label.set_horizontalalignment("left")


def _metric(
    ax: Axes, row: int, configuration: Configuration, comparison: Comparison, colour: str
) -> None:
    """Draw the seeds of one configuration at the height `row`, their mean and its interval."""
    scores = configuration.scores(comparison.split, comparison.metric)
    mean = statistics.fmean(scores)
    ends = interval_of(configuration, comparison.split, comparison.metric)
    if ends is None and len(scores) > 1:
        sd = statistics.stdev(scores)
        ends = (mean - sd, mean + sd)
    if ends:
        low, high = ends
        ax.errorbar(
            mean, row, xerr=[[mean - low], [high - mean]], color=colour, capsize=2.5, linewidth=1.4
        )
    ax.plot([mean], [row], marker="|", markersize=9, markeredgewidth=1.8, color=colour)
    circles = ax.plot(scores, [row] * len(scores), "o", color=colour, markersize=FONT / 1.8)
    circles[0].set(markerfacecolor="white" if len(scores) <= MANY else "none")
    circles[0].set(markeredgewidth=0.9, alpha=1 if len(scores) <= MANY else 0.5)


def _gap(ax: Axes, row: int, gap: Gap, colour: str) -> None:
    """Draw how far the best lies above one configuration, grey where that is not told."""
    shade = (colour if colour != OTHERS else "#444444") if gap.apart else UNDECIDED
    face = shade if gap.apart else "white"
    if gap.low is not None and gap.high is not None:
        error = [[gap.gap - gap.low], [gap.high - gap.gap]]
        ax.errorbar(gap.gap, row, xerr=error, color=shade, capsize=2.5, linewidth=1.4)
    (point,) = ax.plot([gap.gap], [row], "s", color=shade, markersize=FONT / 2)
    point.set(markerfacecolor=face, markeredgewidth=0.9)
