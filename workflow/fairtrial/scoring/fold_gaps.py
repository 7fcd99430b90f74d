"""How far the best configuration lies above each of the others over the folds of a
cross-validation.

Folds share most of their training images, so that an ordinary paired test is far too sure.
Nadeau, C. and Bengio, Y. (2003): Inference for the generalization error. Machine Learning
52, 239-281: the variance of the mean of k differences is taken as (1/k + test/train) of that
of one. Here one fold is test, one val, and the others train: test/train = 1/(folds - 2). Each
fold tests other images, so that the verdict holds for new images already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fairtrial.scoring.variance_parts import Part, Sample, gap_interval, p_value, signs_p
from fairtrial.scoring.verdict import Gap


def fold_gaps(samples: Mapping[str, Sample], best: str, *, folds: int) -> dict[str, Gap]:
    """The gap from the best to each of the others, over the folds in which all have a value.

    `seeds` of a sample are the numbers of its folds; `folds`: of how many these are some or all
    (three at least). A configuration with fewer than two folds in common with the best gets no
    verdict, and does not narrow those of the others. Three or more configurations share one
    variance, that of the residuals of configuration × fold.
    """
    if folds < 3:
        raise ValueError(f"folds that test, select and train are three at least: {folds}")
    compared = _comparable(samples, best)
    common = sorted(set.intersection(*(set(samples[name].seeds) for name in compared)))
    if len(common) < 2 or len(compared) < 2:
        return {name: _untold(samples[best], samples[name]) for name in samples if name != best}
    table = np.array([_scores(samples[name], common) for name in compared])
    part = _residuals(table, folds)
    gaps = {}
    for name, other in samples.items():
        if name in compared[1:]:
            gap = float(np.mean(table[0] - table[compared.index(name)]))
            gaps[name] = _told(gap, part, len(common), len(compared))
        elif name != best:
            gaps[name] = _untold(samples[best], other)
    return gaps


def _comparable(samples: Mapping[str, Sample], best: str) -> list[str]:
    """The best, and the others with two folds or more in common with it."""
    of_best = set(samples[best].seeds)
    others = [name for name in samples if name != best]
    return [best, *(name for name in others if len(of_best & set(samples[name].seeds)) > 1)]


def _scores(sample: Sample, folds: Sequence[int]) -> list[float]:
    scores = dict(zip(sample.seeds, sample.scores, strict=True))
    return [scores[fold] for fold in folds]


def _residuals(table: NDArray[np.float64], folds: int) -> Part:
    """The variance of the gap of any two rows, from what neither the configuration (row) nor the
    fold (column) explains."""
    means, k = table.shape
    rest = table - table.mean(1, keepdims=True) - table.mean(0) + table.mean()
    df = (means - 1) * (k - 1)
    squares = float((rest**2).sum())
    if squares < 1e-24 * float((table**2).sum()):  # of rounding alone
        squares = 0.0
    return Part(2 * squares / df * (1 / k + 1 / (folds - 2)), df)


def _told(gap: float, part: Part, k: int, means: int) -> Gap:
    p = p_value(gap, part, means) if part.variance else signs_p(gap, k, means)
    low, high = gap_interval(gap, [part], p, means)
    df = part.df if part.variance else None
    return Gap(
        gap, low, high, p, p, df, part.variance, None, "folds", (k, k), means, seed_df=part.df
    )


def _untold(best: Sample, other: Sample) -> Gap:
    gap = best.mean - other.mean
    return Gap(gap, None, None, None, None, None, None, None, "folds", (best.count, other.count), 2)
