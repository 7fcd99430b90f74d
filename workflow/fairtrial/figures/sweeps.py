"""Metrics against one parameter, with their intervals."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter

from fairtrial.figures.base import COLOURS, MARGIN, Drawing, figure, new_figure
from fairtrial.results.configuration import Configuration, shortened
from fairtrial.results.experiment import ExperimentResults
from fairtrial.results.run import METRIC_NAMES
from fairtrial.results.significance import interval_of
from fairtrial.results.sweeps import METRICS, Sweep, sweeps
from fairtrial.settings.stages import PlotSettings

NEAR = 0.042  # share of the axis that a label takes
CROWDED = 6  # more labels than this are turned by 90°


@figure("sweeps")
def metrics_against_parameter(
    experiment: ExperimentResults, settings: PlotSettings
) -> Iterator[Drawing]:
    """Four metrics, such as AP or the accuracy, against each parameter that was swept."""
    for number, comparison in enumerate(experiment.comparisons):
        for sweep in sweeps(comparison, settings.sweeps):
            name = f"sweep-{number + 1}-{sweep.parameter}"
            title = f"Metrics against {sweep.parameter}"
            yield Drawing(name, _panels(sweep), title, _caption(sweep))


def _caption(sweep: Sweep) -> str:
    over = sweep.members[0].repeated
    comparison = sweep.comparison
    where = f"On {comparison.split} of {comparison.names}; the y axes span equal ranges."
    if sweep.best is not None:
        rule = sweep.comparison.ranking_rule.label
        where += f" Star: {sweep.label(sweep.best)}, the best by {rule} on val."
    if max(len(c.repeats) for c in sweep.members) == 1:
        return (
            f"{where} One seed each, so all circles are hollow: which of these differences are "
            "more than chance is unknown. Band: 95 % interval over other images alone."
        )
    band = "mean and 95 % interval over other seeds and other images, which all values share"
    if sweep.members[0].folds:
        band = f"mean ± standard deviation over {over}"
    return (
        f"{where} Line and band: {band}. Hollow circles cannot be told apart from the star in that "
        "metric, full ones can (corrected for all values of the panel)."
    )


def _panels(sweep: Sweep) -> Figure:
    fig = new_figure(9.0)
    axes = list(fig.subplots(2, 2, sharex=True).flat)
    colours = (COLOURS[i] for i in (2, 4, 5, 0))
    for ax, metric, colour in zip(axes, METRICS[sweep.comparison.task], colours, strict=True):
        _line(ax, sweep, metric, colour)
        ax.set_title(METRIC_NAMES.get(metric, metric), loc="left")
    _equal_spans(axes)
    for ax in axes[2:]:
        ax.set_xlabel(sweep.parameter)
        _ticks(ax, sweep)
    return fig


def _line(ax: Axes, sweep: Sweep, metric: str, colour: str) -> None:
    """Draw the mean of one metric by value, over a band of its intervals where values are numbers,
    over bars where they are names."""
    split, best, gaps = sweep.comparison.split, sweep.best, sweep.gaps(metric)
    numbers = sweep.numbers
    pairs = zip(numbers or range(len(sweep.members)), sweep.members, strict=True)
    points = [(x, c) for x, c in pairs if c.scores(split, metric)]
    x = [x for x, _ in points]
    mean = np.array([statistics.fmean(c.scores(split, metric)) for _, c in points])
    ends = np.array([_ends(c, split, metric) for _, c in points]).T.reshape(2, -1)
    if numbers:
        ax.plot(x, mean, color=colour, linewidth=1.1, zorder=2)
        if (ends[0] < ends[1]).any():
            ax.fill_between(x, *ends, color=colour, alpha=0.18, linewidth=0)
    elif (ends[0] < ends[1]).any():
        error = np.maximum([mean - ends[0], ends[1] - mean], 0)
        ax.errorbar(
            x, mean, error, linestyle="", color=colour, capsize=2.5, linewidth=1.1, zorder=2
        )
    for number, (at, c) in enumerate(points):
        apart = c.letter in gaps and gaps[c.letter].apart
        marker, size = ("*", 10) if c is best else ("o", 5)
        (mark,) = ax.plot([at], [mean[number]], color=colour, marker=marker, markersize=size)
        mark.set_markerfacecolor(colour if c is best or apart else "white")


def _ends(configuration: Configuration, split: str, metric: str) -> tuple[float, float]:
    """The 95 % interval of a metric; of folds mean ± sd; the mean itself where nothing is known."""
    scores = configuration.scores(split, metric)
    mean = statistics.fmean(scores)
    sd = statistics.stdev(scores) if len(scores) > 1 else 0.0
    return interval_of(configuration, split, metric) or (mean - sd, mean + sd)


def _equal_spans(axes: list[Axes]) -> None:
    """Give the y axes of all panels the same span, each around its own values, so that none
    magnifies noise."""
    limits = [ax.get_ylim() for ax in axes]
    half = max(high - low for low, high in limits) / 2
    for ax, (low, high) in zip(axes, limits, strict=True):
        ax.set_ylim((low + high) / 2 - half, (low + high) / 2 + half)
        if ax.get_ylim()[0] < 0:  # no metric is
            ax.set_ylim(-MARGIN * 2 * half, 2 * half * (1 - MARGIN))


def _ticks(ax: Axes, sweep: Sweep) -> None:
    """Label the values of the parameter, as many as there is room for."""
    if sweep.logarithmic:
        ax.set_xscale("log")
        ax.xaxis.set_minor_formatter(NullFormatter())
    labels = shortened(sweep.texts, 24)
    if numbers := sweep.numbers:
        ax.xaxis.set_minor_locator(FixedLocator(numbers))
        ax.set_xticks(*zip(*_spaced_labels(sweep, labels), strict=True))
    else:
        ax.set_xticks(range(len(labels)), labels)
        ax.margins(x=0.12)
    crowded = len(labels) > CROWDED or sum(map(len, labels)) > 40
    ax.tick_params(axis="x", labelrotation=90 if crowded else 0)


def _spaced_labels(sweep: Sweep, labels: list[str]) -> list[tuple[float, str]]:
    """Values with their labels, without those whose label would touch another. The best value and
    the outermost ones come first."""
    values = np.array(sweep.numbers)
    positions = np.log(values) if sweep.logarithmic else values
    room, last = NEAR * (positions[-1] - positions[0]), len(positions) - 1
    labelled: list[int] = []
    best = [n for n, c in enumerate(sweep.members) if c is sweep.best]
    for number in [*best, 0, last, *range(last)]:
        if all(abs(positions[number] - positions[other]) >= room for other in labelled):
            labelled.append(number)
    return [(float(values[number]), labels[number]) for number in labelled]
