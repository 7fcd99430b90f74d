"""How far the best configuration lies above each of the others, and whether that would hold for
other seeds and other test images.

A gap varies for two reasons. Another seed gives another model: that part of its variance comes
from the spread over seeds. Other test images give other metrics for the same models: that part
comes from a bootstrap of the independent units of test, images or whole groups. Both are added,
each with its degrees of freedom (Satterthwaite's formula), and the gap is measured against the
studentised range of all configurations (Tukey), because the best is chosen by looking at them:
the chance of any false "apart" among all pairs is 5 %, whichever is the best.

Tukey, J. W. (1949): Comparing individual means in the analysis of variance. Biometrics 5, 99-114.
docs/verdict.md says what was measured, and what was rejected.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from fairtrial.scoring.studentised_range import LEVEL
from fairtrial.scoring.variance_parts import (
    Part,
    Sample,
    added,
    dealt_p,
    differences,
    gap_interval,
    p_value,
    pooled,
    signs_p,
    unit_part,
    variance,
)

__all__ = ["Compared", "Gap", "Sample", "gaps_to_best"]

Compared = Literal["seeds", "continued", "identical", "one seed", "folds"]


@dataclass(frozen=True)
class Gap:
    """How far the best configuration lies above another one: mean of best minus mean of other.

    `low`, `high`: the 95 % interval, for all pairs together; None where there is nothing to base
    it on. `p`: the chance of such a gap between equal configurations, for all pairs together and
    never below `p_seeds`, that of the seeds alone; None where there is no verdict.
    `seed_variance` and `unit_variance`: the two parts of the gap's variance, with `seed_df` and
    `units` - 1 degrees of freedom, and `df` those of both together; None where they are unknown.
    `seed_noise`: the variance of the gap between one seed of each: plans of more seeds need it.
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
    seed_noise: float | None = None
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

    A configuration with one seed gets no verdict, and has no part in those of the others.
    """
    comparable = sorted(name for name, s in samples.items() if s.count > 1 or name in identical)
    one_seed = pooled([samples[name] for name in comparable])
    gaps = {}
    for name, other in samples.items():
        if name == best:
            continue
        fixed = [one in identical for one in (best, name)]
        pair = _Pair(samples[best], other, _comparison(samples[best], other, fixed))
        if name in continued and pair.compared == "seeds" and pair.same_seeds:
            pair = replace(pair, compared="continued")
        means = len(samples) if pair.compared == "one seed" else len(comparable)
        seeds = _seed_part(pair, fixed, one_seed, means)
        noise = _seed_noise(pair, fixed, one_seed)
        images = _unit_part(pair, units)
        gaps[name] = replace(_gap(pair, seeds, images, means), seed_noise=noise)
    return gaps


@dataclass(frozen=True)
class _Pair:
    """The best, another configuration, and how they are compared."""

    best: Sample
    other: Sample
    compared: Compared

    @property
    def gap(self) -> float:
        return self.best.mean - self.other.mean

    @property
    def counts(self) -> tuple[int, int]:
        return self.best.count, self.other.count

    @property
    def same_seeds(self) -> bool:
        return set(self.best.seeds) == set(self.other.seeds)


def _comparison(best: Sample, other: Sample, fixed: Sequence[bool]) -> Compared:
    """`fixed`: on which of the two sides the seed changes nothing."""
    if all(fixed):
        return "identical"
    lone = [s.count < 2 and not still for s, still in zip((best, other), fixed, strict=True)]
    return "one seed" if any(lone) else "seeds"


def _seed_part(pair: _Pair, fixed: Sequence[bool], one_seed: Part, means: int) -> Part | None:
    """The variance of the gap by the seeds. Two configurations: as Welch has it. More: each side's
    variance is that of all pooled (`one_seed`), but never below its own."""
    if pair.compared == "one seed":
        return None
    if pair.compared == "continued":
        by_seed = differences(pair.best, pair.other)
        return Part(variance(by_seed) / len(by_seed), len(by_seed) - 1)
    least = one_seed.variance if means > 2 else 0.0
    sides = [
        Part(max(sample.variance, least) / sample.count, sample.count - 1)
        for sample, still in zip((pair.best, pair.other), fixed, strict=True)
        if not still
    ]
    return replace(added(sides), df=one_seed.df) if means > 2 else added(sides)


def _seed_noise(pair: _Pair, fixed: Sequence[bool], one_seed: Part) -> float | None:
    """The variance of the gap between one seed of each; None where it is unknown."""
    if pair.compared == "one seed":
        return None
    if pair.compared == "continued":
        return variance(differences(pair.best, pair.other))
    return one_seed.variance * (len(fixed) - sum(fixed))


def _unit_part(pair: _Pair, units: int | None) -> Part | None:
    """The variance of the gap by the images; None where it is unknown."""
    if pair.best.resampled is None or pair.other.resampled is None:
        return None
    return unit_part(pair.best.resampled - pair.other.resampled, units)


def _gap(pair: _Pair, seeds: Part | None, units: Part | None, means: int) -> Gap:
    both = added([part for part in (seeds, units) if part])
    p_seeds = _seed_p(pair, seeds, means)
    p = None if pair.compared == "one seed" else _p_of_both(pair.gap, both, units, p_seeds, means)
    parts = [both, seeds] if seeds and units else [both]
    low, high = gap_interval(pair.gap, parts, p, means)
    return Gap(
        pair.gap,
        low,
        high,
        p,
        p_seeds,
        df=both.df if both.variance else None,
        seed_variance=seeds.variance if seeds else None,
        unit_variance=units.variance if units else None,
        compared=pair.compared,
        counts=pair.counts,
        means=means,
        seed_df=seeds.df if seeds and pair.compared != "identical" else None,
        units=int(units.df) + 1 if units else None,
    )


def _seed_p(pair: _Pair, seeds: Part | None, means: int) -> float | None:
    """The p of the seeds alone; None where they have no say."""
    if seeds is None or pair.compared == "identical":
        return None
    if seeds.variance:
        return p_value(pair.gap, seeds, means)
    if pair.compared == "continued":
        return signs_p(pair.gap, pair.counts[0], means)
    return dealt_p(pair.gap, pair.counts, means)


def _p_of_both(
    gap: float, both: Part, units: Part | None, p_seeds: float | None, means: int
) -> float | None:
    """The p of seeds and images together, never below that of the seeds alone; None where neither
    has a say."""
    if units is None or not both.variance:
        return p_seeds
    return max(p_value(gap, both, means), p_seeds or 0.0)
