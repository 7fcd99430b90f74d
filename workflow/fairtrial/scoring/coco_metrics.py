"""COCO's twelve metrics of detections, and AP by class, from matches.

The formulas are pycocotools', to the order of its sums, so that every metric equals its own to
the last bit; tests compare them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypedDict

import numpy as np

from fairtrial.data.dataset import Dataset
from fairtrial.scoring.matching import MAX_DET, Flags, Floats, Matches

# In pycocotools' order, which COCOeval.stats has, too.
METRICS = (
    *("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large"),
    *("AR_1", "AR_10", "AR_100", "AR_small", "AR_medium", "AR_large"),
)
RECALLS: Floats = np.linspace(0.0, 1.0, 101)
SIZES = ("small", "medium", "large")
UNDEFINED = -1.0  # pycocotools' precision and recall of a class without objects


@dataclass(frozen=True)
class CocoEvaluation:
    """Precision and recall of C classes by COCO's protocol, at T IoUs; UNDEFINED where a class has
    no object. The ranges of areas are `all`, `small`, `medium` and `large`."""

    ious: Floats  # (T,)
    category_ids: list[int]  # C
    precision: Mapping[str, Floats]  # by range of areas: interpolated, at RECALLS, (T, 101, C)
    recall: Mapping[str, Floats]  # by name of the metric AR_…, (T, C)


def evaluate(sizes: Mapping[str, Matches]) -> CocoEvaluation:
    """COCO's standard evaluation from the matches of each range of areas (`matching.by_size`)."""
    everything = sizes["all"]
    recall = {f"AR_{count}": _recall(everything, count) for count in (1, 10, 100)}
    recall |= {f"AR_{size}": _recall(sizes[size], MAX_DET) for size in SIZES}
    precision = {name: interpolated_precision(matches) for name, matches in sizes.items()}
    return CocoEvaluation(everything.ious, everything.category_ids.tolist(), precision, recall)


def metrics(evaluation: CocoEvaluation) -> dict[str, float | None]:
    """The twelve metrics, 0..1; None where COCO has -1 (no such object)."""
    precision, ious = evaluation.precision, evaluation.ious
    values = {
        "AP": precision["all"],
        "AP50": precision["all"][ious == 0.5],
        "AP75": precision["all"][ious == 0.75],
        **{f"AP_{size}": precision[size] for size in SIZES},
        **evaluation.recall,
    }
    return {name: _mean(values[name]) for name in METRICS}


def metrics_of(matches: Matches, max_det: int) -> dict[str, float | None]:
    """AP, AP50 and AR at COCO's IoUs, as pycocotools has them with `maxDets` of `max_det`: from
    matches of as many detections of each image and class."""
    precision = interpolated_precision(matches)
    return {
        "AP_max_detections": _mean(precision),
        "AP50_max_detections": _mean(precision[matches.ious == 0.5]),
        "AR_max_detections": _mean(_recall(matches, max_det)),
    }


class ClassAP(TypedDict):
    """AP and AP50 of one class, 0..1; None where it has no objects."""

    AP: float | None
    AP50: float | None


def metrics_by_class(evaluation: CocoEvaluation) -> dict[int, ClassAP]:
    """AP and AP50 by category id."""
    precision = evaluation.precision["all"]
    return {
        category: {
            "AP": defined(precision[:, :, k].mean()),
            "AP50": defined(precision[0, :, k].mean()),
        }
        for k, category in enumerate(evaluation.category_ids)
    }


def highest_ap(truth: Dataset) -> float | None:
    """AP of a perfect detector: below 1 where an image has more than MAX_DET objects of a class,
    for no more detections count. None without objects."""
    objects = Counter((a.category_id, a.image_id) for a in truth.annotations if not a.iscrowd)
    found, total = Counter[int](), Counter[int]()
    for (category, _), count in objects.items():
        found[category] += min(count, MAX_DET)
        total[category] += count
    recalls = [found[category] / total[category] for category in total]
    reached = np.searchsorted(RECALLS, recalls, side="right")
    return float(np.mean(reached / len(RECALLS))) if recalls else None


def precision_over_recall(matches: Matches) -> Floats:
    """COCO's interpolated precision at each of RECALLS, at the first IoU; mean over the classes
    that have objects, NaN if none has."""
    precision = interpolated_precision(matches)[0]
    with_objects = precision[:, (precision > UNDEFINED).all(axis=0)]
    if not with_objects.size:
        return np.full(len(precision), np.nan)
    mean: Floats = with_objects.mean(axis=1)
    return mean


def interpolated_precision(matches: Matches) -> Floats:
    """The highest precision at each of RECALLS or above, (T, 101, C): 0 where recall stays below;
    UNDEFINED for a class without objects."""
    objects = matches.objects.sum(axis=0)
    result = np.full((len(matches.ious), len(RECALLS), len(objects)), UNDEFINED)
    for number in np.flatnonzero(objects).tolist():
        inside = matches.of_class(number)
        matched = matches.matched[:, inside]
        wrong = ~(matched | matches.ignored[:, inside])
        result[:, :, number] = _interpolated(matched, wrong, int(objects[number]))
    return result


def _interpolated(matched: Flags, wrong: Flags, objects: int) -> Floats:
    """`interpolated_precision` of one class from its detections, best first, (T, d): (T, 101)."""
    hits = np.cumsum(matched, axis=1).astype(np.float64)
    misses = np.cumsum(wrong, axis=1).astype(np.float64)
    precision = hits / (misses + hits + np.spacing(1))
    highest = np.zeros((len(hits), hits.shape[1] + 1))  # 0 behind the last one
    highest[:, :-1] = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    recall = hits / objects
    reached = [np.searchsorted(row, RECALLS, side="left") for row in recall]
    return np.take_along_axis(highest, np.array(reached), axis=1)


def _recall(matches: Matches, max_det: int) -> Floats:
    """The share of objects that are found by the first `max_det` detections of each image and
    class, (T, C); UNDEFINED for a class without objects."""
    objects = matches.objects.sum(axis=0)
    counted = matches.matched & (matches.rank < max_det)
    hits = [np.bincount(matches.detection_class[row], minlength=len(objects)) for row in counted]
    undefined = np.full((len(hits), len(objects)), UNDEFINED)
    recall: Floats = np.divide(np.array(hits), objects, out=undefined, where=objects > 0)
    return recall


def _mean(values: Floats) -> float | None:
    """The mean of all that is defined; None where nothing is."""
    present = values[values > UNDEFINED]
    return float(np.mean(present)) if len(present) else None


def defined(value: float) -> float | None:
    """`value`; None where it is UNDEFINED, or the mean over no class is NaN."""
    return None if value < 0 or math.isnan(value) else float(value)
