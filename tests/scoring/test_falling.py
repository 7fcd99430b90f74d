"""A metric that falls with the epochs is told from the noise of epochs and seeds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from fairtrial.scoring.falling import ERROR, fall

CURVES = 400  # simulated


def risen(epochs: int) -> NDArray[np.float64]:
    """A curve that rises and stays."""
    return 0.6 * (1 - np.exp(-np.arange(epochs) / 4))


def simulated(
    epochs: int, seeds: int, noise: float, drop: float, random: np.random.Generator
) -> list[list[float]]:
    """A curve a seed, each with a level of its own, and noise from epoch to epoch; it loses `drop`
    between its middle and its end."""
    late = np.clip((np.arange(epochs) - epochs / 2) / (epochs / 2), 0, 1)
    levels = 0.03 * random.standard_normal((seeds, 1))
    scatter = noise * random.standard_normal((seeds, epochs))
    curves: list[list[float]] = (risen(epochs) - drop * late + levels + scatter).tolist()
    return curves


@pytest.mark.parametrize("seeds", [1, 2, 3, 5])
@pytest.mark.parametrize("epochs", [12, 30, 100])
def test_curves_that_stay_are_called_falling_as_rarely_as_is_said(epochs: int, seeds: int) -> None:
    random = np.random.default_rng([epochs, seeds])
    called = [fall(simulated(epochs, seeds, 0.05, 0.0, random)) for _ in range(CURVES)]
    share = sum(found is not None for found in called) / CURVES
    error = 2 * ERROR  # with many seeds somewhat more than one of a hundred
    assert share <= error + 3 * math.sqrt(error * (1 - error) / CURVES)


@pytest.mark.parametrize("seeds", [1, 2, 3, 5])
def test_a_fall_beyond_the_noise_is_called_and_placed(seeds: int) -> None:
    random = np.random.default_rng(seeds)
    called = [fall(simulated(40, seeds, 0.02, 0.2, random)) for _ in range(100)]
    found = [each for each in called if each is not None]
    assert len(found) >= 95
    assert np.median([each.epoch for each in found]) == pytest.approx(20, abs=4)
    assert np.mean([each.peak for each in found]) == pytest.approx(0.59, abs=0.03)
    assert np.mean([each.end for each in found]) == pytest.approx(0.41, abs=0.03)
    assert {each.curves for each in found} == {seeds}


def test_the_naive_rule_would_call_noise() -> None:
    """Which is why the peak is not measured where it was found."""
    random = np.random.default_rng(0)
    curves = [simulated(30, 3, 0.05, 0.0, random) for _ in range(50)]
    naive = [np.mean([max(c) - np.mean(c[-3:]) for c in each]) for each in curves]
    assert min(naive) > 0.02
    assert sum(fall(each) is not None for each in curves) <= 4


@pytest.mark.parametrize(
    "curves",
    [
        [],
        [[]],
        [[0.9] * 5 + [0.1] * 6],
        [[0.5, *[0.4] * 30, math.nan]],
        [list(np.linspace(0.1, 0.9, 40))],
        [list(np.linspace(0.505, 0.5, 40))] * 3,
    ],
    ids=["no curve", "no epoch", "too short", "a missing value", "it rises", "by half a hundredth"],
)
def test_nothing_is_said_of(curves: list[list[float]]) -> None:
    assert fall(curves) is None


def test_equal_seeds_that_fall_do_fall() -> None:
    found = fall([[*np.linspace(0, 0.6, 10), *np.linspace(0.6, 0.3, 20)]] * 2)
    assert found is not None
    assert (found.curves, round(found.end, 2)) == (2, 0.32)


def test_of_seeds_that_stopped_early_the_common_epochs_count() -> None:
    short = [*[0.5] * 10, *[0.3] * 10]
    found = fall([short, [*short, *[0.9] * 20]])
    assert found is not None
    assert found.end == pytest.approx(0.3)
