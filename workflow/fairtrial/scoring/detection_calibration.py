"""Calibration: how often detections, or classes of images, of a confidence are right.

D-ECE is the detection expected calibration error of Küppers, Kronenberger, Shantia and Haselhoff
(2020): Multivariate Confidence Calibration for Object Detection, CVPR Workshops: the mean of
|precision - mean confidence| over bins of confidence, weighted by their detections. Here: bins by
confidence alone (not by place or size), 20 of equal width; all classes together, while a detection
is right only if it matches an object of its own class; COCO's matching at one IoU; detections on
crowds left out; and only detections above a confidence of 0.3, since else the thousands that no one
looks at, of which nearly all are wrong and say so, would make any detector look calibrated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fairtrial.scoring.matching import Flags, Floats, Integers
from fairtrial.scoring.pooled_detections import PooledDetections
from fairtrial.scoring.scores import Row

CALIBRATION = ("split", "low", "high", "count", "confidence", "precision")
BINS = 20
LEAST_CONFIDENCE = 0.3  # above which detections count in D-ECE


@dataclass(frozen=True)
class ConfidenceBins:
    """Predictions in bins of confidence of equal width, arrays (bins,): how many there are, their
    mean confidence and the share that is right, both NaN in an empty bin."""

    count: Integers
    confidence: Floats
    precision: Floats


def binned(confidence: Floats, right: Flags, bins: int = BINS) -> ConfidenceBins:
    """Predictions (n,) in bins; one on an edge is in the lower bin, as in `class_metrics`."""
    number = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    count = np.bincount(number, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(number, confidence, minlength=bins) / count
        precision = np.bincount(number, right, minlength=bins) / count
    return ConfidenceBins(count, mean, precision)


def rows(splits: Mapping[str, PooledDetections]) -> Iterator[Row]:
    """Rows of CALIBRATION, one a bin, of splits that have images."""
    for name, split in splits.items():
        if split.images:
            yield from bin_rows(name, binned(split.confidence, split.matched))


def bin_rows(split: str, bins: ConfidenceBins) -> Iterator[Row]:
    """The rows of one split; cells of an empty bin are None."""
    width = 1 / len(bins.count)
    for number, count in enumerate(bins.count):
        mean, precision = bins.confidence[number], bins.precision[number]
        cells = (float(mean), float(precision)) if count else (None, None)
        low, high = round(number * width, 10), round((number + 1) * width, 10)
        yield (split, low, high, int(count), *cells)


def expected_error(
    count: Sequence[int], confidence: Sequence[float], precision: Sequence[float]
) -> float | None:
    """The mean of |precision - confidence| over bins, weighted by `count`; None if all are empty.
    The other two are NaN where a bin is empty."""
    counts = np.asarray(count, dtype=float)
    if not counts.sum():
        return None
    gaps = np.abs(np.asarray(precision) - np.asarray(confidence))
    return float(np.nansum(counts * gaps) / counts.sum())
