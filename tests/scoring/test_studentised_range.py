import math

import numpy as np
import pytest
from scipy import stats

from fairtrial.scoring.studentised_range import critical_value, quantile, tail
from tests.ids import short

INFINITE = math.inf


@pytest.mark.parametrize(
    ("means", "df", "critical"),
    [
        # any table of the studentised range, 5 %
        (3, 6, 4.339),
        (11, 22, 5.056),
        (2, 10, 3.151),
        (10, 5, 6.995),
        (20, INFINITE, 5.012),
    ],
    ids=short,
)
def test_critical_values_of_printed_tables(means, df, critical):
    assert critical_value(means, df) == pytest.approx(critical, abs=6e-4)


@pytest.mark.parametrize("means", [2, 3, 33, 100])
@pytest.mark.parametrize("df", [1, 1.37, 2, 6.5, 40, 500, INFINITE], ids=short)
def test_tail_and_critical_value_are_those_of_scipy(means, df):
    critical = critical_value(means, df)
    assert float(stats.studentized_range.sf(critical, means, df)) == pytest.approx(0.05, abs=1e-7)
    for q in (0.4 * critical, critical, 1.6 * critical):
        theirs = float(stats.studentized_range.sf(q, means, df))
        assert float(tail(q, means, df)) == pytest.approx(theirs, abs=1e-7)


def test_between_the_nodes_of_its_table_the_critical_value_is_as_exact():
    df = 1 / np.linspace(0.003, 0.999, 60)
    assert np.abs(tail(quantile(7, df), 7, df) - 0.05).max() < 1e-8


def test_two_means_are_students_t():
    assert float(tail(math.sqrt(2) * 2.3, 2, 4.5)) == pytest.approx(2 * stats.t.sf(2.3, 4.5))
    assert critical_value(2, 4.5) == pytest.approx(math.sqrt(2) * stats.t.ppf(0.975, 4.5))


def test_no_range_is_certain_and_an_endless_one_impossible():
    assert float(tail(0.0, 5, 3)) == pytest.approx(1)
    assert 0 <= float(tail(1e6, 5, 3)) < 1e-9
    assert float(tail(1e6, 5, INFINITE)) == 0
