"""The section on the factors of a grid as plain data: sentences, and the table by factors."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product
from typing import TypedDict

from fairtrial.report.wording import UNDEFINED, interval, mark, number, signed, spread
from fairtrial.results.experiment import ExperimentResults
from fairtrial.results.factors import FactorGrid, Interaction, factor_grid
from fairtrial.results.run import METRIC_NAMES
from fairtrial.scoring.verdict import Gap
from fairtrial.settings.factors import Factor

WIDEST = 6  # levels of the factor that makes the columns


class LevelRow(TypedDict):
    """One level of a factor: its name, mean ± sd, 95 % interval, how far the best lies above it."""

    best: bool
    cells: list[str]
    mark: str


class FactorPart(TypedDict):
    """One factor. `answer`: what it does on average."""

    name: str
    answer: str
    rows: list[LevelRow]


class GridPart(TypedDict):
    """The grid of one comparison. `interactions`: a sentence for each pair of factors; `headings`
    and `rows`: the table by factors, whose last column factor is `across`."""

    table: str
    metric: str
    note: str
    repeated: str
    factors: list[FactorPart]
    interactions: list[str]
    across: str
    headings: list[str]
    rows: list[list[str]]
    first: int


def grid_parts(experiment: ExperimentResults, factors: Sequence[Factor]) -> list[GridPart]:
    """A part for each comparison that has a grid."""
    several = len(experiment.comparisons) > 1
    return [
        _part(grid, f" (table {place})" if several else "")
        for place, comparison in enumerate(experiment.comparisons, 1)
        if (grid := factor_grid(comparison, factors))
    ]


def _part(grid: FactorGrid, table: str) -> GridPart:
    comparison = grid.comparison
    across = _across(grid)
    down = [factor for factor in grid.factors if factor != across]
    pairs = list(combinations(grid.factors, 2))
    found = [(pair, grid.interaction(*pair)) for pair in pairs]
    metric = METRIC_NAMES.get(comparison.metric, comparison.metric)
    return {
        "table": table,
        "metric": metric,
        "note": f"On {comparison.split} of {comparison.names}, {_means(grid)}.",
        "repeated": comparison.repeated,
        "factors": [_factor(grid, factor) for factor in grid.factors],
        "interactions": [interaction_sentence(*pair, i) for pair, i in found if i is not None],
        "across": across,
        "headings": [*down, *(f"{across} {level}" for level in grid.levels[across])],
        "rows": _rows(grid, down, across),
        "first": len(down),
    }


def _means(grid: FactorGrid) -> str:
    if max(len(c.repeats) for c in grid.cells.values()) == 1:
        return "one seed each"
    return f"mean ± standard deviation over {grid.comparison.repeated}"


def _across(grid: FactorGrid) -> str:
    """The factor that makes the columns: the last of those that are not too wide."""
    narrow = [f for f in grid.factors if len(grid.levels[f]) <= WIDEST]
    return (narrow or sorted(grid.factors, key=lambda f: -len(grid.levels[f])))[-1]


def _rows(grid: FactorGrid, down: Sequence[str], across: str) -> list[list[str]]:
    """A row for each combination of the factors `down` that was trained: levels, then metrics."""
    split, metric = grid.comparison.split, grid.comparison.metric
    rows = []
    for levels in product(*(grid.levels[factor] for factor in down)):
        values = []
        for level in grid.levels[across]:
            at = dict(zip(down, levels, strict=True)) | {across: level}
            configuration = grid.cells.get(tuple(at[factor] for factor in grid.factors))
            values.append(spread(configuration.scores(split, metric)) if configuration else "")
        if any(values):
            rows.append([*levels, *(value or UNDEFINED for value in values)])
    return rows


def _factor(grid: FactorGrid, factor: str) -> FactorPart:
    samples = grid.samples(grid.comparison.split, factor)
    gaps, best = grid.gaps(factor), grid.best(factor)
    rows: list[LevelRow] = []
    for level in grid.levels[factor]:
        found, gap = samples.get((level,)), gaps.get(level)
        ends = grid.interval(found) if found else None
        between = f"{number(ends[0])} to {number(ends[1])}" if ends else UNDEFINED
        above = signed(gap.gap) if gap else ""
        if gap and (span := interval(gap)):
            above += f" ({span})"
        cells = [level, spread(list(found.scores)) if found else UNDEFINED, between, above]
        rows.append({"best": level == best, "cells": cells, "mark": mark(gap) if gap else ""})
    return {"name": factor, "answer": factor_sentence(grid, factor, best, gaps), "rows": rows}


def factor_sentence(grid: FactorGrid, factor: str, best: str | None, gaps: dict[str, Gap]) -> str:
    """What a factor does on average, by the level that is best on val."""
    if best is None or not gaps:
        return f"{factor}: no combination of the other factors has all of its levels."
    worst = max(gaps, key=lambda level: gaps[level].gap)
    gap = gaps[worst]
    on_val = f"{factor}: {best} is best on {grid.comparison.chosen_on}"
    if gap.gap <= 0:
        return f"{on_val}; on {grid.comparison.split} the mean of no other level lies below its."
    metric = METRIC_NAMES.get(grid.comparison.metric, grid.comparison.metric)
    on_split = f" on {grid.comparison.split}" * (grid.comparison.split != grid.comparison.chosen_on)
    text = f"{on_val}; its mean {metric}{on_split} lies {signed(gap.gap)} above that of {worst}"
    if span := interval(gap):
        text += f" (95 %: {span})"
    if gap.p is None:
        return f"{text}; with one seed each nobody knows what other seeds would give."
    apart = [level for level, g in gaps.items() if g.apart and g.gap > 0]
    if not apart:
        return f"{text}; no level can be told apart from it."
    return f"{text}. Lower by more than chance: {', '.join(apart)}."


def interaction_sentence(one: str, other: str, found: Interaction) -> str:
    """Whether what one factor does depends on the other."""
    (a1, a2), (b1, b2) = found.levels
    step = f"what {other} {b2} adds to {other} {b1} differs by {number(abs(found.value))}"
    text = f"{one} and {other}: {step} between {one} {a1} and {a2}"
    if found.low is None or found.high is None:
        return f"{text}, which was not tested."
    ends = sorted((found.low, found.high)) if found.value >= 0 else (-found.high, -found.low)
    text += f" (95 % for all such differences: {signed(ends[0])} to {signed(ends[1])})"
    if found.low <= 0 <= found.high:
        return f"{text}: no sign that one depends on the other."
    return f"{text}: what one does depends on the other, so that the mean of each says little."
