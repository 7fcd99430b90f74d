"""What validate writes, as plain rows: nothing here knows of files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fairtrial.data.dataset import Dataset
from fairtrial.scoring import coco_metrics, confusion, curves
from fairtrial.scoring.predictions import ImageDetection, strongest
from fairtrial.scoring.scores import Row

PER_CLASS = ("split", "class", "images", "objects", "AP", "AP50", "precision", "recall", "f1")
CURVES = ("split", "curve", "x", "y")
CONFUSION = ("split", "truth", "predicted", "count")


@dataclass(frozen=True)
class Measured:
    """One side of a split with what was measured on it: pycocotools' evaluations `standard`
    and `one_iou` (see `detection`); the detections that count in the latter, all of them in
    `detections`, and by category id in `classes`."""

    truth: Dataset
    detections: Sequence[ImageDetection]
    standard: Any
    one_iou: Any
    classes: dict[int, curves.Ranked]


Sides = Mapping[str, Measured]


def measure(
    truth: Dataset, detections: Sequence[ImageDetection], *, iou: float, max_det: int
) -> Measured:
    """Score the detections of one side, all of them in order; `truth` is that side alone."""
    one_iou = coco_metrics.at_one_iou(truth, detections, iou, max_det)
    return Measured(
        truth,
        strongest(detections, max_det),
        coco_metrics.standard(truth, detections),
        one_iou,
        curves.ranked(one_iou),
    )


def metrics(side: Measured, confidence: float) -> dict[str, float | int | None] | None:
    """The entry of one side in metrics.json; None for a side without images.

    Objects are those that can be found: a crowd is not one.
    """
    if not side.truth.images:
        return None
    mean = curves.macro(side.classes, np.array([confidence]))
    return {
        **coco_metrics.metrics(side.standard),
        "precision": coco_metrics.defined(mean.precision[0]),
        "recall": coco_metrics.defined(mean.recall[0]),
        "f1": coco_metrics.defined(mean.f1[0]),
        "images": len(side.truth.images),
        "objects": sum(one.objects for one in side.classes.values()),
    }


def per_class_rows(sides: Sides, confidence: float) -> Iterator[Row]:
    """A row a class, as PER_CLASS; figures are None for a class without objects."""
    for split, side in _with_images(sides):
        figures = coco_metrics.metrics_by_class(side.standard)
        for category, name in sorted(side.truth.categories.items()):
            counts = _images_and_objects(side.truth, category)
            if category not in side.classes:
                yield (split, name, *counts, None, None, None, None, None)
                continue
            at = curves.rates(side.classes[category], np.array([confidence]))
            ap = figures[category].values()
            yield (split, name, *counts, *ap, at.precision[0], at.recall[0], at.f1[0])


def curve_rows(sides: Sides) -> Iterator[Row]:
    """Four curves a side in 101 points each, as CURVES; y is None without objects."""
    confidences = np.arange(101) / 100
    for split, side in _with_images(sides):
        mean = curves.macro(side.classes, confidences)
        points = {
            "precision_recall": coco_metrics.precision_over_recall(side.one_iou),
            "precision_confidence": (confidences, mean.precision),
            "recall_confidence": (confidences, mean.recall),
            "f1_confidence": (confidences, mean.f1),
        }
        for curve, (xs, ys) in points.items():
            for x, y in zip(xs, ys, strict=True):
                yield split, curve, float(x), coco_metrics.defined(y)


def confusion_rows(sides: Sides, confidence: float, iou: float) -> Iterator[Row]:
    """Every pair of classes, background the last of them, as CONFUSION."""
    for split, side in _with_images(sides):
        names = {**side.truth.categories, confusion.BACKGROUND: "background"}
        counts = confusion.matrix(side.truth, side.detections, confidence, iou)
        for (true, predicted), count in counts.items():
            yield split, names[true], names[predicted], count


def _with_images(sides: Sides) -> Iterator[tuple[str, Measured]]:
    return ((split, side) for split, side in sides.items() if side.truth.images)


def _images_and_objects(truth: Dataset, category: int) -> tuple[int, int]:
    found = [a for a in truth.annotations if a.category_id == category and not a.iscrowd]
    return len({a.image_id for a in found}), len(found)
