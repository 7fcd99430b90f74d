"""Factors of a grid: what each does on average, and whether one changes what another does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fairtrial.figures.base import (
    COLOURS,
    DASHES,
    MARKERS,
    Drawing,
    figure,
    new_figure,
    not_below_zero,
)
from fairtrial.results.configuration import shorten, shortened
from fairtrial.results.experiment import ExperimentResults
from fairtrial.results.factors import Cell, FactorGrid, factor_grid
from fairtrial.results.run import METRIC_NAMES
from fairtrial.scoring.verdict import Sample
from fairtrial.settings.stages import PlotSettings

ACROSS = 4  # factors side by side
PAIRS = 6  # pairs of factors at most, those that add up least
LINES = len(COLOURS)  # levels that can be told apart
OVERLAP = " All levels are scored on the same images, so that levels whose bars overlap may differ."


@figure("factors")
def main_effects(experiment: ExperimentResults, settings: PlotSettings) -> Iterator[Drawing]:
    """The mean metric of each level of each factor, with its 95 % interval."""
    for number, comparison in enumerate(experiment.comparisons, 1):
        grid = factor_grid(comparison, settings.factors)
        if grid is None or not any(grid.samples(comparison.split, f) for f in grid.factors):
            continue
        title = "What each factor does on average"
        yield Drawing(f"factors-{number}", _effects(grid), title, _effects_caption(grid))


def _effects_caption(grid: FactorGrid) -> str:
    comparison = grid.comparison
    text = (
        f"On {comparison.split} of {comparison.names}: mean of each level over the levels of the "
        f"other factors; dots: {comparison.repeated}, each a mean over these. Star: the level "
        f"that is best on {comparison.chosen_on}; hollow circles cannot be told apart from it, "
        "full ones can."
    )
    return text + _bar(grid) + OVERLAP


def _bar(grid: FactorGrid) -> str:
    if comparison_has_folds(grid):
        return ""
    if max(len(c.repeats) for c in grid.cells.values()) > 1:
        return " Bar: 95 % interval over other seeds and other images."
    return " Bar: 95 % interval over other images; of other seeds nothing is known."


def comparison_has_folds(grid: FactorGrid) -> bool:
    """Whether its configurations are repeated on folds."""
    return grid.comparison.repeated == "folds"


def _effects(grid: FactorGrid) -> Figure:
    factors = [f for f in grid.factors if grid.samples(grid.comparison.split, f)]
    columns = min(len(factors), ACROSS)
    rows = -(-len(factors) // columns)
    fig = new_figure(5.6 * rows)
    axes = list(fig.subplots(rows, columns, sharey=True, squeeze=False).flat)
    for ax, factor in zip(axes, factors, strict=False):
        samples = grid.samples(grid.comparison.split, factor)
        best, gaps = grid.best(factor), grid.gaps(factor)
        for x, level in enumerate(grid.levels[factor]):
            point = _level(ax, x, samples[level,], grid, 2, "*" if level == best else "o")
            if level in gaps and not gaps[level].apart:
                point.set_markerfacecolor("white")
        _named(ax, grid.levels[factor])
        ax.set_xlabel(shorten(factor, 30))
    for ax in axes[len(factors) :]:
        ax.set_visible(False)
    for ax in axes[::columns]:
        ax.set_ylabel(_metric(grid))
        not_below_zero(ax, "y")
    return fig


def _metric(grid: FactorGrid) -> str:
    metric = grid.comparison.metric
    return f"{METRIC_NAMES.get(metric, metric)} on {grid.comparison.split}"


def _level(ax: Axes, x: float, found: Sample, grid: FactorGrid, colour: int, marker: str) -> Line2D:
    """Draw the mean of one level, which is returned, its interval, and its seeds."""
    shade = COLOURS[colour]
    if ends := grid.interval(found):
        error = [[max(found.mean - ends[0], 0.0)], [max(ends[1] - found.mean, 0.0)]]
        ax.errorbar(x, found.mean, error, color=shade, capsize=2.5, linewidth=1.1, zorder=2)
    dots = [x] * found.count
    ax.plot(dots, found.scores, ".", color=shade, markersize=3, alpha=0.6, zorder=2)
    size = 9 if marker == "*" else 5
    (point,) = ax.plot([x], [found.mean], marker, color=shade, markersize=size, zorder=3)
    return point


def _named(ax: Axes, levels: Sequence[str]) -> None:
    """Name the levels below the axis."""
    texts = shortened(levels, 24)
    crowded = sum(map(len, texts)) > 22
    ax.set_xticks(range(len(texts)), texts, rotation=90 if crowded else 0)
    ax.set_xlim(-0.5, len(texts) - 0.5)
    ax.grid(axis="x", visible=False)


@figure("factors")
def interactions(experiment: ExperimentResults, settings: PlotSettings) -> Iterator[Drawing]:
    """For pairs of factors a line for each level of one, along the levels of the other."""
    for number, comparison in enumerate(experiment.comparisons, 1):
        grid = factor_grid(comparison, settings.factors)
        pairs = strongest(grid) if grid else []
        if grid is None or not pairs:
            continue
        caption = (
            f"On {comparison.split} of {comparison.names}: mean of each pair of levels over the "
            "levels of the other factors. Parallel lines: the factors add up; others: what one "
            "does depends on the other."
        )
        caption += _bar(grid)
        every = len(list(combinations(grid.factors, 2)))
        if every > len(pairs):
            caption += f" Of {every} pairs those {len(pairs)} that add up least."
        title = "Whether factors depend on each other"
        yield Drawing(f"interactions-{number}", _interactions(grid, pairs), title, caption)


def strongest(grid: FactorGrid) -> list[tuple[str, str]]:
    """The pairs of factors, those first that add up least; in each the one with more levels
    first."""
    found = {pair: grid.interaction(*pair) for pair in combinations(grid.factors, 2)}
    values = {pair: abs(i.value) for pair, i in found.items() if i is not None}
    pairs = sorted(values, key=lambda pair: -values[pair])[:PAIRS]
    return [_longer_first(grid.levels, *pair) for pair in pairs]


def _longer_first(levels: Mapping[str, Sequence[str]], one: str, other: str) -> tuple[str, str]:
    return (one, other) if len(levels[one]) >= len(levels[other]) else (other, one)


def _interactions(grid: FactorGrid, pairs: Sequence[tuple[str, str]]) -> Figure:
    columns = min(len(pairs), 3)
    rows = -(-len(pairs) // columns)
    most = max(min(len(grid.levels[lines]), LINES) for _, lines in pairs)
    fig = new_figure((6.6 + 0.35 * (-(-most // 3) - 1)) * rows)
    axes = list(fig.subplots(rows, columns, sharey=True, squeeze=False).flat)
    for ax, (along, lines) in zip(axes, pairs, strict=False):
        _pair(ax, grid, along, lines)
    for ax in axes[len(pairs) :]:
        ax.set_visible(False)
    for ax in axes[::columns]:
        ax.set_ylabel(_metric(grid))
        not_below_zero(ax, "y")
    return fig


def _pair(ax: Axes, grid: FactorGrid, along: str, lines: str) -> None:
    samples: dict[Cell, Sample] = grid.samples(grid.comparison.split, along, lines)
    shown = grid.levels[lines][:LINES]
    step = min(0.08, 0.5 / len(shown))  # beside each other, so that bars can be told apart
    for number, level in enumerate(shown):
        at = [x + (number - (len(shown) - 1) / 2) * step for x in range(len(grid.levels[along]))]
        found = [samples[other, level] for other in grid.levels[along]]
        for x, one in zip(at, found, strict=True):
            _level(ax, x, one, grid, number, MARKERS[number])
        (line,) = ax.plot(at, [s.mean for s in found], color=COLOURS[number], linewidth=1.1)
        line.set(linestyle=DASHES[number], marker=MARKERS[number], markersize=4)
        line.set_label(shorten(level, 24))
    _named(ax, grid.levels[along])
    ax.set_xlabel(shorten(along, 30))
    left_out = len(grid.levels[lines]) - len(shown)
    title = shorten(lines, 24) + (f" (first {len(shown)})" if left_out else "")
    ax.legend(
        title=title,
        title_fontsize=7,
        fontsize=6.5,
        handlelength=2.8,
        columnspacing=1.0,
        ncols=min(len(shown), 3),
        loc="lower center",  # above the plot, where it covers no bar
        bbox_to_anchor=(0.5, 1.0),
    )
