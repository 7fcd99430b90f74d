"""Precision, recall and F1 over confidence, counted from matches.

A detection counts at a confidence if its own is at least as high. One that is ignored
(it lies on a crowd region) is neither right nor wrong. Means are over the classes that have
objects (crowds are not counted as objects); precision is 0 where a class has no detection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairtrial.scoring.matching import Floats, Matches


@dataclass(frozen=True)
class RankedDetections:
    """The counted detections of one class: `confidences` falling, `matched` true where one
    matched an object, both of shape (n,); `objects` is the number of objects to be found."""

    objects: int
    confidences: Floats
    matched: NDArray[np.bool_]


@dataclass(frozen=True)
class Rates:
    """Precision, recall and F1 in 0..1, all of one shape: (points,)."""

    precision: Floats
    recall: Floats
    f1: Floats


def ranked(matches: Matches) -> dict[int, RankedDetections]:
    """The counted detections of each class that has objects, by category id, at the first IoU."""
    objects = matches.objects.sum(axis=0).tolist()
    return {
        int(category): _of_class(matches, number, objects[number])
        for number, category in enumerate(matches.category_ids)
        if objects[number]
    }


def _of_class(matches: Matches, number: int, objects: int) -> RankedDetections:
    inside = matches.of_class(number)
    counted = ~matches.ignored[0, inside]
    confidences = matches.confidence[inside][counted]
    return RankedDetections(objects, confidences, matches.matched[0, inside][counted])


def rates(ranking: RankedDetections, confidences: Floats) -> Rates:
    """The rates of one class, which has objects, at each of `confidences` (points,)."""
    counted = np.searchsorted(-ranking.confidences, -confidences, side="right")
    hits = np.concatenate(([0], np.cumsum(ranking.matched)))[counted]
    return Rates(
        # Without a detection there is no hit, and precision is 0.
        precision=hits / np.maximum(counted, 1),
        recall=hits / ranking.objects,
        f1=2 * hits / (counted + ranking.objects),
    )


def macro(classes: Mapping[int, RankedDetections], confidences: Floats) -> Rates:
    """Mean rates over the classes at each of `confidences` (points,); NaN without classes.

    F1 is the mean of the classes' F1, not the F1 of the mean precision and recall.
    """
    if not classes:
        undefined = np.full(len(confidences), np.nan)
        return Rates(undefined, undefined, undefined)
    total = np.zeros((3, len(confidences)))
    for ranking in classes.values():  # summed class by class: all at once needs much memory
        of_class = rates(ranking, confidences)
        total += (of_class.precision, of_class.recall, of_class.f1)
    return Rates(*(total / len(classes)))


def best_confidence(classes: Mapping[int, RankedDetections]) -> float:
    """The confidence that maximises macro F1, in the middle of its plateau.

    F1 changes only where a detection has that confidence, so that every threshold down to the
    next lower one (or to 0) is as good on these images. On others a detection that belongs above
    the threshold may lie anywhere in between: the middle loses fewer than either end. Of
    several plateaus of equal height the lowest, which finds the most objects; 0 without
    detections.
    """
    confidences = [ranking.confidences for ranking in classes.values()]
    candidates = np.unique(np.concatenate([*confidences, np.empty(0)]))
    if not len(candidates):
        return 0.0
    # Rounded so that the order of a sum cannot break a tie; argmax takes the first.
    best = int(np.argmax(macro(classes, candidates).f1.round(12)))
    next_lower = candidates[best - 1] if best else 0.0
    return float((next_lower + candidates[best]) / 2)
