import math

import numpy as np
import pytest
from scipy import stats

from fairtrial.scoring.power import (
    Noise,
    detectable_gap,
    noise_of,
    seeds_needed,
    units_needed,
)
from fairtrial.scoring.verdict import Sample, gaps_to_best

ENDLESS = math.inf


def told(gap, critical, df):
    """The chance that a t test with this critical value tells a gap of so many standard errors."""
    return stats.nct.sf(critical, df, gap)


@pytest.mark.parametrize("units", [5, 12, 200])
@pytest.mark.parametrize("means", [2, 6])
def test_with_endless_seeds_it_is_the_power_of_a_t_test_over_images(units, means):
    noise = Noise(seed=3.0, unit=0.04, units=units, means=means)
    critical = stats.studentized_range.ppf(0.95, means, units - 1) / math.sqrt(2)
    gap = detectable_gap(noise, ENDLESS)
    assert told(gap / 0.2, critical, units - 1) == pytest.approx(0.8, abs=2e-3)


@pytest.mark.parametrize("seeds", [2, 3, 10])
def test_continued_seeds_have_the_power_of_a_paired_t_test(seeds):
    noise = Noise(seed=0.01, unit=None, units=None, means=2, continued=True)
    critical = stats.t.ppf(0.975, seeds - 1)
    gap = detectable_gap(noise, seeds)
    assert told(gap / 0.1 * math.sqrt(seeds), critical, seeds - 1) == pytest.approx(0.8, abs=2e-3)


def test_many_seeds_of_two_configurations_have_the_power_of_a_t_test():
    """Welch's degrees of freedom are then nearly those of equal variances."""
    gap = detectable_gap(Noise(seed=2.0, unit=None, units=None, means=2), 40)
    assert told(gap / math.sqrt(2 / 40), stats.t.ppf(0.975, 78), 78) == pytest.approx(0.8, abs=3e-3)


@pytest.mark.parametrize(("means", "seeds", "units"), [(2, 3, None), (5, 3, None), (5, 5, 10)])
def test_a_gap_of_that_size_is_told_in_eight_of_ten_trials(means, seeds, units):
    noise = Noise(seed=2.0, unit=0.5 if units else None, units=units, means=means)
    gap, rng, found = detectable_gap(noise, seeds), np.random.default_rng(5), []
    for _ in range(600):
        by_image = np.zeros((means, 1))
        resampled: list = [None] * means
        if units:
            effects = rng.normal(0, math.sqrt(0.25 * units), (means, units))
            by_image = effects.mean(axis=1, keepdims=True)
            weights = rng.multinomial(units, np.full(units, 1 / units), size=200)
            resampled = list(effects @ weights.T / units)
        scores = rng.standard_normal((means, seeds)) + by_image
        scores[0] += gap
        samples = {
            name: Sample(tuple(row), tuple(range(seeds)), z)
            for name, row, z in zip("ABCDE", scores, resampled, strict=False)
        }
        found.append(gaps_to_best(samples, "A", units=units)["B"].apart)
    assert np.mean(found) == pytest.approx(0.8, abs=0.05)


def test_more_seeds_or_units_tell_smaller_gaps_and_more_configurations_larger_ones():
    noise = Noise(seed=2.0, unit=0.3, units=20, means=5)
    by_seeds = [detectable_gap(noise, n) for n in (2, 3, 5, 10, 20, ENDLESS)]
    by_units = [detectable_gap(noise, 5, units) for units in (5, 20, 100, ENDLESS)]
    by_means = [detectable_gap(Noise(2.0, 0.3, 20, k), 5) for k in (3, 5, 11, 33)]
    assert by_seeds == sorted(by_seeds, reverse=True)
    assert by_units == sorted(by_units, reverse=True)
    assert by_means == sorted(by_means)


def test_the_seeds_and_units_needed_are_the_fewest():
    noise = Noise(seed=2.0, unit=0.3, units=20, means=5)
    seeds = seeds_needed(noise, 3.0)
    assert detectable_gap(noise, seeds) <= 3.0 < detectable_gap(noise, seeds - 1)
    units = units_needed(noise, -3.5, 4)
    assert detectable_gap(noise, 4, units) <= 3.5 < detectable_gap(noise, 4, units - 1)


def test_where_the_other_source_is_too_large_no_number_is_enough():
    noise = Noise(seed=2.0, unit=0.3, units=20, means=5)
    assert seeds_needed(noise, 0.9 * detectable_gap(noise, ENDLESS)) is None
    assert units_needed(noise, 0.9 * detectable_gap(noise, 4, ENDLESS), 4) is None
    assert seeds_needed(noise, 0.0) is None


def test_where_the_seed_changes_nothing_more_seeds_do_not_help():
    assert seeds_needed(Noise(seed=0.0, unit=0.3, units=20, means=2), 100.0) is None


def test_a_single_seed_is_planned_for_as_two():
    """A side on which the seed changes nothing has one; the other one varies."""
    noise = Noise(seed=2.0, unit=0.3, units=20, means=5)
    assert detectable_gap(noise, 1) == detectable_gap(noise, 2)


def test_images_that_were_not_resampled_are_no_part_of_a_plan():
    noise = Noise(seed=2.0, unit=None, units=None, means=3)
    assert units_needed(noise, 3.0, 5) is None
    assert detectable_gap(noise, ENDLESS) == 0


def test_noise_of_a_gap():
    z = np.random.default_rng(0).standard_normal(1000)
    samples = {"A": Sample((0.7, 0.8), (0, 1), z), "B": Sample((0.5, 0.6, 0.7), (0, 1, 2), 0 * z)}
    gap = gaps_to_best(samples, "A", units=40)["B"]
    assert noise_of(gap) == Noise(gap.seed_noise, gap.unit_variance, 40, 2)
    alone = gaps_to_best({**samples, "B": Sample((0.5,), (0,))}, "A", units=40)["B"]
    assert noise_of(alone) is None
