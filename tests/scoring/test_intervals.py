import math
import statistics

import numpy as np
import pytest
from scipy import stats

from fairtrial.scoring.intervals import class_interval, interval, unflattered
from fairtrial.scoring.variance_parts import Sample


def sample(*scores, resampled=None, seeds=None):
    return Sample(scores, tuple(seeds or range(len(scores))), resampled)


def resamples(sd):
    values = np.random.default_rng(0).standard_normal(1000)
    return 0.5 + sd * (values - values.mean()) / values.std(ddof=1)


def test_seeds_and_images_on_the_logit_scale_by_hand():
    scores = (0.86, 0.90, 0.91)
    low, high = interval(sample(*scores, resampled=resamples(0.02)), units=30)
    seeds, images = statistics.variance(scores) / 3, 0.02**2 * 30 / 29
    df = (seeds + images) ** 2 / (seeds**2 / 2 + images**2 / 29)
    mean = statistics.mean(scores)
    half = stats.t.ppf(0.975, df) * math.sqrt(seeds + images) / (mean * (1 - mean))
    for bound, sign in ((low, -1), (high, 1)):
        log_odds = math.log(mean / (1 - mean)) + sign * half
        assert bound == pytest.approx(1 / (1 + math.exp(-log_odds)))


def test_one_seed_has_the_interval_of_its_model_on_other_images():
    low, high = interval(sample(0.5, resampled=resamples(0.02)), units=30)
    half = stats.t.ppf(0.975, 29) * 0.02 * math.sqrt(30 / 29) / 0.25
    assert math.log(high / (1 - high)) == pytest.approx(half)
    assert low == pytest.approx(1 - high)


def test_seeds_alone_where_nothing_was_resampled():
    scores = (0.40, 0.45, 0.47)
    assert interval(sample(*scores, resampled=resamples(0.1)), units=1) == interval(
        sample(*scores), units=None
    )


def test_nothing_to_base_an_interval_on():
    assert interval(sample(0.5), units=100) is None
    assert interval(sample(0.5, resampled=np.full(1000, np.nan)), units=100) is None


@pytest.mark.parametrize("units", [1, 8, 20, 100])
def test_all_or_nothing_has_the_interval_of_a_share(units):
    low, high = interval(sample(1.0, 1.0, resampled=np.ones(1000)), units)
    exact = stats.binomtest(units, units).proportion_ci(0.95, method="exact")
    assert (low, high) == pytest.approx((exact.low, exact.high))
    assert interval(sample(0.0), units) == pytest.approx((1 - high, 1 - low))


def test_all_or_nothing_without_images():
    assert interval(sample(1.0, 1.0), units=None) is None


def test_near_its_bounds_an_interval_stays_within_them():
    low, high = interval(sample(0.02, 0.9), units=None)
    assert 0 <= low < 0.46 < high <= 1


def test_a_loss_has_its_interval_on_the_log_scale():
    scores = (0.8, 1.0, 1.3)
    low, high = interval(sample(*scores), units=None, scale="log")
    mean = statistics.mean(scores)
    half = stats.t.ppf(0.975, 2) * statistics.stdev(scores) / math.sqrt(3) / mean
    assert (low, high) == pytest.approx((mean * math.exp(-half), mean * math.exp(half)))
    assert interval(sample(0.0, 0.0), units=9, scale="log") is None


def test_a_difference_has_its_interval_on_its_own_scale():
    scores = (-0.02, 0.0, 0.05)
    low, high = interval(sample(*scores), units=None, scale="linear")
    half = stats.t.ppf(0.975, 2) * statistics.stdev(scores) / math.sqrt(3)
    assert (low, high) == pytest.approx((0.01 - half, 0.01 + half))


def test_a_class_has_the_interval_that_all_its_resamples_would_give():
    scores, sd = (0.86, 0.90, 0.91), 0.02
    error = sd * math.sqrt(30 / 29)  # per_class.csv has the bias of the bootstrap taken out
    expected = interval(sample(*scores, resampled=resamples(sd)), units=30)
    assert class_interval(scores, [error] * 3, units=30) == pytest.approx(expected)


def test_a_class_in_one_unit_has_the_seeds_alone():
    scores = (0.40, 0.45, 0.47)
    assert class_interval(scores, [0.2] * 3, units=1) == interval(sample(*scores), units=None)
    assert class_interval([0.4], [], units=1) is None


# --------------------------------------------------------------------------- the winner


def test_the_winner_is_chosen_by_the_other_seeds_for_each():
    val = {"A": sample(0.9, 0.1, 0.2), "B": sample(0.5, 0.5, 0.3)}
    test = {"A": sample(0.90, 0.20, 0.10), "B": sample(0.51, 0.52, 0.53)}
    # without seed 0: A 0.3, B 0.8; without 1: A 1.1, B 0.8; without 2: A 1.0, B 1.0, the first
    assert unflattered(val, test) == pytest.approx((0.51 + 0.20 + 0.10) / 3)


def test_the_best_of_many_equal_ones_is_flattered_but_not_by_this():
    """Ten equal configurations of three seeds, of which val and test are correlated."""
    rng = np.random.default_rng(3)
    shown, honest = [], []
    for _ in range(400):
        of_test = rng.standard_normal((10, 3))
        of_val = 0.7 * of_test + math.sqrt(1 - 0.7**2) * rng.standard_normal((10, 3))
        val, test = ({str(i): sample(*row) for i, row in enumerate(x)} for x in (of_val, of_test))
        shown.append(test[max(val, key=lambda name: val[name].mean)].mean)
        honest.append(unflattered(val, test))
    standard_error = statistics.stdev(honest) / 20
    assert statistics.mean(shown) > 0.4
    assert abs(statistics.mean(honest)) < 3 * standard_error < 0.15


@pytest.mark.parametrize(
    ("val", "test"),
    [
        ({"A": sample(0.5), "B": sample(0.6)}, {"A": sample(0.5), "B": sample(0.6)}),
        ({"A": sample(0.5, 0.6), "B": sample(0.6)}, {"A": sample(0.5, 0.6), "B": sample(0.6)}),
        ({"A": sample(0.5, 0.6)}, {"A": sample(0.5, 0.6, seeds=(0, 2))}),
        ({"A": sample(0.5, 0.6), "B": sample(0.6, 0.7)}, {"A": sample(0.5, 0.6)}),
        ({}, {}),
    ],
    ids=["one seed", "unequal seeds", "other seeds on test", "not all on test", "none"],
)
def test_without_equal_seeds_it_is_unknown(val, test):
    assert unflattered(val, test) is None
