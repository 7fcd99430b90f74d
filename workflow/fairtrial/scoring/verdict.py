"""How far the best configuration lies above each of the others, and whether that would hold for
other seeds and other test images.

A gap varies for two reasons. Another seed gives another model: that part of its variance comes
from the spread over seeds. Other test images give other metrics for the same models: that part
comes from a bootstrap of the independent units of test, images or whole groups. Both are added,
each with its degrees of freedom (Satterthwaite's formula), and the gap is measured against the
studentised range of all configurations (Tukey), because the best is chosen by looking at them:
the chance of any false "apart" among all pairs is 5 %, whichever is the best.

Tukey, J. W. (1949): Comparing individual means in the analysis of variance. Biometrics 5, 99-114.
Satterthwaite, F. E. (1946): An approximate distribution of estimates of variance components.
Biometrics Bulletin 2, 110-114. docs/verdict.md says what was measured, and what was rejected.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fairtrial.scoring.studentised_range import LEVEL, quantile, tail

Compared = Literal["seeds", "continued", "identical", "one seed", "folds"]
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

    @property
    def mean(self) -> float:
        """The mean over seeds."""
        return statistics.mean(map(float, self.scores))

    @property
    def variance(self) -> float:
        """The variance of one seed (n - 1 in the denominator); 0 for a single one."""
        # statistics sums exactly: equal values have no variance
        return statistics.variance(map(float, self.scores)) if self.count > 1 else 0.0


@dataclass(frozen=True)
class Part:
    """One part of the variance of an estimate, with its degrees of freedom."""

    variance: float
    df: float


@dataclass(frozen=True)
class Gap:
    """How far the best configuration lies above another one: mean of best minus mean of other.

    `low`, `high`: the 95 % interval, for all pairs together; None where there is nothing to base
    it on. `p`: the chance of such a gap between equal configurations, for all pairs together and
    never below `p_seeds`, that of the seeds alone; None where there is no verdict.
    `seed_variance` and `unit_variance`: the two parts of the gap's variance, with `seed_df` and
    `units` - 1 degrees of freedom, and `df` those of both together; None where they are unknown.
    `counts`: how many seeds of the best and of the other (or folds of both) were compared.
    `means`: how many configurations were compared with each other.

    `compared`: "seeds" independent of each other, "continued" ones, seed by seed; "identical":
    the seed changes nothing on either side, and images alone vary; "folds"; "one seed": at least
    one side has a single seed, and the interval is that of these trained models on other images.
    """

    gap: float
    low: float | None
    high: float | None
    p: float | None
    p_seeds: float | None
    df: float | None
    seed_variance: float | None
    unit_variance: float | None
    compared: Compared
    counts: tuple[int, int]
    means: int
    seed_df: float | None = None
    units: int | None = None

    @property
    def apart(self) -> bool:
        """Whether the two are told apart."""
        return self.p is not None and self.p < LEVEL

    @property
    def seeds_apart(self) -> bool:
        """Whether the seeds alone would tell them apart, on these very images."""
        return self.p_seeds is not None and self.p_seeds < LEVEL

    @property
    def seed_share(self) -> float | None:
        """The share of the seeds in the variance; None where one part is unknown, or both are 0."""
        if self.seed_variance is None or self.unit_variance is None:
            return None
        both = self.seed_variance + self.unit_variance
        return self.seed_variance / both if both else None

    @property
    def limited_by(self) -> Literal["seeds", "units"] | None:
        """Of which there should be more to narrow the interval most; None where it is unknown."""
        if self.seed_share is None:
            return None
        return "seeds" if self.seed_share >= 0.5 else "units"


def gaps_to_best(
    samples: Mapping[str, Sample],
    best: str,
    *,
    units: int | None,
    continued: Collection[str] = (),
    identical: Collection[str] = (),
) -> dict[str, Gap]:
    """The gap from the best to each of the other configurations.

    `units`: the independent units of the images that were resampled. `continued`: names whose
    every run continues the same seed of the best, or the other way round. `identical`: names,
    `best` among them, whose several seeds all gave equal predictions.
    """
    comparable = {name for name, s in samples.items() if s.count > 1 or name in identical}
    pooled = _pooled([samples[name] for name in sorted(comparable)])
    gaps = {}
    for name, other in samples.items():
        if name == best:
            continue
        pair = (samples[best], other)
        fixed = (best in identical, name in identical)
        compared = _comparison(pair, fixed, name in continued)
        if compared == "one seed":
            means, seeds = len(samples), None
        else:
            means = len(comparable)
            seeds = _seed_part(pair, fixed, compared, pooled if means > 2 else None)
        gaps[name] = _gap(pair, compared, seeds, _unit_part(pair, units), means)
    return gaps


Pair = tuple[Sample, Sample]


def _comparison(pair: Pair, fixed: tuple[bool, bool], continued: bool) -> Compared:
    if all(fixed):
        return "identical"
    if any(sample.count < 2 and not still for sample, still in zip(pair, fixed, strict=True)):
        return "one seed"
    return "continued" if continued and set(pair[0].seeds) == set(pair[1].seeds) else "seeds"


def _pooled(samples: Sequence[Sample]) -> Part:
    """The variance of one seed, over all configurations."""
    df = sum(sample.count - 1 for sample in samples)
    total = sum((sample.count - 1) * sample.variance for sample in samples)
    return Part(total / df if df else 0.0, df)


def _seed_part(
    pair: Pair, fixed: tuple[bool, bool], compared: Compared, pooled: Part | None
) -> Part:
    """The variance of the gap by the seeds. Two configurations: as Welch has it. More: each side's
    variance is that of all pooled, but never below its own. `fixed`: sides on which the seed
    changes nothing."""
    if compared == "continued":
        differences = _differences(*pair)
        return Part(statistics.variance(differences) / len(differences), len(differences) - 1)
    sides = [
        Part(max(sample.variance, pooled.variance if pooled else 0.0) / sample.count,
             sample.count - 1)
        for sample, still in zip(pair, fixed, strict=True)
        if not still
    ]  # fmt: skip
    if pooled:
        return Part(sum(side.variance for side in sides), pooled.df)
    return added(sides)


def _differences(best: Sample, other: Sample) -> list[float]:
    """Best minus other, seed by seed."""
    of_other = dict(zip(other.seeds, other.scores, strict=True))
    return [
        float(score - of_other[seed])
        for seed, score in zip(best.seeds, best.scores, strict=True)
        if seed in of_other
    ]


def _unit_part(pair: Pair, units: int | None) -> Part | None:
    """The variance of the gap by the images; None where it is unknown."""
    of_best, of_other = (sample.resampled for sample in pair)
    if of_best is None or of_other is None:
        return None
    return unit_part(of_best - of_other, units)


def unit_part(resampled: NDArray[np.float64], units: int | None) -> Part | None:
    """The variance of a metric, or a difference, by the images, from its resamples; None where
    there are fewer than two independent units, or too few resamples with a value.

    A bootstrap's variance is too small by the factor (units - 1) / units.
    """
    defined = resampled[np.isfinite(resampled)]
    if units is None or units < 2 or len(defined) < max(2, FEWEST_RESAMPLES * len(resampled)):
        return None
    return Part(float(np.var(defined, ddof=1)) * units / (units - 1), units - 1)


def added(parts: Sequence[Part]) -> Part:
    """The variance of a sum of independent parts, and Satterthwaite's degrees of freedom."""
    total = sum(part.variance for part in parts)
    if not total:
        return Part(0.0, sum(part.df for part in parts))
    # in shares of the total: the square of a tiny variance would be 0
    df = 1 / sum((part.variance / total) ** 2 / part.df for part in parts if part.variance)
    return Part(total, df)


