"""What a range test concludes from losses whose best rate is known."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest

from fairtrial.training.lr_range import RangeResult, RangeTest, diverges, rising

LOW, HIGH, STEPS = 1e-6, 1.0, 100


def concluded(loss_at: Callable[[float], float], noise: float = 0.0) -> RangeResult:
    """The result of a test in which `loss_at(rate)` is the loss, with some noise."""
    random = np.random.default_rng(0)
    test = RangeTest(rising(LOW, HIGH, STEPS))
    with test.to_its_end():
        while True:
            test.note(loss_at(test.rate) * (1 + noise * random.standard_normal()))
    return test.result


def valley(rate: float) -> float:
    """Flat at first, lowest at 1e-2, then up steeply."""
    place = math.log10(rate) + 2
    return 1 + (min(3.0, -place) if place < 0 else 40 * place**2)


def test_rates_rise_by_one_factor() -> None:
    rates = rising(LOW, HIGH, STEPS)
    assert (rates[0], rates[-1], len(rates)) == (LOW, pytest.approx(HIGH), STEPS)
    factors = [after / before for before, after in itertools.pairwise(rates)]
    assert factors == pytest.approx([factors[0]] * (STEPS - 1))


@pytest.mark.parametrize("noise", [0.0, 0.05], ids=["smooth", "noisy"])
def test_the_proposal_is_a_decade_below_the_valley_or_less(noise: float) -> None:
    result = concluded(valley, noise)
    assert result.diverged
    assert len(result.rates) < STEPS
    assert result.rates[result.lowest] == pytest.approx(1e-2, rel=1.0)
    assert result.proposal is not None
    assert 1e-5 < result.proposal <= 2e-3
    assert result.proposal <= result.rates[result.lowest] / 10 * 1.05
    assert result.steepest is not None
    assert result.proposal <= result.rates[result.steepest] * 1.05


def test_the_steepest_fall_counts_where_it_comes_first() -> None:
    """A loss that falls at 1e-4, creeps on, and rises from 0.1 on."""

    def early(rate: float) -> float:
        return 1 + 3 / (1 + (rate / 1e-4) ** 2) - 0.02 * math.log10(rate / LOW) + 9 * rate**3

    result = concluded(early)
    assert result.rates[result.lowest] / 10 > 1e-3
    assert result.proposal == pytest.approx(1.5e-4, rel=0.6)


@pytest.mark.parametrize(
    ("loss_at", "fact"),
    [
        (lambda rate: 1 + rate, "begin with a lower one"),
        (lambda rate: 5 - math.log10(rate / LOW) / 2, "end with a higher one"),
        (lambda rate: 1.0, "begin with a lower one"),
    ],
    ids=["it rises", "it falls", "it stays"],
)
def test_without_a_valley_nothing_is_proposed(loss_at: Callable[[float], float], fact: str) -> None:
    result = concluded(loss_at)
    assert result.proposal is None
    assert fact in result.problem
    assert len(result.rates) == STEPS


def test_a_loss_that_is_no_number_ends_it() -> None:
    result = concluded(lambda rate: valley(rate) if rate < 1e-3 else math.nan)
    assert result.diverged
    assert math.isnan(result.losses[-1])
    assert result.rates[-1] == pytest.approx(1e-3, rel=0.2)
    assert len(result.smoothed) == len(result.losses) - 1


def test_the_first_losses_end_nothing() -> None:
    assert not diverges([0.1, 5.0])
    assert diverges([1.0] * 20 + [100.0])


def test_a_training_that_ends_before_the_test_is_an_error() -> None:
    with pytest.raises(AssertionError), RangeTest((1.0, 2.0)).to_its_end():
        pass
