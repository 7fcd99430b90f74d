import itertools
import math
import statistics

import numpy as np
import pytest
from scipy import stats

from fairtrial.scoring.verdict import Sample, gaps_to_best
from tests.facts import refused


def sample(*scores, resampled=None, seeds=None):
    return Sample(scores, tuple(seeds or range(len(scores))), resampled)


def resamples(sd, draw=0, mean=0.5):
    """A thousand resamples with exactly this standard deviation."""
    values = np.random.default_rng(draw).standard_normal(1000)
    return mean + sd * (values - values.mean()) / values.std(ddof=1)


def gap(best, other, units=None, **more):
    return gaps_to_best({"A": best, "B": other}, "A", units=units, **more)["B"]


HIGH, LOW = (0.62, 0.60, 0.64), (0.50, 0.50, 0.60, 0.60)


def test_two_configurations_over_seeds_alone_are_welchs_test():
    found = gap(sample(*HIGH), sample(*LOW))
    welch = stats.ttest_ind(HIGH, LOW, equal_var=False)
    interval = welch.confidence_interval()
    assert (found.p, found.p_seeds) == (pytest.approx(welch.pvalue), found.p)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.df == pytest.approx(welch.df)
    assert found.gap == pytest.approx(statistics.mean(HIGH) - statistics.mean(LOW))
    assert (found.compared, found.unit_variance, found.limited_by) == ("seeds", None, None)
    assert found.counts == (3, 4)


def test_images_are_added_to_the_seeds_by_hand():
    best = sample(*HIGH, resampled=resamples(0.05))
    found = gap(best, sample(*LOW, resampled=np.zeros(1000)), units=20)
    s1, s2 = statistics.variance(HIGH) / 3, statistics.variance(LOW) / 4
    images = 0.05**2 * 20 / 19
    total = s1 + s2 + images
    df = total**2 / (s1**2 / 2 + s2**2 / 3 + images**2 / 19)
    t = found.gap / math.sqrt(total)
    assert found.seed_variance == pytest.approx(s1 + s2)
    assert found.unit_variance == pytest.approx(images)
    assert (found.df, found.units) == (pytest.approx(df), 20)
    assert found.p == pytest.approx(2 * stats.t.sf(t, df))
    half = stats.t.ppf(0.975, df) * math.sqrt(total)
    assert (found.low, found.high) == pytest.approx((found.gap - half, found.gap + half))
    assert found.seed_share == pytest.approx((s1 + s2) / total)
    assert found.limited_by == "units"


def test_equal_draws_of_images_take_out_what_both_configurations_share():
    """Variance is that of the differences: an easy resample is easy for both."""
    shared = resamples(0.05)
    best = sample(*HIGH, resampled=shared + resamples(0.001, draw=1, mean=0))
    found = gap(best, sample(*LOW, resampled=shared), units=100)
    assert found.unit_variance == pytest.approx(0.001**2 * 100 / 99)


SEVERAL = {
    "A": (0.70, 0.72, 0.71, 0.73),
    "B": (0.60, 0.66, 0.63),
    "C": (0.69, 0.70, 0.68),
    "D": (0.60, 0.60, 0.60),
}


def test_several_share_a_variance_but_none_gets_less_than_its_own():
    found = gaps_to_best({k: sample(*v) for k, v in SEVERAL.items()}, "A", units=None)
    df = 3 + 2 + 2 + 2
    pooled = sum((len(v) - 1) * statistics.variance(v) for v in SEVERAL.values()) / df
    for name, gap in found.items():
        parts = [
            max(statistics.variance(SEVERAL[k]), pooled) / len(SEVERAL[k]) for k in ("A", name)
        ]
        assert gap.seed_variance == pytest.approx(sum(parts))
        q = math.sqrt(2) * gap.gap / math.sqrt(sum(parts))
        assert gap.p == pytest.approx(stats.studentized_range.sf(q, 4, df), abs=1e-7)
        half = stats.studentized_range.ppf(0.95, 4, df) * math.sqrt(sum(parts) / 2)
        assert (gap.low, gap.high) == pytest.approx((gap.gap - half, gap.gap + half))
    assert found["B"].seed_variance > 2 * pooled / 4, "its own variance is above the pooled one"
    assert [name for name, gap in found.items() if gap.apart] == ["B", "D"]


