"""Mean and spread over seeds, and whether two configurations can be told apart."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEVEL = 0.05


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation (None for one value) of `n` seeds."""

    mean: float
    sd: float | None
    n: int


@dataclass(frozen=True)
class Gap:
    """`gap`: mean of the first minus mean of the second; `p` by Welch's t test, None where
    one of them has a single seed."""

    gap: float
    p: float | None

    @property
    def apart(self) -> bool:
        """Whether the gap is more than the spread over seeds explains."""
        return self.p is not None and self.p < LEVEL


def over_seeds(values: Sequence[float]) -> Spread:
    """Summary of one figure; needs at least one value."""
    sd = statistics.stdev(values) if len(values) > 1 else None
    return Spread(statistics.fmean(values), sd, len(values))


def tell_apart(one: Sequence[float], two: Sequence[float]) -> Gap:
    """Compare a figure of two configurations, a value a seed, at least one each."""
    a, b = over_seeds(one), over_seeds(two)
    gap = a.mean - b.mean
    if a.sd is None or b.sd is None:
        return Gap(gap, None)
    va, vb = a.sd**2 / a.n, b.sd**2 / b.n
    if va + vb == 0:
        return Gap(gap, 0.0 if gap else 1.0)
    freedom = (va + vb) ** 2 / (va**2 / (a.n - 1) + vb**2 / (b.n - 1))
    return Gap(gap, _two_sided(gap / math.sqrt(va + vb), freedom))


def _two_sided(t: float, freedom: float) -> float:
    """P(|T| ≥ |t|) of Student's t. With t = √df·tan θ its density is cos^(df-1) θ."""
    angles = np.linspace(0, math.pi / 2, 20001)
    density = np.cos(angles).clip(0) ** (freedom - 1)
    inside = angles <= math.atan(abs(t) / math.sqrt(freedom))
    return float(1 - density[inside].sum() / density.sum())
