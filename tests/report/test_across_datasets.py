"""Configurations on several data sets: mean ranks, and from five sets on an interval."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from fairtrial.results.across_datasets import AcrossDatasets, across_datasets
from fairtrial.results.experiment import load_experiment
from tests.report.fake_results import Fake
from tests.report.test_report import report_text

Values = dict[str, list[float]]  # by optimizer: AP on each data set
TWO: Values = {"SGD": [0.50, 0.70], "AdamW": [0.60, 0.72], "Adam": [0.55, 0.60]}
SIX: Values = {
    "SGD": [0.50, 0.70, 0.30, 0.60, 0.55, 0.40],
    "AdamW": [0.55, 0.74, 0.36, 0.65, 0.58, 0.46],
}


def fake_of(folder: Path, values: Values, **more: Any) -> Fake:
    """Each optimizer on each data set, a configuration each."""
    settings, sets, ap = {}, {}, {}
    for optimizer, of_sets in values.items():
        for number, value in enumerate(of_sets):
            name = f"dataset=d{number}+optimizer={optimizer}"
            settings[name] = {"optimizer": optimizer}
            sets[name] = number
            for seed in (0, 1):
                for split in ("val", "test"):
                    ap[name, seed, split] = value + 0.001 * seed
    images = {"train": 2, "val": 2, "test": 2}
    return Fake(folder, settings, sets=sets, ap=ap, seeds=(0, 1), images=images, size=64, **more)


def across_of(fake: Fake) -> AcrossDatasets | None:
    fake.build()
    return across_datasets(load_experiment(fake.results, fake.data, fake.runs))


def test_ranks_are_those_within_each_set(tmp_path: Path) -> None:
    across = across_of(fake_of(tmp_path, TWO))
    assert across is not None
    assert across.sets == ["shapes", "shapes1"]
    ranks = {method.label: method.ranks for method in across.methods}
    assert list(ranks.items()) == [
        ("optimizer AdamW", [1, 1]),
        ("optimizer SGD", [3, 2]),
        ("optimizer Adam", [2, 3]),
    ]
    gap = across.methods[1].gap
    assert gap is not None
    assert (gap.mean, gap.low, gap.p) == (pytest.approx(0.06), None, None)


def test_equal_values_share_their_ranks(tmp_path: Path) -> None:
    across = across_of(fake_of(tmp_path, {"SGD": [0.5, 0.5], "AdamW": [0.5, 0.4]}))
    assert across is not None
    assert [method.ranks for method in across.methods] == [[1.5, 1], [1.5, 2]]


def test_two_methods_have_students_interval_over_the_sets(tmp_path: Path) -> None:
    across = across_of(fake_of(tmp_path, SIX))
    assert across is not None
    gap = across.methods[1].gap
    assert gap is not None
    pairs = stats.ttest_rel(SIX["AdamW"], SIX["SGD"])
    limits = pairs.confidence_interval(0.95)
    assert (gap.low, gap.high) == pytest.approx((limits.low, limits.high), abs=1e-6)
    assert gap.p == pytest.approx(pairs.pvalue, abs=1e-6)
    assert gap.apart


def test_three_methods_have_the_studentised_range(tmp_path: Path) -> None:
    across = across_of(fake_of(tmp_path, SIX | {"Adam": [v - 0.01 for v in SIX["SGD"]]}))
    assert across is not None
    gap = across.methods[1].gap
    assert gap is not None and gap.high is not None
    error = stats.sem([a - b for a, b in zip(SIX["AdamW"], SIX["SGD"], strict=True)])
    half = stats.studentized_range.ppf(0.95, 3, 5) / 2**0.5 * error
    assert gap.high - gap.mean == pytest.approx(half, rel=1e-3)


def test_few_sets_only_describe(tmp_path: Path) -> None:
    text = report_text(fake_of(tmp_path, TWO))
    for words in (
        "Across data sets",
        "Over 2 data sets, optimizer AdamW has the best mean rank, 1.00 of 3.",
        "only describes these sets",
    ):
        assert words in text


def test_six_sets_give_an_interval(tmp_path: Path) -> None:
    text = report_text(fake_of(tmp_path, SIX))
    assert "Over 6 data sets, optimizer AdamW has the best mean rank, 1.00 of 2." in text
    assert "On other data sets like these its AP would be above that of optimizer SGD as" in text
    assert "by 0.048 (0.036 to 0.061) on average" in text


def test_what_cannot_be_told_apart_over_sets_is_named(tmp_path: Path) -> None:
    values = {"SGD": SIX["SGD"], "AdamW": [0.55, 0.66, 0.36, 0.56, 0.60, 0.38]}
    text = report_text(fake_of(tmp_path, values))
    assert "it cannot be told apart: its mean gap to optimizer SGD is" in text


def test_data_sets_on_equal_test_images_are_no_units(tmp_path: Path) -> None:
    """There the data set, balanced or not, is what the experiment compares."""
    fake = Fake(tmp_path, {"a": {"momentum": 0.6}, "b": {"momentum": 0.9}})
    assert across_of(fake) is None


def test_a_method_that_lacks_a_set_is_left_out(tmp_path: Path) -> None:
    fake = fake_of(tmp_path, TWO | {"Adam": [0.99]})
    across = across_of(fake)
    assert across is not None
    assert {method.label for method in across.methods} == {"optimizer SGD", "optimizer AdamW"}
    assert across_of(fake_of(tmp_path / "one", {"SGD": [0.5, 0.6], "AdamW": [0.7]})) is None
