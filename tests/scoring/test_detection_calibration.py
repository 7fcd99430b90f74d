"""Calibration of detections: bins by hand, and scikit-learn as the reference."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fairtrial.scoring.detection_calibration import (
    CALIBRATION,
    ConfidenceBins,
    binned,
    expected_error,
    rows,
)
from fairtrial.scoring.pooled_detections import PooledDetections


def detections(confidence: list[float], right: list[int]) -> PooledDetections:
    return PooledDetections(
        images=2,
        objects=np.array([3]),
        classes=np.zeros(len(confidence), dtype=np.int64),
        confidence=np.array(confidence),
        matched=np.array(right, dtype=bool),
    )


def test_a_row_a_bin_with_empty_ones() -> None:
    split = detections([1.0, 0.96, 0.30, 0.02], [1, 0, 1, 0])
    table = [dict(zip(CALIBRATION, row, strict=True)) for row in rows({"val": split})]
    assert len(table) == 20
    assert table[-1] == {
        "split": "val", "low": 0.95, "high": 1.0, "count": 2, "confidence": 0.98, "precision": 0.5,
    }  # fmt: skip
    assert (table[5]["low"], table[5]["high"], table[5]["count"]) == (0.25, 0.3, 1)
    assert (table[6]["count"], table[6]["confidence"], table[6]["precision"]) == (0, None, None)
    assert list(rows({"test": PooledDetections(0, *([np.zeros(0)] * 4))})) == []  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(3))
def test_bins_equal_those_of_scikit_learn(seed: int) -> None:
    from sklearn.calibration import calibration_curve

    rng = np.random.default_rng(seed)
    confidence = rng.random(500)
    right = rng.random(500) < confidence**2
    bins = binned(confidence, right)
    precision, mean = calibration_curve(right, confidence, n_bins=20)
    assert bins.precision[bins.count > 0] == pytest.approx(precision)
    assert bins.confidence[bins.count > 0] == pytest.approx(mean)


def test_the_error_is_the_mean_gap_weighted_by_detections() -> None:
    bins = ConfidenceBins(
        np.array([3, 0, 1]), np.array([0.2, math.nan, 0.9]), np.array([0.5, math.nan, 0.8])
    )
    error = expected_error(bins.count.tolist(), bins.confidence.tolist(), bins.precision.tolist())
    assert error == pytest.approx((3 * 0.3 + 0.1) / 4)
    assert expected_error([0, 0], [math.nan] * 2, [math.nan] * 2) is None
