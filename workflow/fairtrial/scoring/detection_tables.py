"""Metrics of detections, and the rows of per_class.csv, curves.csv and confusion.csv.

Rows are tuples of cells; `validate` writes them. A split without images has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fairtrial.data.dataset import Dataset
from fairtrial.scoring import (
    class_spreads,
    coco_metrics,
    confusion,
    curves,
    detection_resamples,
    error_kinds,
    matching,
)
from fairtrial.scoring.class_spreads import ClassSpreads
from fairtrial.scoring.error_kinds import DetectionErrors
from fairtrial.scoring.matching import Matches, Overlaps
from fairtrial.scoring.predictions import ImageDetection, strongest
from fairtrial.scoring.resamples import ResamplesFile
from fairtrial.scoring.resampling import UnitDraws
from fairtrial.scoring.scores import DetectionMetrics, Row

CLASS_METRICS = ("AP", "AP50", "precision", "recall", "f1")
PER_CLASS = (
    *("split", "class", "images", "objects"),
    *CLASS_METRICS,
    *class_spreads.columns(CLASS_METRICS),
)


@dataclass(frozen=True)
class MeasuredSplit:
    """One split with what was measured on it.

    `pairs` are the overlaps that all matches come from; `sizes` the matches of COCO's protocol by
    range of areas, and `coco` what follows from them, `max_detections` how many detections count
    beside COCO's number; `at_one_iou` those at the IoU and number of
    detections that settings name. The detections that count in the latter are all in
    `detections`, and by category id in `classes`. `errors`: the kind of each, at the IoU of AP50.
    """

    truth: Dataset
    detections: Sequence[ImageDetection]
    pairs: Overlaps
    sizes: Mapping[str, Matches]
    coco: coco_metrics.CocoEvaluation
    at_one_iou: Matches
    classes: dict[int, curves.RankedDetections]
    errors: DetectionErrors
    max_detections: int | None


Splits = Mapping[str, MeasuredSplit]


def measure(
    truth: Dataset,
    detections: Sequence[ImageDetection],
    *,
    iou: float,
    max_det: int,
    max_detections: int | None = None,
) -> MeasuredSplit:
    """Evaluate the detections of one split, in the order of `predictions.parse`, against `truth`,
    the ground truth of that split alone."""
    pairs = matching.overlaps(truth, detections, min(iou, matching.COCO_IOUS[0]))
    sizes = matching.by_size(pairs)
    at_one_iou = matching.match_pairs(pairs, [iou], max_det=max_det)
    return MeasuredSplit(
        truth,
        strongest(detections, max_det),
        pairs,
        sizes,
        coco_metrics.evaluate(sizes),
        at_one_iou,
        curves.ranked(at_one_iou),
        error_kinds.find(truth, detections),
        max_detections,
    )


def metrics(split: MeasuredSplit, confidence: float | None) -> DetectionMetrics:
    """The metrics of one split that has images; without a confidence no precision, recall and F1.
    Crowds are not counted as objects."""
    known = {} if confidence is None else split.classes
    mean = curves.macro(known, np.array([confidence or 0.0]))
    return DetectionMetrics.model_validate(
        {
            **coco_metrics.metrics(split.coco),
            **_of_own_number(split),
            "precision": coco_metrics.defined(mean.precision[0]),
            "recall": coco_metrics.defined(mean.recall[0]),
            "f1": coco_metrics.defined(mean.f1[0]),
            "images": len(split.truth.images),
            "objects": sum(ranking.objects for ranking in split.classes.values()),
        }
    )


def _of_own_number(split: MeasuredSplit) -> dict[str, float | None]:
    """The metrics where `max_detections` count; none without."""
    if (count := split.max_detections) is None:
        return {}
    matches = matching.match_pairs(split.pairs, matching.COCO_IOUS, max_det=count)
    return coco_metrics.metrics_of(matches, count)


def per_class_rows(
    splits: Splits, confidence: float | None, spreads: Mapping[str, ClassSpreads]
) -> Iterator[Row]:
    """Rows of PER_CLASS, one a class; metrics are None for a class without objects. `spreads`:
    those of each split's classes, by rising id."""
    for name, split in with_images(splits):
        aps = coco_metrics.metrics_by_class(split.coco)
        for number, (category, label) in enumerate(sorted(split.truth.categories.items())):
            counts = _images_and_objects(split.truth, category)
            cells = spreads[name].cells(number)
            if category not in split.classes:
                yield (name, label, *counts, None, None, None, None, None, *cells)
                continue
            ap = aps[category]
            rates = _class_rates(split.classes[category], confidence)
            yield (name, label, *counts, ap["AP"], ap["AP50"], *rates, *cells)


def _class_rates(
    ranking: curves.RankedDetections, confidence: float | None
) -> tuple[float | None, float | None, float | None]:
    """Precision, recall and F1 of one class at a confidence; None without one."""
    if confidence is None:
        return None, None, None
    at = curves.rates(ranking, np.array([confidence]))
    return at.precision[0], at.recall[0], at.f1[0]


def curve_rows(splits: Splits) -> Iterator[Row]:
    """Rows of CURVES: four curves a split, 101 points each; y is None without objects."""
    confidences = np.arange(101) / 100
    for name, split in with_images(splits):
        mean = curves.macro(split.classes, confidences)
        precision = coco_metrics.precision_over_recall(split.at_one_iou)
        points = {
            "precision_recall": (coco_metrics.RECALLS, precision),
            "precision_confidence": (confidences, mean.precision),
            "recall_confidence": (confidences, mean.recall),
            "f1_confidence": (confidences, mean.f1),
        }
        for curve, (xs, ys) in points.items():
            for x, y in zip(xs, ys, strict=True):
                yield name, curve, float(x), coco_metrics.defined(y)


def confusion_rows(splits: Splits, confidence: float | None, iou: float) -> Iterator[Row]:
    """Rows of CONFUSION: every pair of classes; background is the last class. None without a
    confidence."""
    if confidence is None:
        return
    for name, split in with_images(splits):
        labels = {**split.truth.categories, confusion.BACKGROUND: "background"}
        matrix = confusion.matrix(split.truth, split.detections, confidence, iou)
        for (true, predicted), count in matrix.items():
            yield name, labels[true], labels[predicted], count


def resampled(
    splits: Splits, confidence: float | None, draws: Mapping[str, UnitDraws]
) -> tuple[ResamplesFile, dict[str, ClassSpreads]]:
    """The metrics of each split on its resamples, and the spreads of its classes."""
    found = {
        name: detection_resamples.resampled(split.sizes, split.at_one_iou, confidence, draws[name])
        for name, split in with_images(splits)
    }
    file = ResamplesFile({name: resamples for name, (resamples, _) in found.items()})
    return file, {name: spreads for name, (_, spreads) in found.items()}


def with_images(splits: Splits) -> Iterator[tuple[str, MeasuredSplit]]:
    """The splits that have images, with their names."""
    return ((name, split) for name, split in splits.items() if split.truth.images)


def _images_and_objects(truth: Dataset, category: int) -> tuple[int, int]:
    """How many images have objects of a category, and how many objects there are, no crowds."""
    objects = [a for a in truth.annotations if a.category_id == category and not a.iscrowd]
    return len({a.image_id for a in objects}), len(objects)