def test_with_equal_variances_and_seeds_it_is_tukeys_test():
    rows = {
        name: tuple(x + shift for x in (0.1, 0.2, 0.4))
        for name, shift in {"A": 0.5, "B": 0.33, "C": 0.1}.items()
    }
    found = gaps_to_best({k: sample(*v) for k, v in rows.items()}, "A", units=None)
    tukey = stats.tukey_hsd(*rows.values())
    assert [found[k].p for k in "BC"] == pytest.approx(list(tukey.pvalue[0, 1:]), abs=1e-7)
    interval = tukey.confidence_interval()
    assert [found[k].low for k in "BC"] == pytest.approx(list(interval.low[0, 1:]))


@pytest.mark.parametrize("names", [("A", "B"), ("A", "B", "C", "D")], ids=["two", "four"])
@pytest.mark.parametrize("sd", [1e-6, 0.003, 0.01, 0.1])
@pytest.mark.parametrize("units", [2, 5, 1000])
def test_p_is_never_below_that_of_the_seeds_alone_nor_the_interval_narrower(names, sd, units):
    """Many units bring many degrees of freedom: without the rule, adding a little variance of
    images would make a gap of few seeds more certain."""
    alone = gaps_to_best({k: sample(*SEVERAL[k]) for k in names}, "A", units=None)
    both = gaps_to_best(
        {k: sample(*SEVERAL[k], resampled=resamples(sd, draw=ord(k))) for k in names},
        "A", units=units,
    )  # fmt: skip
    for name, gap in both.items():
        assert gap.p >= gap.p_seeds == alone[name].p
        assert gap.low <= alone[name].low and gap.high >= alone[name].high
        assert (gap.low > 0 or gap.high < 0) == gap.apart


def test_groups_that_disagree_take_back_what_the_seeds_tell():
    found = gap(
        sample(0.600, 0.601, 0.602, resampled=resamples(0.05)),
        sample(0.500, 0.501, 0.502, resampled=resamples(0.05, draw=1)),
        units=10,
    )
    assert found.seeds_apart and not found.apart
    assert (found.limited_by, found.low < 0 < found.high) == ("units", True)


def test_continued_runs_are_compared_seed_by_seed():
    """Shipped experiment `longer`: Welch's test had p 0.65, for the seeds differ far more than
    the short and the long run of one seed."""
    short, long = (0.600, 0.551, 0.499), (0.620, 0.570, 0.520)
    found = gap(sample(*long), sample(*short), continued={"B"})
    assert (found.compared, found.counts) == ("continued", (3, 3))
    assert found.p == pytest.approx(stats.ttest_rel(long, short).pvalue)
    assert found.apart
    assert gap(sample(*long), sample(*short)).p == pytest.approx(0.65, abs=0.01)


def test_continued_runs_are_matched_by_seed_whatever_their_order():
    long = sample(0.520, 0.620, 0.570, seeds=(2, 0, 1))
    found = gap(long, sample(0.600, 0.551, 0.499), continued={"B"})
    assert found.p == pytest.approx(0.0008, abs=1e-4)


def test_runs_that_continue_other_seeds_are_not_paired():
    found = gap(sample(0.6, 0.5, 0.4, seeds=(0, 1, 3)), sample(0.6, 0.5, 0.4), continued={"B"})
    assert found.compared == "seeds"


def test_where_the_seed_changes_nothing_images_alone_decide():
    """A checkpoint that is not trained: four seeds gave four equal predictions, counted once. A
    gap of 0.004 was called the better one with p = 0.029."""
    best, other = (sample(x, resampled=resamples(0.01, draw=i)) for i, x in enumerate((0.5, 0.496)))
    found = gap(best, other, units=40, identical={"A", "B"})
    assert (found.compared, found.p_seeds, found.seed_variance) == ("identical", None, 0.0)
    images = np.var(best.resampled - other.resampled, ddof=1) * 40 / 39
    assert found.p == pytest.approx(2 * stats.t.sf(0.004 / math.sqrt(images), 39))
    assert not found.apart and found.low < 0 < found.high
    assert found.limited_by == "units"


