"""The parts of the variance of a metric, or of a gap between two: that of the seeds, and that of
the test images, each with its degrees of freedom."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fairtrial.scoring.studentised_range import LEVEL, critical_value, tail

ROUNDING = 1e-12  # a smaller standard deviation of metrics is that of rounding errors
FEWEST_RESAMPLES = 0.5  # share of resamples that must have a value; else they say nothing


@dataclass(frozen=True, eq=False)
class Sample:
    """A metric of one configuration: `scores`, a value a seed (or fold), and the `seeds` they
    belong to. Seeds whose predictions are equal to the byte count once, as one value.

    `resampled`: for each resample of the test images the mean over these seeds, the same resamples
    for all configurations; NaN where it is undefined, None where nothing was resampled.
    """

    scores: tuple[float, ...]
    seeds: tuple[int, ...]
    resampled: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        if not self.scores or not all(map(math.isfinite, self.scores)):
            raise ValueError(f"a sample needs finite values, one at least: {self.scores}")
        if len(self.scores) != len(self.seeds):
            raise ValueError(f"{len(self.scores)} values of {len(self.seeds)} seeds: {self.seeds}")

    @property
    def count(self) -> int:
        """The number of seeds (or folds)."""
        return len(self.scores)

    @cached_property
    def mean(self) -> float:
        """The mean over seeds."""
        return statistics.mean(map(float, self.scores))

    @cached_property
    def variance(self) -> float:
        """The variance of one seed (n - 1 in the denominator); 0 for a single one."""
        return variance(self.scores) if self.count > 1 else 0.0


def variance(values: Sequence[float]) -> float:
    """The variance of two values or more, n - 1 in the denominator; 0 where they are equal but for
    rounding errors."""
    found = statistics.variance(map(float, values))
    return found if found > ROUNDING**2 else 0.0


@dataclass(frozen=True)
class Part:
    """One part of the variance of an estimate, with its degrees of freedom."""

    variance: float
    df: float


def unit_part(resampled: NDArray[np.float64], units: int | None) -> Part | None:
    """The variance of a metric, or a difference, by the images, from its resamples; None where
    there are fewer than two independent units, or too few resamples with a value.

    A bootstrap's variance is too small by the factor (units - 1) / units.
    """
    defined = resampled[np.isfinite(resampled)]
    if units is None or units < 2 or len(defined) < max(2, FEWEST_RESAMPLES * len(resampled)):
        return None
    found = float(np.var(defined, ddof=1))
    return Part(found * units / (units - 1) if found > ROUNDING**2 else 0.0, units - 1)


def pooled(samples: Sequence[Sample]) -> Part:
    """The variance of one seed, over all configurations."""
    df = sum(sample.count - 1 for sample in samples)
    total = sum((sample.count - 1) * sample.variance for sample in samples)
    return Part(total / df if df else 0.0, df)


def differences(best: Sample, other: Sample) -> list[float]:
    """Best minus other, seed by seed, of the seeds that both have."""
    of_other = dict(zip(other.seeds, other.scores, strict=True))
    return [
        float(score - of_other[seed])
        for seed, score in zip(best.seeds, best.scores, strict=True)
        if seed in of_other
    ]


def added(parts: Sequence[Part]) -> Part:
    """The variance of a sum of independent parts, and its degrees of freedom by Satterthwaite's
    formula.

    Satterthwaite, F. E. (1946): An approximate distribution of estimates of variance components.
    Biometrics Bulletin 2, 110-114.
    """
    total = sum(part.variance for part in parts)
    if not total:
        return Part(0.0, sum(part.df for part in parts))
    # in shares of the total: the square of a tiny variance would be 0
    df = 1 / sum((part.variance / total) ** 2 / part.df for part in parts if part.variance)
    return Part(total, df)


def p_value(gap: float, part: Part, means: int) -> float:
    """The chance of such a gap between equal configurations, among all pairs of so many."""
    return float(tail(math.sqrt(2) * abs(gap) / math.sqrt(part.variance), means, part.df))


def dealt_p(gap: float, counts: tuple[int, int], means: int) -> float:
    """The exact p of two sides whose values have no spread at all: of all ways to deal the values
    to two sides, two are as far apart; times the number of pairs of configurations."""
    ways = math.comb(sum(counts), counts[0])
    return min(1.0, 2 / ways * math.comb(means, 2)) if gap else 1.0


def signs_p(gap: float, pairs: int, means: int) -> float:
    """The exact p of equal differences: of the 2^n ways to put signs before them, two are as far
    from zero; times the number of pairs of configurations."""
    return min(1.0, 2.0 ** (1 - pairs) * math.comb(means, 2)) if gap else 1.0


def gap_interval(
    gap: float, parts: Sequence[Part], p: float | None, means: int
) -> tuple[float | None, float | None]:
    """The 95 % interval for all pairs together, as wide as the widest of `parts` has it; None where
    neither these nor `p` say anything."""
    half_widths = [
        critical_value(means, part.df) * math.sqrt(part.variance / 2)
        for part in parts
        if part.variance
    ]
    if not half_widths and p is None:
        return None, None
    half = max(half_widths, default=0.0)
    low, high = gap - half, gap + half
    if p is not None and p >= LEVEL:  # of an exact test, where values have no spread at all
        low, high = min(low, 0.0), max(high, 0.0)
    return low, high