def _gap(pair: Pair, compared: Compared, seeds: Part | None, units: Part | None, means: int) -> Gap:
    best, other = pair
    gap = best.mean - other.mean
    both = added([part for part in (seeds, units) if part])
    counts = (best.count, other.count)
    p_seeds = _seed_p(gap, compared, seeds, counts, means)
    p = None if compared == "one seed" else _p_of_both(gap, both, units, p_seeds, means)
    low, high = interval_of_gap(gap, both, seeds, p, means)
    seeds_count = seeds is not None and compared != "identical"
    return Gap(
        gap, low, high, p, p_seeds,
        df=both.df if both.variance else None,
        seed_variance=seeds.variance if seeds else None,
        unit_variance=units.variance if units else None,
        compared=compared, counts=counts, means=means,
        seed_df=seeds.df if seeds and seeds_count else None,
        units=int(units.df) + 1 if units else None,
    )  # fmt: skip


def _seed_p(
    gap: float, compared: Compared, seeds: Part | None, counts: tuple[int, int], means: int
) -> float | None:
    """The p of the seeds alone; None where they have no say."""
    if seeds is None or compared == "identical":
        return None
    if seeds.variance:
        return p_value(gap, seeds, means)
    if compared == "continued":
        return signs_p(gap, counts[0], means)
    return min(1.0, 2 / math.comb(sum(counts), counts[0]) * math.comb(means, 2)) if gap else 1.0


def signs_p(gap: float, pairs: int, means: int) -> float:
    """The exact p of equal differences: of the 2^n ways to put signs before them, two are as far
    from zero; times the number of pairs of configurations."""
    return min(1.0, 2.0 ** (1 - pairs) * math.comb(means, 2)) if gap else 1.0


def _p_of_both(
    gap: float, both: Part, units: Part | None, p_seeds: float | None, means: int
) -> float | None:
    """The p of seeds and images together, never below that of the seeds alone."""
    if p_seeds is None and units is None:
        return None
    if not both.variance:
        return p_seeds if p_seeds is not None else None
    return max(p_value(gap, both, means), p_seeds or 0.0)


def p_value(gap: float, part: Part, means: int) -> float:
    """The chance of such a gap between equal configurations, for all pairs together."""
    return float(tail(math.sqrt(2) * abs(gap) / math.sqrt(part.variance), means, part.df))


def interval_of_gap(
    gap: float, both: Part, seeds: Part | None, p: float | None, means: int
) -> tuple[float | None, float | None]:
    """The 95 % interval for all pairs together, never narrower than that of the seeds alone."""
    parts = [part for part in (both, seeds) if part and part.variance]
    if not parts and p is None:
        return None, None
    half = max((_half_width(part, means) for part in parts), default=0.0)
    low, high = gap - half, gap + half
    if p is not None and p >= LEVEL:  # by an exact test, where values have no spread at all
        low, high = min(low, 0.0), max(high, 0.0)
    return low, high


def _half_width(part: Part, means: int) -> float:
    return float(quantile(means, part.df)) * math.sqrt(part.variance / 2)
