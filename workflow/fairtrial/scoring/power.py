"""What a comparison can tell: the gap that is told with 80 % chance, and how many seeds or test
images it takes to tell a gap.

The verdict's threshold is itself an estimate, for it comes from the observed variances. So it is
drawn: `DRAWS` sets of variances, spread evenly over their distribution and always the same ones,
give as many thresholds by the formulas of the verdict, and the chance that a gap is told is the
mean over them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from fairtrial.scoring.studentised_range import quantile
from fairtrial.scoring.verdict import Gap

Floats = NDArray[np.float64]

CHANCE = 0.8
DRAWS = 2000
MOST = 10_000  # seeds or units, above which the answer is "too many"


@dataclass(frozen=True)
class Noise:
    """Why a gap varies: `seed`, its variance between one seed of each side, and `unit`, that by so
    many `units` of test images (None, 0 or fewer than two units: images are left out). `means`: how
    many configurations are compared. `continued`: seed by seed."""

    seed: float
    unit: float | None
    units: int | None
    means: int
    continued: bool = False


def noise_of(gap: Gap) -> Noise | None:
    """The noise of a gap; None where the seeds' part is unknown (one seed), or there is another
    plan than seeds and images (folds)."""
    if gap.seed_noise is None:
        return None
    continued = gap.compared == "continued"
    return Noise(gap.seed_noise, gap.unit_variance, gap.units, gap.means, continued)


def detectable_gap(
    noise: Noise, seeds: float, units: float | None = None, chance: float = CHANCE
) -> float:
    """The true gap that is told with this chance by so many seeds each (two at least) on so many
    units (`noise.units` where None). Either may be infinite."""
    from scipy.optimize import brentq
    from scipy.special import ndtr

    seeds = max(seeds, 2)  # a side on which the seed changes nothing has a single one
    seed, unit = noise.seed / seeds, _unit_variance(noise, units)
    sd = math.sqrt(seed + unit)
    if not sd:
        return 0.0
    half_widths = _half_widths(noise, seeds, _units(noise, units))

    def missing(gap: float) -> float:
        return chance - float(np.mean(ndtr((gap - half_widths) / sd)))

    most = float(half_widths.max()) + 10 * sd
    found: float = brentq(missing, 0, most, xtol=1e-6 * sd)
    return found


def seeds_needed(noise: Noise, gap: float, units: float | None = None) -> int | None:
    """The least number of seeds each (two at least) with which such a gap is told with 80 % chance;
    None where no number is enough, or the seed changes nothing."""
    if not noise.seed:
        return None
    return _least(lambda seeds: detectable_gap(noise, seeds, units), abs(gap), 2)


def units_needed(noise: Noise, gap: float, seeds: float) -> int | None:
    """The least number of units (two at least) with which such a gap is told with 80 % chance by
    so many seeds each; None where no number is enough, or nothing is known of images."""
    if not noise.unit or noise.units is None:
        return None
    return _least(lambda units: detectable_gap(noise, seeds, units), abs(gap), 2)


def _least(detectable: Callable[[float], float], gap: float, fewest: int) -> int | None:
    """The least number with which `gap` is told; more of them tell smaller gaps."""
    if gap <= detectable(math.inf) or detectable(MOST) > gap:
        return None
    low, high = fewest - 1, fewest
    while detectable(high) > gap:
        low, high = high, min(2 * high, MOST)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if detectable(middle) <= gap else (middle, high)
    return high


def _units(noise: Noise, units: float | None) -> float:
    return float(noise.units or 0) if units is None else units


def _unit_variance(noise: Noise, units: float | None) -> float:
    """The variance by so many units: half of it with twice as many."""
    if not noise.unit or noise.units is None:
        return 0.0
    return noise.unit * noise.units / _units(noise, units)


def _half_widths(noise: Noise, seeds: float, units: float) -> Floats:
    """Half of the intervals that the verdict may give: DRAWS of them."""
    seed, seed_df = _drawn_seed_part(noise, seeds)
    unit = np.zeros(DRAWS)
    if noise.unit and units > 1:
        unit = _unit_variance(noise, units) * _chi_square(units - 1, 3)
    both = seed + unit
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = np.nan_to_num(np.array([seed / both, unit / both]))
        df = 1 / np.nan_to_num(shares[0] ** 2 / seed_df + shares[1] ** 2 / max(units - 1, 1))
    alone = quantile(noise.means, seed_df) * np.sqrt(seed)
    together = quantile(noise.means, df) * np.sqrt(both)
    return np.asarray(np.maximum(alone, together) / math.sqrt(2))


def _drawn_seed_part(noise: Noise, seeds: float) -> tuple[Floats, Floats]:
    """Variances of the gap by so many seeds as the verdict may find them, and their df."""
    if math.isinf(seeds) or not noise.seed:
        return np.zeros(DRAWS), np.full(DRAWS, math.inf)
    df = seeds - 1
    if noise.continued:
        return noise.seed / seeds * _chi_square(df, 0), np.full(DRAWS, df)
    best, other = _chi_square(df, 0), _chi_square(df, 1)
    if noise.means == 2:
        found_df = (best + other) ** 2 / (best**2 + other**2) * df
    else:
        of_rest = (noise.means - 2) * _chi_square(df * (noise.means - 2), 2)
        pooled = (best + other + of_rest) / noise.means
        best, other = np.maximum(best, pooled), np.maximum(other, pooled)
        found_df = np.full(DRAWS, df * noise.means)
    return noise.seed / 2 / seeds * (best + other), found_df


def _chi_square(df: float, number: int) -> Floats:
    """Draws of χ²/df, one in each of DRAWS equally likely ranges. Draws of another `number` are
    independent of these."""
    from scipy.special import gammaincinv

    if math.isinf(df):
        return np.ones(DRAWS)
    return np.asarray(gammaincinv(df / 2, _shuffled(number)) * 2 / df)


@cache
def _shuffled(number: int) -> Floats:
    order = np.random.default_rng(number).permutation(DRAWS)
    return np.asarray((order + 0.5) / DRAWS)
