"""The factors of a grid: what each does on average, and whether one changes what another does.

A factor has levels: values of a setting, or sets of settings with names. A level's metric is the
mean over all combinations of the other factors in which every level of the factor was trained; so
no level is flattered by its company. For each seed it is one value, and the levels are compared as
configurations are.
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product

import numpy as np

from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison
from fairtrial.results.run import REPEATS
from fairtrial.results.significance import independent_units, metric_scale, sample
from fairtrial.scoring.fold_gaps import fold_gaps
from fairtrial.scoring.intervals import contrast_interval, interval
from fairtrial.scoring.verdict import Gap, Sample, gaps_to_best
from fairtrial.settings.factors import Factor, FactorLevel
from fairtrial.settings.grid import value_text

Cell = tuple[str, ...]  # a level of each factor, in the order of the factors


@dataclass(frozen=True)
class Interaction:
    """How far two factors are from adding up: the largest difference of differences over pairs of
    levels, `(b2 - b1 at a2) - (b2 - b1 at a1)`, with its interval for all such pairs together."""

    levels: tuple[tuple[str, str], tuple[str, str]]  # a1, a2; b1, b2
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class FactorGrid:
    """The configurations of a grid by the level of each factor; those that have two at least."""

    comparison: Comparison
    levels: Mapping[str, tuple[str, ...]]  # by factor, in the order of the experiment
    cells: Mapping[Cell, Configuration]

    @property
    def factors(self) -> list[str]:
        return list(self.levels)

    def samples(self, split: str, *factors: str) -> dict[Cell, Sample]:
        """The metric that ranks by the levels of some factors, each the mean over the combinations
        of the others in which all those levels have a value. {} where there is none."""
        places = [self.factors.index(factor) for factor in factors]
        wanted = list(product(*(self.levels[factor] for factor in factors)))
        scored = self._scored(split)
        blocks: dict[Cell, dict[Cell, Sample]] = {}
        for cell, found in scored.items():
            rest = tuple(level for i, level in enumerate(cell) if i not in places)
            blocks.setdefault(rest, {})[tuple(cell[i] for i in places)] = found
        complete = [block for block in blocks.values() if len(block) == len(wanted)]
        seeds = _shared_seeds([s for block in complete for s in block.values()])
        if not complete or not seeds:
            return {}
        return {cell: _mean([block[cell] for block in complete], seeds) for cell in wanted}

    def _scored(self, split: str) -> dict[Cell, Sample]:
        metric = self.comparison.metric
        found = {cell: sample(c, split, metric) for cell, c in self.cells.items()}
        return {cell: values for cell, values in found.items() if values is not None}

    @cached_property
    def units(self) -> int | None:
        """How many independent units of the split that tables show were resampled."""
        return independent_units(list(self.cells.values()), self.comparison.split)

    def best(self, factor: str) -> str | None:
        """The level that is best on val; None where none has a value."""
        on_val = self.samples(self.comparison.chosen_on, factor)
        shown = self.samples(self.comparison.split, factor)
        both = [cell for cell in on_val if cell in shown]
        return max(both, key=lambda cell: on_val[cell].mean)[0] if both else None

    def gaps(self, factor: str) -> dict[str, Gap]:
        """Level → how far the best level lies above it."""
        best = self.best(factor)
        samples = {cell[0]: s for cell, s in self.samples(self.comparison.split, factor).items()}
        if best is None or len(samples) < 2:
            return {}
        folds = next(iter(self.cells.values())).folds
        if folds:
            return fold_gaps(samples, best, folds=folds)
        return gaps_to_best(samples, best, units=self.units, identical=self._identical(factor))

    def _identical(self, factor: str) -> list[str]:
        """The levels in which the seed changes nothing."""
        place = self.factors.index(factor)
        return [
            level
            for level in self.levels[factor]
            if all(c.seed_has_no_effect for cell, c in self.cells.items() if cell[place] == level)
        ]

    def interval(self, found: Sample) -> tuple[float, float] | None:
        """The 95 % interval of a mean over seeds and images; None for folds."""
        if next(iter(self.cells.values())).folds:
            return None
        return interval(found, self.units, metric_scale(self.comparison.metric))

    def interaction(self, one: str, other: str) -> Interaction | None:
        """The largest departure of two factors from adding up; None where it is not known."""
        samples = self.samples(self.comparison.split, one, other)
        if not samples:
            return None
        folds = next(iter(self.cells.values())).folds
        pairs = [list(combinations(self.levels[factor], 2)) for factor in (one, other)]
        contrasts = {(a, b): _contrast(samples, a, b) for a, b in product(*pairs)}
        levels, largest = max(contrasts.items(), key=lambda item: abs(item[1].mean))
        ends = None if folds else contrast_interval(largest, self.units, len(contrasts))
        low, high = ends or (None, None)
        return Interaction(levels, largest.mean, low, high)


def factor_grid(comparison: Comparison, factors: Sequence[Factor]) -> FactorGrid | None:
    """The grid of a comparison; None where fewer than two factors have two levels or more."""
    named = [f for f in factors if f.name not in REPEATS]
    found: dict[Cell, list[Configuration]] = {}
    for configuration in comparison.configurations:
        cell = [_level(configuration, factor) for factor in named]
        if all(level is not None for level in cell):
            found.setdefault(tuple(map(str, cell)), []).append(configuration)
    kept = [place for place in range(len(named)) if len({cell[place] for cell in found}) > 1]
    if len(kept) < 2:
        return None
    cells = {
        tuple(cell[i] for i in kept): _of_grid(members, named) for cell, members in found.items()
    }
    levels = {
        named[i].name: tuple(
            level.name for level in named[i].levels if level.name in {cell[i] for cell in found}
        )
        for i in kept
    }
    return FactorGrid(comparison, levels, cells)


def _level(configuration: Configuration, factor: Factor) -> str | None:
    """The level that a configuration has: of those whose settings are all its own, the one with
    the most of them."""
    matching = [level for level in factor.levels if _has(configuration, level)]
    return max(matching, key=lambda level: len(level.settings)).name if matching else None


def _has(configuration: Configuration, level: FactorLevel) -> bool:
    """Whether a configuration has the settings of a level."""
    settings = configuration.settings
    return all(_is(settings, key, value) for key, value in level.settings.items())


def _is(settings: Mapping[str, object], key: str, stated: object) -> bool:
    """Whether a setting has the value that a level states, which may name other settings in braces.
    A rule or another result stands in the settings as what it became, and is not looked at."""
    if isinstance(stated, dict):
        return key != "pretrained" or settings.get(key) is not None
    if isinstance(stated, str):
        stated = re.sub(r"\{(\w+)\}", lambda match: value_text(settings.get(match[1])), stated)
    return key in settings and settings[key] == stated


def _of_grid(members: Sequence[Configuration], factors: Sequence[Factor]) -> Configuration:
    """Of the configurations at one place the one that the grid itself has named."""
    named = (c for c in members if all(f"{factor.name}=" in c.name for factor in factors))
    return next(named, members[0])


def _shared_seeds(samples: Sequence[Sample]) -> list[int]:
    sets = [set(s.seeds) for s in samples]
    return sorted(set.intersection(*sets)) if sets else []


def _mean(samples: Sequence[Sample], seeds: Sequence[int]) -> Sample:
    """The mean of several metrics, seed by seed and resample by resample."""
    by_seed = [dict(zip(s.seeds, s.scores, strict=True)) for s in samples]
    scores = tuple(statistics.fmean(scores[seed] for scores in by_seed) for seed in seeds)
    resampled = [s.resampled for s in samples if s.resampled is not None]
    whole = len(resampled) == len(samples)
    return Sample(scores, tuple(seeds), np.mean(resampled, axis=0) if whole else None)


def _contrast(
    samples: Mapping[Cell, Sample], one: tuple[str, str], other: tuple[str, str]
) -> Sample:
    """The difference of differences of four levels, seed by seed and resample by resample."""
    signs = {
        (a, b): (-1) ** (i + j) for (i, a), (j, b) in product(enumerate(one), enumerate(other))
    }
    four = {cell: samples[cell] for cell in signs}
    first = next(iter(four.values()))
    scores = tuple(
        math.fsum(signs[cell] * s.scores[place] for cell, s in four.items())
        for place in range(first.count)
    )
    resampled = None
    if all(s.resampled is not None for s in four.values()):
        resampled = np.sum([signs[cell] * s.resampled for cell, s in four.items()], axis=0)
    return Sample(scores, first.seeds, resampled)
