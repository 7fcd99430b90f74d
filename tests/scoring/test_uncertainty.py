from __future__ import annotations

import math

import pytest

from fairtrial.scoring.uncertainty import over_seeds
from tests.facts import refused


def test_sd_is_of_the_sample_not_of_the_population() -> None:
    spread = over_seeds([0.5, 0.6, 0.7])
    assert (spread.mean, spread.sd, spread.n) == (pytest.approx(0.6), pytest.approx(0.1), 3)


def test_one_seed_has_no_sd() -> None:
    assert over_seeds([0.5]).sd is None


def test_equal_values_have_no_spread_even_where_their_float_sum_is_inexact() -> None:
    spread = over_seeds([0.1] * 3)
    assert (spread.mean, spread.sd) == (0.1, 0.0)


@pytest.mark.parametrize(
    "values", [[], [0.5, math.nan], [math.inf]], ids=["no value", "NaN", "infinity"]
)
def test_values_without_a_spread_are_refused(values: list[float]) -> None:
    with refused(ValueError, "finite", str(values)):
        over_seeds(values)
