"""Operating points: what a detector finds, and at what price, at confidences chosen on val.

- the most recall at a precision that is asked for, and the most precision at a recall;
- FROC (free-response operating characteristic): the sensitivity at 1/8 to 8 false alarms an image,
  as in Setio et al. (2017): Validation, comparison, and combination of algorithms for automatic
  detection of pulmonary nodules in CT images: the LUNA16 challenge. Medical Image Analysis 42.

Precision and recall are means over the classes that have objects, as in metrics.json. The
sensitivity is the share of all objects that are found, and a false alarm a detection without a
match, both whatever the class. Every confidence is chosen on val, the middle of those that give the
same result there, and then used on test.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fairtrial.scoring.matching import Flags, Floats
from fairtrial.scoring.pooled_detections import PooledDetections
from fairtrial.scoring.scores import Row

OPERATING_POINTS = (
    *("split", "kind", "asked", "confidence"),
    *("precision", "recall", "sensitivity", "false_alarms"),
)
PRECISION, RECALL, FALSE_ALARMS = "precision", "recall", "false_alarms"  # what was asked for
CURVE = "froc_curve"  # kind of the rows that draw the FROC curve of the split itself
FALSE_ALARM_RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)  # an image
CURVE_RATES: list[float] = np.exp2(np.arange(-16, 17) / 4).tolist()  # 1/16 to 16 an image
TOLERANCE = 1e-9  # of sums of rates, against a bound that is asked for


@dataclass(frozen=True)
class ConfidenceCurve:
    """The rates of one split at each of P falling confidences, arrays (P,).

    The first point has no detection, each further one those from `confidence` on. `middle` is the
    middle of the confidences that give the same detections.
    """

    confidence: Floats
    middle: Floats
    precision: Floats
    recall: Floats
    sensitivity: Floats
    false_alarms: Floats

    def at(self, confidence: float) -> int:
        """The point of the detections from a confidence on."""
        return int(np.searchsorted(-self.confidence, -confidence, side="right")) - 1


def confidence_curve(split: PooledDetections) -> ConfidenceCurve:
    """The rates at every confidence. Without objects recall, sensitivity and precision are NaN."""
    ends = np.flatnonzero(np.diff(split.confidence, append=-np.inf))  # last of equal ones
    hits = np.cumsum(split.matched)[ends]
    values = split.confidence[ends]
    confidence = np.concatenate(([np.inf], values))
    low, high = np.append(values, 0.0), np.concatenate(([1.0], values))
    precision, recall = _macro(split)
    total = int(split.objects.sum())
    return ConfidenceCurve(
        confidence=confidence,
        middle=(low + high) / 2,
        precision=np.concatenate(([0.0], precision[ends])) if total else np.full(len(low), np.nan),
        recall=np.concatenate(([0.0], recall[ends])) if total else np.full(len(low), np.nan),
        sensitivity=np.concatenate(([0], hits)) / total if total else np.full(len(low), np.nan),
        false_alarms=np.concatenate(([0], ends + 1 - hits)) / max(split.images, 1),
    )


def _macro(split: PooledDetections) -> tuple[Floats, Floats]:
    """Mean precision and recall, over the classes that have objects, after each detection (D,).

    Each detection changes the rates of its own class alone, so the means are running sums.
    """
    gain = np.zeros((2, len(split.confidence)))
    counted = np.flatnonzero(split.objects)
    for number in counted:
        rows = np.flatnonzero(split.classes == number)
        hits = np.cumsum(split.matched[rows])
        precision, recall = hits / np.arange(1, len(rows) + 1), hits / split.objects[number]
        gain[0, rows], gain[1, rows] = np.diff(precision, prepend=0), np.diff(recall, prepend=0)
    precision, recall = np.cumsum(gain, axis=1) / max(len(counted), 1)
    return precision, recall


def rows(
    splits: Mapping[str, PooledDetections],
    at_precision: Sequence[float],
    at_recall: Sequence[float],
) -> Iterator[Row]:
    """Rows of OPERATING_POINTS, of splits that have images.

    A confidence that nothing on val allows is None, and so are the rates at it. Where val was not
    predicted, there are only the FROC curves of the splits themselves.
    """
    curves = {name: confidence_curve(split) for name, split in splits.items() if split.images}
    val = curves.get("val")
    chosen = _chosen(val, at_precision, at_recall) if val else []
    for name, curve in curves.items():
        for kind, asked, point in chosen:
            confidence = None if val is None or point is None else float(val.middle[point])
            yield (name, kind, asked, confidence, *_rates(curve, confidence))
        for asked in CURVE_RATES:
            point = at_most_false_alarms(curve, asked)
            yield (name, CURVE, asked, *_rounded(curve, point))


def _chosen(
    val: ConfidenceCurve, at_precision: Sequence[float], at_recall: Sequence[float]
) -> list[tuple[str, float, int | None]]:
    """What is asked for: its kind, its value, and the point of val that gives it."""
    return [
        *((PRECISION, asked, at_least_precision(val, asked)) for asked in at_precision),
        *((RECALL, asked, at_least_recall(val, asked)) for asked in at_recall),
        *((FALSE_ALARMS, asked, at_most_false_alarms(val, asked)) for asked in FALSE_ALARM_RATES),
    ]


def at_least_precision(curve: ConfidenceCurve, asked: float) -> int | None:
    """The point of the most recall whose precision is at least `asked`."""
    allowed = np.flatnonzero(curve.precision >= asked - TOLERANCE)
    return _first_equal(curve.recall, int(allowed[-1])) if len(allowed) else None


def at_least_recall(curve: ConfidenceCurve, asked: float) -> int | None:
    """The point of the most precision whose recall is at least `asked`."""
    allowed: Flags = curve.recall >= asked - TOLERANCE
    if not allowed.any():
        return None
    return int(np.argmax(np.where(allowed, curve.precision.round(12), -1)))


def at_most_false_alarms(curve: ConfidenceCurve, asked: float) -> int:
    """The point of the most sensitivity with at most `asked` false alarms an image."""
    last = int(np.flatnonzero(curve.false_alarms <= asked + TOLERANCE)[-1])
    return _first_equal(curve.sensitivity, last)


def _first_equal(rising: Floats, point: int) -> int:
    """The first point at which a rate, which only rises, has the value that it has at `point`: what
    comes between are false alarms."""
    return min(point, int(np.searchsorted(rising, rising[point] - TOLERANCE)))


def _rates(curve: ConfidenceCurve, confidence: float | None) -> tuple[float | None, ...]:
    """Precision, recall, sensitivity and false alarms an image at a confidence."""
    if confidence is None:
        return None, None, None, None
    return _rounded(curve, curve.at(confidence))[1:]


def _rounded(curve: ConfidenceCurve, point: int) -> tuple[float | None, ...]:
    """The cells of one point, its middle confidence first; None where a rate is undefined."""
    columns = (curve.middle, curve.precision, curve.recall, curve.sensitivity, curve.false_alarms)
    values = (float(column[point].round(12)) for column in columns)
    return tuple(None if np.isnan(value) else value for value in values)
