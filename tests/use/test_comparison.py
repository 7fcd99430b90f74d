"""What an export costs: by the scorer of the runs, on paired resamples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fairtrial.data.dataset import Annotation, Dataset, Image
from fairtrial.scoring import coco_metrics, matching, predictions
from fairtrial.scoring.resampling import UnitDraws, draw
from fairtrial.use.comparison import (
    ComparedMetric,
    Outcome,
    compared,
    default_tolerance,
)

IMAGES = [Image(n, f"{n}.png", 100, 100) for n in range(1, 21)]
BOXES = Dataset(
    IMAGES,
    [Annotation(n, n % 2 + 1, (10.0, 10.0, 30.0, 40.0), 1200.0, id=n) for n in range(1, 21)],
    {1: "cat", 2: "dog", 3: "bird"},
)
CLASSES = Dataset(
    IMAGES, [Annotation(n, n % 2 + 1, None, id=n) for n in range(1, 21)], {1: "a", 2: "b"}
)


def draws() -> UnitDraws:
    return draw(IMAGES, [], "images", "ab" * 32)


def detections(shift: float, worst: int = 20) -> Outcome:
    """A box an image; those of images up to `worst` are shifted."""
    rows: list[dict[str, Any]] = [
        {
            "image_id": n,
            "category_id": n % 2 + 1,
            "bbox": [10.0 + (shift if n <= worst else 0), 10.0, 30.0, 40.0],
            "score": round(1 - n / 100, 2),
        }
        for n in range(1, 21)
    ]
    return Outcome(rows, [{"inference": 2.0}, {"inference": 4.0, "postprocess": 1.0}])


def test_the_metric_is_that_of_a_run() -> None:
    """AP of both, of all classes and of each, as the stage `validate` computes it."""
    original, exported = detections(2.0), detections(6.0, 7)
    rows = compared(BOXES, draws(), original, exported)
    assert [row.of_class for row in rows] == ["all", "cat", "dog", "bird"]
    for outcome, name in ((original, "original"), (exported, "exported")):
        ids = {image.id for image in IMAGES}
        found = predictions.parse(list(outcome.rows), "x", ids, BOXES.categories)
        pairs = matching.overlaps(BOXES, found)
        coco = coco_metrics.evaluate(matching.by_size(pairs))
        by_class = coco_metrics.metrics_by_class(coco)
        expected = [coco_metrics.metrics(coco)["AP"], by_class[1]["AP"], by_class[2]["AP"]]
        assert [getattr(row, name) for row in rows[:3]] == pytest.approx(expected, abs=1e-6)
    assert rows[0].difference == pytest.approx(rows[0].exported - rows[0].original, abs=2e-6)
    assert rows[0].low < rows[0].difference < rows[0].high
    assert rows[3] == ComparedMetric(
        of_class="bird", original=None, exported=None, difference=None, low=None, high=None
    )


def test_equal_predictions_differ_by_nothing_whatever_images_are_drawn() -> None:
    """The resamples are paired: by others the interval would be as wide as that of AP."""
    overall = compared(BOXES, draws(), detections(2.0, 7), detections(2.0, 7))[0]
    assert (overall.difference, overall.low, overall.high) == (0, 0, 0)
    assert 0 < overall.original < 1


def probabilities(right: int) -> Outcome:
    """Of 20 images the first `right` are classified rightly."""
    rows = []
    for n in range(1, 21):
        of_second = 0.9 if (n % 2 == 1) == (n <= right) else 0.1
        rows.append({"image_id": n, "scores": [1 - of_second, of_second]})
    return Outcome(rows, [{"inference": 1.0}])


def test_classes_are_compared_by_accuracy_and_recall() -> None:
    rows = compared(CLASSES, draws(), probabilities(20), probabilities(15))
    assert [(row.of_class, row.original, row.exported) for row in rows] == [
        ("all", 1.0, 0.75),
        ("a", 1.0, 0.7),
        ("b", 1.0, 0.8),
    ]
    assert rows[0].low < -0.25 < rows[0].high < 0
    assert rows[0].high - rows[0].low == pytest.approx(
        2 * 2.09 * np.sqrt(0.75 * 0.25 / 19), rel=0.1
    )


@pytest.mark.parametrize(
    ("low", "high", "tolerance"),
    [
        (-0.01, 0.0, 0.005),
        (-0.0001, 0.0001, 0.002),
        (-0.2, 0.2, 0.02),
        (None, None, 0.002),
    ],
    ids=["half the width", "not below a box", "capped", "no interval"],
)
def test_the_tolerance_is_what_the_interval_allows(
    low: float | None, high: float | None, tolerance: float
) -> None:
    row = ComparedMetric(
        of_class="all", original=0.5, exported=0.5, difference=0.0, low=low, high=high
    )
    assert default_tolerance(row) == tolerance


def test_the_time_of_an_image_is_the_median_of_sums() -> None:
    assert detections(0).milliseconds == 3.5