def test_copies_of_one_result_are_told_apart_by_nothing_without_images():
    found = gap(sample(0.5), sample(0.4), identical={"A", "B"})
    assert (found.p, found.apart, found.low, found.high) == (None, False, None, None)


def test_a_side_without_effect_of_the_seed_adds_no_variance():
    found = gap(sample(0.7), sample(0.60, 0.62, 0.61), identical={"A"})
    assert found.compared == "seeds"
    alone = stats.ttest_1samp([0.60, 0.62, 0.61], 0.7)
    assert found.p == pytest.approx(alone.pvalue)


def test_one_seed_gives_no_verdict_but_an_interval_of_these_two_models():
    best = sample(0.9, resampled=resamples(0.02))
    found = gap(best, sample(0.1, 0.2, resampled=np.zeros(1000)), units=50)
    assert (found.compared, found.p, found.p_seeds, found.apart) == ("one seed", None, None, False)
    assert found.gap == pytest.approx(0.75)
    half = stats.t.ppf(0.975, 49) * 0.02 * math.sqrt(50 / 49)
    assert (found.low, found.high) == pytest.approx((0.75 - half, 0.75 + half))
    assert (found.seed_variance, found.limited_by) == (None, None)


def test_one_seed_and_no_images_leave_the_gap_alone():
    found = gap(sample(0.9), sample(0.1))
    assert (found.p, found.low, found.high) == (None, None, None)
    assert found.gap == pytest.approx(0.8)


def test_a_configuration_with_one_seed_changes_nothing_for_the_others():
    several = {k: sample(*SEVERAL[k]) for k in "ABC"}
    found = gaps_to_best({**several, "E": sample(0.1)}, "A", units=None)
    without = gaps_to_best(several, "A", units=None)
    assert {k: found[k] for k in "BC"} == without
    assert (found["E"].compared, found["E"].p) == ("one seed", None)


def test_with_one_seed_of_the_best_nothing_is_told():
    found = gaps_to_best(
        {"A": sample(0.9), "B": sample(0.1, 0.2), "C": sample(0.2)}, "A", units=None
    )
    assert {gap.compared for gap in found.values()} == {"one seed"}


def test_noise_of_one_seed_is_that_of_all_pooled_or_of_the_differences():
    several = gaps_to_best({k: sample(*v) for k, v in SEVERAL.items()}, "A", units=None)
    pooled = sum((len(v) - 1) * statistics.variance(v) for v in SEVERAL.values()) / 9
    assert [gap.seed_noise for gap in several.values()] == pytest.approx([2 * pooled] * 3)
    short, long = sample(0.600, 0.551, 0.499), sample(0.620, 0.570, 0.520)
    paired = gap(long, short, continued={"B"})
    assert paired.seed_noise == pytest.approx(statistics.variance([0.020, 0.019, 0.021]))
    assert gap(sample(0.5), sample(0.4, 0.5)).seed_noise is None


@pytest.mark.parametrize(
    ("best", "other", "p"),
    [
        # of 6, 20 and 70 ways to deal the values, two are as far apart
        ([0.9] * 2, [0.1] * 2, 2 / 6),
        ([0.9] * 3, [0.1] * 3, 2 / 20),
        ([0.9] * 4, [0.1] * 4, 2 / 70),
        ([0.5] * 5, [0.5] * 5, 1),
        ([0.1] * 3, [0.1] * 3, 1),  # whose float sum is inexact
    ],
    ids=["two", "three", "four", "equal", "equal, inexact sum"],
)
def test_values_without_any_spread_bear_no_more_than_their_number(best, other, p):
    found = gap(sample(*best), sample(*other))
    assert found.p == pytest.approx(p)
    assert found.apart == (p < 0.05)
    assert (found.low <= 0 <= found.high) != found.apart
    assert found.df is None


