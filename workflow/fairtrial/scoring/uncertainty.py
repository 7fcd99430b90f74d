"""The spread of a figure over seeds, and whether two configurations can be told apart.

Seeds are independent repeats: seed 0 of one configuration has nothing in common with seed 0
of another, so the two samples are not paired. Test images are the same for all seeds, so
what is said here holds for these images; how another set of images would fall out is not
in it. The best is compared with the others after one has seen which one it is, so Holm's
correction is over all pairs: the chance of any false "apart" stays at LEVEL, whichever was
chosen. The t test takes figures of seeds as normal, which two or three of them can neither show
nor refute.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations
from typing import Any, Literal

import numpy as np

LEVEL = 0.05  # two-sided

Verdict = Literal["apart", "within the spread", "too few seeds"]


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over `n` seeds: mean, and sample standard deviation (n - 1 in the
    denominator; None for one seed)."""

    mean: float
    sd: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Two configurations, compared by Welch's t test on their seeds.

    `gap` is mean of best minus mean of other; `spread` is the standard deviation over seeds
    of the two together (the root of the mean variance; None with one seed on either side).
    `t`, `df` and the two-sided `p` are None with one seed on a side. Where neither side has any
    spread, `t` and `df` are None, and `p` is that of the exact permutation test. Of `tests` > 1
    tests made together, `p` is the corrected one.
    """

    best: Spread
    other: Spread
    gap: float
    spread: float | None
    t: float | None
    df: float | None
    p: float | None
    verdict: Verdict
    tests: int = 1

    @property
    def apart(self) -> bool:
        """Whether the gap is more than the spread over seeds explains."""
        return self.verdict == "apart"


def over_seeds(values: Sequence[float]) -> Spread:
    """Mean and sample standard deviation. Raises ValueError where there is no value, or one
    is not finite."""
    if not values or not all(map(math.isfinite, values)):
        raise ValueError(f"a spread needs finite values, one at least: {list(values)}")
    # statistics sums exactly: equal values have their own mean and no spread.
    sd = statistics.stdev(values) if len(values) > 1 else None
    return Spread(statistics.mean(map(float, values)), sd, len(values))


def tell_apart(best: Sequence[float], other: Sequence[float]) -> Gap:
    """Compare a figure of two configurations, a value a seed (at least one each)."""
    return _compare(over_seeds(best), over_seeds(other))


def _compare(one: Spread, two: Spread) -> Gap:
    gap = one.mean - two.mean
    if one.sd is None or two.sd is None:
        return Gap(one, two, gap, None, None, None, None, "too few seeds")
    spread = math.sqrt((one.sd**2 + two.sd**2) / 2)
    t, df, p = _welch(gap, one.sd**2 / one.n, two.sd**2 / two.n, one.n, two.n)
    return Gap(one, two, gap, spread, t, df, p, _verdict(p))


def tell_apart_from_each(best: Sequence[float], others: Sequence[Sequence[float]]) -> list[Gap]:
    """Compare one configuration with each of several, with Holm's correction over all pairs of
    them all that can be tested: one with a single seed cannot."""
    spreads = [over_seeds(other) for other in others]
    among = [_compare(one, two).p for one, two in combinations(spreads, 2)]
    return _corrected([tell_apart(best, other) for other in others], among)


def tell_folds_apart_from_each(
    best: Sequence[float], others: Sequence[Sequence[float]], folds: int
) -> list[Gap]:
    """The same for figures of the folds of one data set, in equal order."""
    among = [tell_folds_apart(one, two, folds).p for one, two in combinations(others, 2)]
    return _corrected([tell_folds_apart(best, other, folds) for other in others], among)


def tell_folds_apart(best: Sequence[float], other: Sequence[float], folds: int) -> Gap:
    """Compare two configurations fold by fold (two folds at least): `spread` is the standard
    deviation of the differences. `folds`: of how many folds these are some or all (three at
    least); one is test, one val, the others train.

    Folds share most of their training images, so that an ordinary paired test is far too sure.
    Nadeau, C. and Bengio, Y. (2003): Inference for the generalization error. Machine Learning
    52, 239-281: the variance of the mean of n differences is taken as (1/n + test/train) of that
    of one, where test/train = 1/(folds - 2).
    """
    one, two, k = over_seeds(best), over_seeds(other), len(best)
    if k < 2:
        return Gap(one, two, one.mean - two.mean, None, None, None, None, "too few seeds")
    gaps = over_seeds([a - b for a, b in zip(best, other, strict=True)])
    sd = gaps.sd or 0.0
    if sd == 0:  # of the 2^k ways to put signs before equal gaps, two are as far from zero
        p = 2.0 ** (1 - k) if gaps.mean else 1.0
        return Gap(one, two, gaps.mean, sd, None, None, p, _verdict(p))
    t = gaps.mean / (sd * math.sqrt(1 / k + 1 / (folds - 2)))
    p = two_sided_p(t, k - 1)
    return Gap(one, two, gaps.mean, sd, t, k - 1.0, p, _verdict(p))


def _verdict(p: float) -> Verdict:
    return "apart" if p < LEVEL else "within the spread"


def _corrected(found: list[Gap], among: Sequence[float | None]) -> list[Gap]:
    """`among`: p of the other pairs, which count as tests but are not shown."""
    tested = [number for number, each in enumerate(found) if each.p is not None]
    ps = [p for p in [*(each.p for each in found), *among] if p is not None]
    for number, p in zip(tested, holm(ps), strict=False):  # those of `found` come first
        found[number] = replace(found[number], p=p, verdict=_verdict(p), tests=len(ps))
    return found


def holm(ps: Sequence[float]) -> list[float]:
    """p values of several tests, so corrected that the chance of one false "apart" or more among
    them all stays at the level, whatever their dependence.

    Holm, S. (1979): A simple sequentially rejective multiple test procedure. Scandinavian
    Journal of Statistics 6, 65-70. The smallest p is multiplied by the number of tests, the next
    by one less, and so on; none may fall below one before it.
    """
    corrected, highest = [0.0] * len(ps), 0.0
    for place, number in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        highest = max(highest, min(1.0, (len(ps) - place) * ps[number]))
        corrected[number] = highest
    return corrected


def least_gap(sd: float, seeds: int) -> float:
    """The gap of two means of so many seeds each (two at least), with this spread each, from
    which on a t test tells them apart: smaller ones are within the spread."""
    df = 2 * (seeds - 1)
    low, high = 0.0, 100.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (middle, high) if two_sided_p(middle, df) > LEVEL else (low, middle)
    return high * sd * math.sqrt(2 / seeds)


def _welch(
    gap: float, v1: float, v2: float, n1: int, n2: int
) -> tuple[float | None, float | None, float]:
    """t, degrees of freedom, two-sided p; v1 and v2 are the variances of the two means."""
    both = v1 + v2
    if both == 0:  # of all ways to deal the values to the two sides, two are as far apart
        return None, None, min(1.0, 2 / math.comb(n1 + n2, n1)) if gap else 1.0
    t = gap / math.sqrt(both)
    df = both**2 / (v1**2 / (n1 - 1) + v2**2 / (n2 - 1))
    return t, df, two_sided_p(t, df)


@cache
def _nodes() -> tuple[Any, Any]:
    """Of Gauss and Legendre's rule; to find them takes longer than all else here."""
    return np.polynomial.legendre.leggauss(200)


def two_sided_p(t: float, df: float) -> float:
    """The chance of |T| ≥ |t| under Student's t with `df` ≥ 1 degrees of freedom, to 1e-9.

    With t = √df·tan θ the density is cos^(df-1) θ, smooth up to |t|: integrated by Gauss and
    Legendre's rule. (This is all that scipy would be needed for.)
    """
    end = math.atan(abs(t) / math.sqrt(df))
    nodes, weights = _nodes()
    inside = float(weights @ np.cos((nodes + 1) * end / 2) ** (df - 1)) * end / 2
    half = math.exp(math.lgamma(df / 2) - math.lgamma((df + 1) / 2)) * math.sqrt(math.pi) / 2
    return min(1.0, max(0.0, 1 - inside / half))
