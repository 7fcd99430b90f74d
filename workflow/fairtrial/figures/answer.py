"""The figure of page one: every seed of every configuration on one axis."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from matplotlib.axes import Axes

from fairtrial.figures.base import FONT, Drawn, figure, looks, new, not_shown
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.run import METRIC_NAMES
from fairtrial.scoring.ranking import FITNESS

SHOWN = 16  # more would push the contents off page one


@figure("answer")
def answer(trial: ExperimentResults, settings: dict[str, Any]) -> Iterator[Drawn]:
    """A row a configuration, best on val first: its seeds, their mean and spread."""
    for number, comparison in enumerate(trial.comparisons):
        shown = [c for c in comparison.ranked() if c.scores(comparison.split, comparison.metric)]
        if len(shown) < 2:
            continue
        many = max(len(c.repeats) for c in shown) > 1
        caption = f"On {comparison.split} of {comparison.names}, best on val on top. "
        circles = shown[0].repeated
        caption += f"Circles: {circles}; line: mean ± sd." if many else "One seed each."
        if comparison.metric == FITNESS:
            caption += f" Fitness: {comparison.ranking_rule.formula}."
        caption += not_shown(len(shown) - SHOWN)
        name = METRIC_NAMES.get(comparison.metric, comparison.metric)
        title = f"{name} of each configuration"
        yield Drawn(f"answer-{number + 1}", _rows(shown[:SHOWN], comparison), title, caption)


def _rows(shown: list[Configuration], comparison: Comparison) -> Any:
    drawn = new(1.2 + 0.42 * len(shown))
    ax = drawn.subplots()
    look = looks(comparison.configurations, comparison.ranked())
    for place, configuration in enumerate(shown):
        scores = configuration.scores(comparison.split, comparison.metric)
        _row(ax, place, scores, look[configuration.letter]["color"])
    ax.set_yticks(range(len(shown)), [c.label(44) for c in shown])
    ax.set_ylim(len(shown) - 0.5, -0.5)
    ax.set_xlabel(f"{METRIC_NAMES.get(comparison.metric, comparison.metric)} on {comparison.split}")
    ax.grid(axis="y", visible=False)
    ax.margins(x=0.06)
    return drawn


def _row(ax: Axes, place: int, scores: list[float], colour: str) -> None:
    mean = statistics.fmean(scores)
    if len(scores) > 1:
        ax.errorbar(
            mean, place, xerr=statistics.stdev(scores), color=colour, capsize=2.5, linewidth=1.4
        )
        ax.plot([mean], [place], marker="|", markersize=9, markeredgewidth=1.8, color=colour)
    circles = ax.plot(scores, [place] * len(scores), "o", color=colour, markersize=FONT / 1.8)
    circles[0].set(markerfacecolor="white", markeredgewidth=0.9)
