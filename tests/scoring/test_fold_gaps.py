import math

import numpy as np
import pytest
from scipy import stats

from fairtrial.scoring.fold_gaps import fold_gaps
from fairtrial.scoring.verdict import Sample
from tests.facts import refused


def sample(*scores, folds=None):
    return Sample(scores, tuple(folds or range(len(scores))))


def test_two_configurations_by_hand():
    """Differences 0.03, 0.05, 0.04: mean 0.04, sd 0.01; a fold tests, two of four train."""
    samples = {"A": sample(0.53, 0.75, 0.34), "B": sample(0.50, 0.70, 0.30)}
    gap = fold_gaps(samples, "A", folds=4)["B"]
    se = 0.01 * math.sqrt(1 / 3 + 1 / 2)
    assert (gap.gap, gap.df, gap.compared) == (pytest.approx(0.04), 2, "folds")
    assert gap.p == pytest.approx(2 * stats.t.sf(0.04 / se, 2))
    half = stats.t.ppf(0.975, 2) * se
    assert (gap.low, gap.high) == pytest.approx((0.04 - half, 0.04 + half))
    assert gap.apart and gap.counts == (3, 3)


ROWS = {
    "A": (0.53, 0.75, 0.34, 0.61, 0.55),
    "B": (0.48, 0.73, 0.30, 0.60, 0.50),
    "C": (0.30, 0.50, 0.21, 0.40, 0.36),
}


def test_several_share_the_residuals_of_configuration_and_fold():
    gaps = fold_gaps({k: sample(*v) for k, v in ROWS.items()}, "A", folds=5)
    # residuals of a two-way analysis of variance, by least squares on indicators
    table = np.array(list(ROWS.values()))
    row, column = np.indices(table.shape)
    design = np.hstack([np.eye(3)[row.ravel()], np.eye(5)[column.ravel()]])
    rest = table.ravel() - design @ np.linalg.lstsq(design, table.ravel(), rcond=None)[0]
    variance = 2 * float(rest @ rest) / 8 * (1 / 5 + 1 / 3)
    for name, gap in gaps.items():
        assert (gap.df, gap.seed_variance) == (8, pytest.approx(variance))
        q = math.sqrt(2) * gap.gap / math.sqrt(variance)
        assert gap.p == pytest.approx(stats.studentized_range.sf(q, 3, 8), abs=1e-7)
        half = stats.studentized_range.ppf(0.95, 3, 8) * math.sqrt(variance / 2)
        assert gap.high - gap.low == pytest.approx(2 * half)
        assert (gap.low > 0) == gap.apart == (name == "C")


def test_only_folds_that_all_have_are_compared_and_the_gap_says_how_many():
    """With one undefined fold Welch's test was printed as Nadeau and Bengio's."""
    samples = {k: sample(*v) for k, v in ROWS.items()}
    samples["B"] = sample(*ROWS["B"][:3], ROWS["B"][4], folds=(0, 1, 2, 4))
    common = {k: [v[i] for i in (0, 1, 2, 4)] for k, v in ROWS.items()}
    gaps = fold_gaps(samples, "A", folds=5)
    expected = fold_gaps({k: sample(*v) for k, v in common.items()}, "A", folds=5)
    assert gaps == expected
    assert {gap.counts for gap in gaps.values()} == {(4, 4)}


def test_a_configuration_with_one_fold_changes_nothing_for_the_others():
    several = {k: sample(*v) for k, v in ROWS.items()}
    gaps = fold_gaps({**several, "D": sample(0.1, folds=(3,))}, "A", folds=5)
    assert {k: gaps[k] for k in "BC"} == fold_gaps(several, "A", folds=5)
    assert (gaps["D"].p, gaps["D"].low, gaps["D"].counts) == (None, None, (5, 1))
    assert gaps["D"].gap == pytest.approx(np.mean(ROWS["A"]) - 0.1)


def test_without_two_folds_in_common_nothing_is_told():
    samples = {
        "A": sample(0.9, 0.8, 0.7, 0.6, folds=(0, 1, 2, 3)),
        "B": sample(0.1, 0.1, folds=(0, 1)),
        "C": sample(0.1, 0.1, folds=(2, 3)),
    }
    assert {gap.p for gap in fold_gaps(samples, "A", folds=5).values()} == {None}


@pytest.mark.parametrize(("names", "p"), [("AB", 2 / 32), ("ABC", 3 * 2 / 32)])
def test_equal_differences_have_the_p_of_signs(names, p):
    rows = {
        k: sample(*[x + 0.1 * i for i in range(5)])
        for k, x in {"A": 0.5, "B": 0.3, "C": 0.2}.items()
    }
    gaps = fold_gaps({k: rows[k] for k in names}, "A", folds=5)
    assert gaps["B"].p == pytest.approx(p)
    assert gaps["B"].low <= 0 <= gaps["B"].high


def test_equal_configurations_are_not_told_apart():
    assert fold_gaps({"A": sample(*ROWS["A"]), "B": sample(*ROWS["A"])}, "A", folds=5)["B"].p == 1


def test_two_folds_leave_nothing_to_train_on():
    with refused(ValueError, "three", "2"):
        fold_gaps({"A": sample(0.1, 0.2), "B": sample(0.1, 0.2)}, "A", folds=2)
