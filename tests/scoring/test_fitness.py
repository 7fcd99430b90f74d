"""Fitness by the user's metric weights."""

from __future__ import annotations

import itertools

import pytest
from pydantic import TypeAdapter

from facts import refused
from fairtrial.scoring import fitness
from fairtrial.scoring.ranking import RankBy

METRICS = {"precision": 0.5, "recall": 0.25, "f1": 1 / 3, "AP50": 0.75, "AP": 0.4}
ROW = {
    "epoch": 1,
    "train/box_loss": 2.0,
    "val/precision": 0.5,
    "val/recall": 0.25,
    "val/AP50": 0.75,
    "val/AP": 0.4,
    "val/box_loss": 3.0,
    "lr": 0.01,
}


@pytest.mark.parametrize(
    ("metric_weights", "expected"),
    [
        (None, 0.4),
        ({"map50_95": 5}, 0.4),
        ({"map50": 1}, 0.75),
        ({"f1": 1}, 1 / 3),
        ({"recall": 0.9, "map50_95": 0.1}, 0.265),
        ({"recall": 9, "map50_95": 1}, 0.265),
        ({"precision": 1, "recall": 1, "f1": 0}, 0.375),
    ],
    ids=["null", "AP alone", "AP50", "F1", "shares", "not normalised", "a zero"],
)
def test_score(metric_weights: dict[str, float] | None, expected: float) -> None:
    assert fitness.score(METRICS, metric_weights) == pytest.approx(expected, abs=1e-12)


def test_a_metric_without_a_weight_may_be_missing() -> None:
    assert fitness.score({"recall": 0.5}, {"recall": 1, "f1": 0}) == 0.5
    with pytest.raises(KeyError):
        fitness.score({"recall": 0.5}, {"recall": 1, "f1": 1})


@pytest.mark.parametrize(
    ("metric_weights", "expected"),
    [
        (None, None),
        ({"map50_95": 0.5}, None),
        ({"recall": 9, "map50_95": 1}, {"recall": 0.9, "map50_95": 0.1}),
        ({"map50_95": 0.1, "recall": 0.9, "f1": 0.0}, {"recall": 0.9, "map50_95": 0.1}),
        ({"recall": 1, "f1": 2}, {"recall": round(1 / 3, 12), "f1": round(2 / 3, 12)}),
    ],
    ids=["null", "AP alone", "normalised", "another order and a zero", "rounded"],
)
def test_equal_rules_are_one(
    metric_weights: dict[str, float] | None, expected: dict[str, float] | None
) -> None:
    assert fitness.normalised(metric_weights) == expected
    assert fitness.normalised(expected) == expected


@pytest.mark.parametrize("metric_weights", [{}, {"recall": 0.0}], ids=["empty", "all zero"])
def test_a_rule_without_a_weight_is_refused(metric_weights: dict[str, float]) -> None:
    with refused(ValueError, "weight", "above 0"):
        fitness.normalised(metric_weights)


def test_f1_is_the_harmonic_mean() -> None:
    assert fitness.f1(0.5, 0.25) == pytest.approx(1 / 3)
    assert fitness.f1(0.0, 0.0) == 0.0
    assert fitness.f1(1.0, 0.0) == 0.0


def test_a_row_is_completed() -> None:
    row = fitness.with_fitness(ROW, {"recall": 0.9, "map50_95": 0.1})
    assert row == ROW | {
        "val/f1": pytest.approx(1 / 3),
        "val/fitness": pytest.approx(0.265),
    }
    columns = [f"val/{name}" for name in ("precision", "recall", "f1", "AP50", "AP", "fitness")]
    assert list(row)[-6:] == columns


def test_the_formula_of_metric_weights() -> None:
    assert fitness.formula(None) == "AP"
    assert fitness.formula({"recall": 0.9, "map50_95": 0.1}) == "0.9 recall + 0.1 AP"


def test_normalising_twice_changes_nothing() -> None:
    """The plan normalises a rule, and the job reads it as a model again."""
    keys = ("precision", "recall", "f1", "map50", "map50_95")
    for weights in itertools.product(range(5), repeat=len(keys)):
        if sum(weights):
            once = fitness.normalised(dict(zip(keys, map(float, weights), strict=True)))
            assert fitness.normalised(once) == once


def test_metrics_are_named_as_in_the_report_or_as_ultralytics_names_them() -> None:
    """Both are kept by the old name, on which keys of stored searches depend."""
    read = TypeAdapter[object](RankBy).validate_python
    written = read({"AP50": 0.25, "AP": 0.75})
    assert written == read({"map50": 0.25, "map50_95": 0.75}) == {"map50": 0.25, "map50_95": 0.75}
    with refused(ValueError, "map50_95", "two weights"):
        read({"AP": 1, "map50_95": 1})
