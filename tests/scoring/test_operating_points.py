"""Operating points against counts by hand and by brute force."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from fairtrial.data.dataset import Annotation, Dataset, Image
from fairtrial.scoring.matching import match
from fairtrial.scoring.operating_points import (
    OPERATING_POINTS,
    at_least_precision,
    at_least_recall,
    at_most_false_alarms,
    confidence_curve,
    rows,
)
from fairtrial.scoring.pooled_detections import PooledDetections, pooled
from fairtrial.scoring.predictions import ImageDetection

Spec = Sequence[tuple[float, int, bool]]  # confidence, class, right


def split(spec: Spec, objects: Sequence[int], images: int = 4) -> PooledDetections:
    surest_first = sorted(spec, key=lambda detection: -detection[0])
    return PooledDetections(
        images,
        np.array(objects),
        np.array([number for _, number, _ in surest_first], dtype=np.int64),
        np.array([confidence for confidence, _, _ in surest_first], dtype=float),
        np.array([right for _, _, right in surest_first], dtype=bool),
    )


# Of one class: two right, a false alarm, one right, two false alarms; 5 objects on 4 images.
ONE: Spec = [(0.9, 0, True), (0.8, 0, True), (0.7, 0, False), (0.5, 0, True), (0.4, 0, False)]
ONE = [*ONE, (0.2, 0, False)]


def written(val: PooledDetections, test: PooledDetections, **asked: Any) -> list[dict[str, Any]]:
    requested = {"at_precision": [], "at_recall": []} | asked
    table = rows({"val": val, "test": test}, **requested)
    return [dict(zip(OPERATING_POINTS, row, strict=True)) for row in table]


def point(table: list[dict[str, Any]], split: str, kind: str, asked: float) -> dict[str, Any]:
    (row,) = [r for r in table if (r["split"], r["kind"], r["asked"]) == (split, kind, asked)]
    return {name: row[name] for name in OPERATING_POINTS[3:]}


def test_rates_at_each_confidence() -> None:
    curve = confidence_curve(split(ONE, [5]))
    assert curve.precision == pytest.approx([0, 1, 1, 2 / 3, 3 / 4, 3 / 5, 3 / 6])
    assert curve.recall == pytest.approx([0, 0.2, 0.4, 0.4, 0.6, 0.6, 0.6])
    assert curve.false_alarms == pytest.approx([0, 0, 0, 0.25, 0.25, 0.5, 0.75])
    assert curve.middle == pytest.approx([0.95, 0.85, 0.75, 0.6, 0.45, 0.3, 0.1])


def test_detections_of_one_confidence_come_together() -> None:
    """No confidence lets one of them through and stops the other."""
    curve = confidence_curve(split([(0.6, 0, True), (0.6, 0, False), (0.3, 0, True)], [2]))
    assert curve.precision == pytest.approx([0, 0.5, 2 / 3])
    assert curve.at(0.6) == 1


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param(0.9, 2, id="the last of the right ones at the top"),
        pytest.param(0.7, 4, id="beyond a dip, for more recall"),
        pytest.param(0.5, 4, id="not further than the last hit"),
        pytest.param(0.75, 4, id="met exactly"),
    ],
)
def test_the_most_recall_at_a_precision(asked: float, expected: int) -> None:
    assert at_least_precision(confidence_curve(split(ONE, [5])), asked) == expected


@pytest.mark.parametrize(("asked", "expected"), [(0.2, 1), (0.4, 2), (0.5, 4), (0.61, None)])
def test_the_most_precision_at_a_recall(asked: float, expected: int | None) -> None:
    assert at_least_recall(confidence_curve(split(ONE, [5])), asked) == expected


@pytest.mark.parametrize(("asked", "expected"), [(0.125, 2), (0.25, 4), (0.5, 4), (8, 4)])
def test_the_most_sensitivity_at_a_rate_of_false_alarms(asked: float, expected: int) -> None:
    assert at_most_false_alarms(confidence_curve(split(ONE, [5])), asked) == expected


def test_a_false_alarm_at_the_top_leaves_no_detection_where_none_is_allowed() -> None:
    curve = confidence_curve(split([(0.9, 0, False), (0.8, 0, True)], [1]))
    assert at_most_false_alarms(curve, 0.125) == 0
    assert (curve.sensitivity[0], curve.middle[0]) == (0, pytest.approx(0.95))


def test_a_confidence_is_chosen_on_val_and_used_on_test() -> None:
    other: Spec = [(0.76, 0, True), (0.74, 0, True), (0.77, 0, False)]
    table = written(split(ONE, [5]), split(other, [4], images=2), at_precision=[0.9, 0.99])
    assert point(table, "val", "precision", 0.9) == {
        "confidence": pytest.approx(0.75),
        "precision": 1.0,
        "recall": 0.4,
        "sensitivity": 0.4,
        "false_alarms": 0.0,
    }
    assert point(table, "test", "precision", 0.9) == {
        "confidence": pytest.approx(0.75),
        "precision": 0.5,
        "recall": 0.25,
        "sensitivity": 0.25,
        "false_alarms": 0.5,
    }


def test_what_val_does_not_reach_is_empty_on_both() -> None:
    table = written(split(ONE, [5]), split(ONE, [3]), at_recall=[0.9])
    for name in ("val", "test"):
        assert set(point(table, name, "recall", 0.9).values()) == {None}


def test_a_split_without_images_has_no_rows_and_one_without_objects_no_rates() -> None:
    table = written(split(ONE, [5]), split([], [0], images=0), at_precision=[0.5])
    assert {row["split"] for row in table} == {"val"}
    table = written(split(ONE, [5]), split([(0.9, 0, False)], [0], images=2), at_precision=[0.5])
    assert point(table, "test", "precision", 0.5) == {
        "confidence": pytest.approx(0.45),
        "precision": None,
        "recall": None,
        "sensitivity": None,
        "false_alarms": 0.5,
    }


def test_what_counts_of_the_matches_of_a_split() -> None:
    """A detection on a crowd does not; one of a class without objects is a false alarm."""
    box, far = (0.0, 0.0, 10.0, 10.0), (50.0, 0.0, 10.0, 10.0)
    truth = Dataset(
        [Image(1, "1.png", 100, 100), Image(2, "2.png", 100, 100)],
        [Annotation(1, 1, box, 100.0), Annotation(1, 1, far, 100.0, iscrowd=True)],
        {1: "cell", 2: "absent"},
    )
    detections = [
        *(ImageDetection(1, 1, box, 0.6), ImageDetection(1, 1, far, 0.9)),
        *(ImageDetection(2, 1, box, 0.7), ImageDetection(2, 2, far, 0.8)),
    ]
    split = pooled(match(truth, detections, ious=[0.5]))
    assert (split.images, split.objects.tolist()) == (2, [1, 0])
    assert split.confidence.tolist() == [0.8, 0.7, 0.6]
    assert split.matched.tolist() == [False, False, True]
    curve = confidence_curve(split)
    assert curve.false_alarms.tolist() == [0, 0.5, 1, 1]
    assert curve.precision == pytest.approx([0, 0, 0, 0.5]), "of the class that has objects"


@pytest.mark.parametrize("seed", range(5))
def test_every_point_is_the_best_of_all_confidences(seed: int) -> None:
    """By brute force, on random detections of three classes, one of which has no objects."""
    rng = np.random.default_rng(seed)
    count = 60
    confidence = rng.integers(1, 40, count) / 40  # with ties
    classes, right = rng.integers(0, 3, count), rng.random(count) < confidence
    right &= classes != 2
    objects = [int((right & (classes == k)).sum()) + 3 * (k < 2) for k in range(3)]
    of_split = split(list(zip(confidence, classes, right, strict=True)), objects, images=9)
    curve = confidence_curve(of_split)

    def counted(threshold: float) -> tuple[float, float, float, float]:
        there = confidence >= threshold
        hits = [int((there & right & (classes == k)).sum()) for k in range(2)]
        found = [int((there & (classes == k)).sum()) for k in range(2)]
        precision = np.mean([h / max(n, 1) for h, n in zip(hits, found, strict=True)])
        recall = np.mean([h / n for h, n in zip(hits, objects[:2], strict=True)])
        return (
            float(precision),
            float(recall),
            sum(hits) / sum(objects),
            int((there & ~right).sum()) / 9,
        )

    everywhere = [counted(threshold) for threshold in [2.0, *np.unique(confidence)]]
    for asked in (0.3, 0.6, 0.8):
        chosen = at_least_precision(curve, asked)
        possible = [r for p, r, _, _ in everywhere if p >= asked - 1e-12]
        assert (chosen is None) == (not possible)
        if chosen is not None:
            assert counted(curve.middle[chosen])[1] == pytest.approx(max(possible), abs=1e-12)
        chosen = at_least_recall(curve, asked)
        possible = [p for p, r, _, _ in everywhere if r >= asked - 1e-12]
        assert (chosen is None) == (not possible)
        if chosen is not None:
            assert counted(curve.middle[chosen])[0] == pytest.approx(max(possible), abs=1e-12)
    for asked in (0.125, 0.5, 2.0):
        chosen = at_most_false_alarms(curve, asked)
        best = max(s for _, _, s, f in everywhere if f <= asked)
        assert counted(curve.middle[chosen])[2] == pytest.approx(best, abs=1e-12)
