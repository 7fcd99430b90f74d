"""Precision, recall and F1 over confidence, counted from pycocotools' own matches.

A detection counts at confidence c if its score is at least c. One that pycocotools ignores
(it lies on a crowd) is neither right nor wrong. Means are over the classes that have
objects (crowds are not counted as objects); precision is 0 where a class has no detection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ranked:
    """The counted detections of one class: `scores` falling, `right` true where one matched
    an object, both of shape (n,); `objects` is the number of objects to be found."""

    objects: int
    scores: Floats
    right: NDArray[np.bool_]


@dataclass(frozen=True)
class Rates:
    """Precision, recall and F1 in 0..1, all of one shape: (points,)."""

    precision: Floats
    recall: Floats
    f1: Floats


def ranked(evaluation: Any) -> dict[int, Ranked]:
    """Counted detections by category id, from an evaluation `at_one_iou`; only the classes
    that have objects."""
    parts: dict[int, list[dict[str, Any]]] = {}
    for image in evaluation.evalImgs:
        if image is not None:
            parts.setdefault(int(image["category_id"]), []).append(image)
    classes = {category: _ranked_class(parts[category]) for category in sorted(parts)}
    return {category: one for category, one in classes.items() if one.objects}


def rates(one: Ranked, confidences: Floats) -> Rates:
    """The rates of one class, which has objects, at each of `confidences` (points,)."""
    counted = np.searchsorted(-one.scores, -confidences, side="right")
    right = np.concatenate(([0], np.cumsum(one.right)))[counted]
    return Rates(
        # Without a detection `right` is 0 and so is precision.
        precision=right / np.maximum(counted, 1),
        recall=right / one.objects,
        f1=2 * right / (counted + one.objects),
    )


def macro(classes: dict[int, Ranked], confidences: Floats) -> Rates:
    """Mean rates over the classes at each of `confidences` (points,); NaN without classes.

    F1 is the mean of the classes' F1, not the F1 of the mean precision and recall.
    """
    if not classes:
        nothing = np.full(len(confidences), np.nan)
        return Rates(nothing, nothing, nothing)
    total = np.zeros((3, len(confidences)))
    for one in classes.values():  # summed one by one: all at once is large for many classes
        each = rates(one, confidences)
        total += (each.precision, each.recall, each.f1)
    return Rates(*(total / len(classes)))


def best_confidence(classes: dict[int, Ranked]) -> float:
    """The confidence that maximises macro F1: exact, since F1 changes at scores only.

    Of equally good ones the lowest, which finds the most objects; 0 without detections.
    """
    scores = [one.scores for one in classes.values()]
    candidates = np.unique(np.concatenate([*scores, np.empty(0)]))
    if not len(candidates):
        return 0.0
    # Rounded so that the order of a sum cannot break a tie; argmax takes the first.
    f1 = macro(classes, candidates).f1.round(12)
    return float(candidates[np.argmax(f1)])


def _ranked_class(images: list[dict[str, Any]]) -> Ranked:
    scores = np.concatenate([np.asarray(image["dtScores"], dtype=float) for image in images])
    matched = np.concatenate([image["dtMatches"][0] > 0 for image in images])
    counted = ~np.concatenate([image["dtIgnore"][0].astype(bool) for image in images])
    order = np.argsort(-scores[counted], kind="stable")
    objects = sum(int(np.count_nonzero(image["gtIgnore"] == 0)) for image in images)
    return Ranked(objects, scores[counted][order], matched[counted][order])
