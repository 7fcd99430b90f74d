"""The spread of a metric over seeds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """A metric over `n` seeds: mean, and sample standard deviation (n - 1 in the
    denominator; None for one seed)."""

    mean: float
    sd: float | None
    n: int


def over_seeds(values: Sequence[float]) -> Spread:
    """Mean and sample standard deviation. Raises ValueError where there is no value, or one
    is not finite."""
    if not values or not all(map(math.isfinite, values)):
        raise ValueError(f"a spread needs finite values, one at least: {list(values)}")
    # statistics sums exactly: equal values have their own mean and no spread.
    sd = statistics.stdev(values) if len(values) > 1 else None
    return Spread(statistics.mean(map(float, values)), sd, len(values))
