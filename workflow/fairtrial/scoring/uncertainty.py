"""The spread of a metric over seeds, and whether two configurations can be told apart.

Seeds are independent repeats: seed 0 of one configuration has nothing in common with seed 0
of another, so the two samples are not paired. Test images are the same for all seeds, so
a verdict holds for these images alone; the variance between sets of test images has no part in
it. The best is chosen by the same metrics by which it is then compared, so Holm's
correction is over all pairs: the chance of any false "apart" stays at LEVEL, whichever is
the best. The t test assumes that metrics are normal over seeds, which two or three seeds can
neither show nor refute.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

LEVEL = 0.05  # two-sided

Verdict = Literal["apart", "within the spread", "too few seeds"]


@dataclass(frozen=True, slots=True)
class Spread:
    """A metric over `n` seeds: mean, and sample standard deviation (n - 1 in the
    denominator; None for one seed)."""

    mean: float
    sd: float | None
    n: int


@dataclass(frozen=True, slots=True)
class WelchGap:
    """Two configurations, compared by Welch's t test on their seeds.

    `gap` is mean of best minus mean of other; `spread` is the standard deviation over seeds
    of the two together (the root of the mean variance). Where one of the two has a single seed,
    `spread`, `t`, `df` and the two-sided `p` are None. Where neither has any spread, `t` and `df`
    are None, and `p` is that of the exact permutation test. Of `tests` > 1 tests made together,
    `p` is the corrected one.
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


def tell_apart(best: Sequence[float], other: Sequence[float]) -> WelchGap:
    """Compare a metric of two configurations, a value a seed (at least one each)."""
    return _welch_test(over_seeds(best), over_seeds(other))


def _welch_test(best: Spread, other: Spread) -> WelchGap:
    gap = best.mean - other.mean
    if best.sd is None or other.sd is None:
        return WelchGap(best, other, gap, None, None, None, None, "too few seeds")
    spread = math.sqrt((best.sd**2 + other.sd**2) / 2)
    t, df, p = _welch(gap, best.sd**2 / best.n, other.sd**2 / other.n, best.n, other.n)
    return WelchGap(best, other, gap, spread, t, df, p, _verdict(p))


def tell_apart_from_each(
    best: Sequence[float], others: Sequence[Sequence[float]]
) -> list[WelchGap]:
    """Compare one configuration with each of several, with Holm's correction over all pairs,
    those among the others included, that can be tested: one with a single seed cannot."""
    spreads = [over_seeds(other) for other in others]
    among_others = [_welch_test(one, two).p for one, two in combinations(spreads, 2)]
    return _corrected([tell_apart(best, other) for other in others], among_others)


def tell_folds_apart_from_each(
    best: Sequence[float], others: Sequence[Sequence[float]], folds: int
) -> list[WelchGap]:
    """Compare one configuration with each of several, fold by fold, with Holm's correction over all
    pairs. Each has a value for each of the same folds, in equal order; see `tell_folds_apart`."""
    among_others = [tell_folds_apart(one, two, folds).p for one, two in combinations(others, 2)]
    return _corrected([tell_folds_apart(best, other, folds) for other in others], among_others)


def tell_folds_apart(best: Sequence[float], other: Sequence[float], folds: int) -> WelchGap:
    """Compare two configurations fold by fold (two folds at least): `spread` is the standard
    deviation of the differences. `folds`: of how many folds these are some or all (three at
    least); one is test, one val, the others train.

    Folds share most of their training images, so that an ordinary paired test is far too sure.
    Nadeau, C. and Bengio, Y. (2003): Inference for the generalization error. Machine Learning
    52, 239-281: the variance of the mean of n differences is taken as (1/n + test/train) of that
    of one, where test/train = 1/(folds - 2).
    """
    means, k = (over_seeds(best), over_seeds(other)), len(best)
    if k < 2:
        gap = means[0].mean - means[1].mean
        return WelchGap(*means, gap, None, None, None, None, "too few seeds")
    gaps = over_seeds([a - b for a, b in zip(best, other, strict=True)])
    sd = gaps.sd or 0.0
    if sd == 0:  # of the 2^k ways to put signs before equal gaps, two are as far from zero
        p = 2.0 ** (1 - k) if gaps.mean else 1.0
        return WelchGap(*means, gaps.mean, sd, None, None, p, _verdict(p))
    t = gaps.mean / (sd * math.sqrt(1 / k + 1 / (folds - 2)))
    p = two_sided_p(t, k - 1)
    return WelchGap(*means, gaps.mean, sd, t, k - 1.0, p, _verdict(p))


def _verdict(p: float) -> Verdict:
    return "apart" if p < LEVEL else "within the spread"


def _corrected(gaps: Sequence[WelchGap], among_others: Sequence[float | None]) -> list[WelchGap]:
    """`gaps` with Holm's correction. `among_others`: p of further pairs, which count as tests."""
    tested = [gap.p for gap in gaps if gap.p is not None]
    ps = [*tested, *(p for p in among_others if p is not None)]
    corrected = iter(holm(ps))  # in the order of `ps`: those of `gaps` come first
    result = []
    for gap in gaps:
        if gap.p is None:
            result.append(gap)
        else:
            p = next(corrected)
            result.append(replace(gap, p=p, verdict=_verdict(p), tests=len(ps)))
    return result


def holm(ps: Sequence[float]) -> list[float]:
    """p values of several tests, so corrected that the chance of one false "apart" or more among
    them all stays at the level, whatever their dependence.

    Holm, S. (1979): A simple sequentially rejective multiple test procedure. Scandinavian
    Journal of Statistics 6, 65-70. The smallest p is multiplied by the number of tests, the next
    by one less, and so on; none may fall below one before it.
    """
    corrected, highest = [0.0] * len(ps), 0.0
    by_size = sorted(range(len(ps)), key=ps.__getitem__)
    for smaller, number in enumerate(by_size):  # number of smaller p; place in `ps`
        highest = max(highest, min(1.0, (len(ps) - smaller) * ps[number]))
        corrected[number] = highest
    return corrected


def least_gap(sd: float, seeds: int) -> float:
    """The gap of two means of so many seeds each (two at least), with standard deviation `sd` each,
    from which on a t test tells them apart: smaller ones are within the spread."""
    from scipy.special import stdtrit

    critical_t = float(stdtrit(2 * (seeds - 1), 1 - LEVEL / 2))
    return critical_t * sd * math.sqrt(2 / seeds)


def _welch(
    gap: float, v1: float, v2: float, n1: int, n2: int
) -> tuple[float | None, float | None, float]:
    """t, degrees of freedom, two-sided p; v1 and v2 are the variances of the two means."""
    both = v1 + v2
    if both == 0:  # of all ways to deal the values to two groups, two are as far apart
        return None, None, min(1.0, 2 / math.comb(n1 + n2, n1)) if gap else 1.0
    t = gap / math.sqrt(both)
    df = both**2 / (v1**2 / (n1 - 1) + v2**2 / (n2 - 1))
    return t, df, two_sided_p(t, df)


def two_sided_p(t: float, df: float) -> float:
    """The chance of |T| ≥ |t| under Student's t with `df` ≥ 1 degrees of freedom."""
    from scipy.special import stdtr

    return float(2 * stdtr(df, -abs(t)))