def test_without_any_spread_all_pairs_count():
    rows = {k: sample(*[x] * 4) for k, x in {"A": 0.9, "B": 0.5, "C": 0.1}.items()}
    found = gaps_to_best(rows, "A", units=None)
    assert [found[k].p for k in "BC"] == pytest.approx([3 * 2 / 70] * 2)
    assert not any(gap.apart for gap in found.values())


def test_equal_values_are_not_told_apart_by_images_where_their_number_does_not_bear_it():
    best = sample(0.9, 0.9, resampled=resamples(0.001))
    found = gap(best, sample(0.1, 0.1, resampled=np.zeros(1000)), units=50)
    assert found.p == pytest.approx(2 / 6)
    assert found.low <= 0 < found.high


def test_continued_runs_with_equal_differences_have_the_p_of_signs():
    """Equal but for rounding errors, that is: 0.3 - 0.2 is less than 0.2 - 0.1."""
    found = gap(sample(0.4, 0.3, 0.2), sample(0.3, 0.2, 0.1), continued={"B"})
    assert found.p == pytest.approx(2 / 8)
    assert (found.seed_variance, found.df) == (0, None)


@pytest.mark.parametrize("units", [None, 0, 1])
def test_fewer_than_two_units_say_nothing_of_other_images(units):
    with_resamples = [sample(*v, resampled=resamples(0.1, i)) for i, v in enumerate((HIGH, LOW))]
    found = gap(*with_resamples, units=units)
    assert (found.unit_variance, found.units) == (None, None)
    assert found.p == gap(sample(*HIGH), sample(*LOW)).p


@pytest.mark.parametrize(
    ("undefined", "known"), [(0, True), (400, True), (600, False), (1000, False)]
)
def test_resamples_without_a_value_are_left_out_and_too_many_say_nothing(undefined, known):
    z = resamples(0.01)
    z[:undefined] = np.nan
    found = gap(sample(*HIGH, resampled=z), sample(*LOW, resampled=np.zeros(1000)), units=50)
    if known:
        variance = np.var(z[undefined:], ddof=1) * 50 / 49
        assert found.unit_variance == pytest.approx(variance)
    else:
        assert found.unit_variance is None


def test_resamples_of_one_side_alone_say_nothing():
    found = gap(sample(*HIGH, resampled=resamples(0.1)), sample(*LOW), units=50)
    assert found.unit_variance is None


def test_rounding_errors_are_no_spread():
    found = gap(sample(0.3, 0.1 + 0.2), sample(0.1, 0.1, resampled=None))
    assert found.p == pytest.approx(2 / 6)
    tiny = sample(0.5, resampled=resamples(1e-15)), sample(0.5, resampled=np.full(1000, 0.5))
    assert gap(*tiny, units=9, identical={"A", "B"}).unit_variance == 0


def test_a_best_on_val_that_is_worse_has_a_gap_below_zero_and_may_be_told():
    found = gap(sample(0.50, 0.51, 0.52), sample(0.70, 0.71, 0.72))
    assert (found.gap < 0, found.high < 0, found.apart) == (True, True, True)


def test_the_only_configuration_has_no_gap():
    assert gaps_to_best({"A": sample(0.5)}, "A", units=None) == {}


def test_order_of_the_configurations_changes_nothing():
    several = {k: sample(*v) for k, v in SEVERAL.items()}
    expected = gaps_to_best(several, "A", units=None)
    for names in itertools.permutations(several):
        found = gaps_to_best({k: several[k] for k in names}, "A", units=None)
        assert found == expected


@pytest.mark.parametrize(
    "scores", [(), (0.5, math.nan), (math.inf,)], ids=["no value", "NaN", "infinity"]
)
def test_values_without_a_mean_are_refused(scores):
    with refused(ValueError, "finite"):
        Sample(scores, tuple(range(len(scores))))


def test_a_value_without_its_seed_is_refused():
    """Of three seeds two have an AP: which two?"""
    with refused(ValueError, "2 values", "3 seeds"):
        Sample((0.5, 0.6), (0, 1, 2))
