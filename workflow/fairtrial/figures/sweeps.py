"""One parameter against what it changes, with the spread over seeds."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullFormatter

from fairtrial.figures.base import COLOURS, Drawn, figure, new
from fairtrial.results.configuration import Configuration, shorten
from fairtrial.results.experiment import ExperimentResults
from fairtrial.results.sweeps import METRIC_NAMES, METRICS, Sweep, sweeps

NEAR = 0.042  # share of the axis that a label takes
ROUND: dict[str, Any] = {"marker": "o", "markersize": 5}
CROWDED = 6  # labels from which on they stand upright


@figure("sweeps")
def sweep(trial: ExperimentResults, settings: dict[str, Any]) -> Iterator[Drawn]:
    """Four figures, such as mAP50-95 or the accuracy, against each parameter that was swept."""
    for number, comparison in enumerate(trial.comparisons):
        for found in sweeps(comparison, settings.get("sweeps") or []):
            name = f"sweep-{number + 1}-{found.parameter}"
            yield Drawn(name, _panels(found), f"What {found.parameter} changes", _caption(found))


def _caption(found: Sweep) -> str:
    over = found.members[0].repeated
    where = f"On {found.comparison.split} of {found.comparison.names}; all panels span as much."
    if found.best is not None:
        rule = found.comparison.ranking_rule.label
        where += f" Star: {found.label(found.best)}, the best by {rule} on val."
    if max(len(c.repeats) for c in found.members) == 1:
        return (
            f"{where} One seed each, so there is no band, and all circles are hollow: nobody can "
            "say which of these differences are more than chance."
        )
    return (
        f"{where} Line and band: mean ± standard deviation over {over}. Hollow circles cannot be "
        "told apart from the star in that figure, full ones can (t test, corrected for all values "
        "of the panel)."
    )


def _panels(found: Sweep) -> Any:
    drawn = new(12.5)
    axes = list(drawn.subplots(2, 2, sharex=True).flat)
    colours = (COLOURS[i] for i in (2, 4, 5, 0))
    for ax, metric, colour in zip(axes, METRICS[found.comparison.task], colours, strict=True):
        _line(ax, found, metric, colour)
        ax.set_title(METRIC_NAMES[metric], loc="left")
    _alike(axes)
    for ax in axes[2:]:
        ax.set_xlabel(found.parameter)
        _ticks(ax, found)
    return drawn


def _line(ax: Axes, found: Sweep, metric: str, colour: str) -> None:
    """Means over a band where values are numbers, over bars where they are names."""
    split, best, gaps = found.comparison.split, found.best, found.gaps(metric)
    places = found.values if found.numeric else list(range(len(found.members)))
    shown = [(x, c) for x, c in zip(places, found.members, strict=True) if c.scores(split, metric)]
    x = [x for x, _ in shown]
    mean = np.array([statistics.fmean(c.scores(split, metric)) for _, c in shown])
    sd = np.array([_sd(c, split, metric) for _, c in shown])
    if found.numeric:
        ax.plot(x, mean, color=colour, linewidth=1.1, zorder=2)
        if sd.any():
            ax.fill_between(x, mean - sd, mean + sd, color=colour, alpha=0.18, linewidth=0)
    elif sd.any():
        ax.errorbar(x, mean, sd, linestyle="", color=colour, capsize=2.5, linewidth=1.1, zorder=2)
    for place, (at, c) in enumerate(shown):
        apart = c.letter in gaps and gaps[c.letter].apart
        look: dict[str, Any] = {"marker": "*", "markersize": 10} if c is best else ROUND
        face = colour if c is best or apart else "white"
        ax.plot([at], [mean[place]], color=colour, markerfacecolor=face, **look)


def _sd(configuration: Configuration, split: str, metric: str) -> float:
    scores = configuration.scores(split, metric)
    return statistics.stdev(scores) if len(scores) > 1 else 0.0


def _alike(axes: list[Axes]) -> None:
    """Give all panels the same span, each around its own figures: so none magnifies noise."""
    limits = [ax.get_ylim() for ax in axes]
    half = max(high - low for low, high in limits) / 2
    for ax, (low, high) in zip(axes, limits, strict=True):
        ax.set_ylim((low + high) / 2 - half, (low + high) / 2 + half)


def _ticks(ax: Axes, found: Sweep) -> None:
    """Label the values that were tried, where there is room for each."""
    if found.logarithmic:
        ax.set_xscale("log")
        ax.xaxis.set_minor_formatter(NullFormatter())
    labels = [shorten(text, 24) for text in found.texts]
    if not found.numeric:
        ax.set_xticks(range(len(labels)), labels)
        ax.margins(x=0.12)
    else:
        ax.xaxis.set_minor_locator(FixedLocator(found.values))
        ax.set_xticks(*zip(*_apart(found, labels), strict=True))
    crowded = len(labels) > CROWDED or sum(map(len, labels)) > 40
    ax.tick_params(axis="x", labelrotation=90 if crowded else 0)


def _apart(found: Sweep, labels: list[str]) -> list[tuple[float, str]]:
    """Values with their labels, but those for whose label there is no room."""
    values = np.array(found.values, float)
    places = np.log(values) if found.logarithmic else values
    room, last = NEAR * (places[-1] - places[0]), len(places) - 1
    kept: list[int] = []
    best = [n for n, c in enumerate(found.members) if c is found.best]
    for number in [*best, 0, last, *range(last)]:
        if all(abs(places[number] - places[other]) >= room for other in kept):
            kept.append(number)
    return [(float(values[number]), labels[number]) for number in kept]
