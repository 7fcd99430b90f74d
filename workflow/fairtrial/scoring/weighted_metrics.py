"""Metrics of weighted images: what a data set would give that has each image so many times.

No detection is matched or sorted anew. AP is a sum over the detections that found an object: only
there does recall rise, and only there can the precision to the right be highest. All other
metrics are counts by image, so that all resamples are one product of matrices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairtrial.scoring.matching import Flags, Floats, Integers, Matches

BATCH = 32  # resamples that are worked on at once: rows of 256 bytes
RECALL_STEP = 0.01  # COCO's recall thresholds are its multiples, to the bit
TINY = np.spacing(1)  # which pycocotools adds to the number of detections

Weights = NDArray[np.int32] | NDArray[np.int64] | Floats  # (B, N): how often each image is there


def average_precision(matches: Matches, weights: Weights) -> Floats:
    """AP of each IoU and class, (T, C), on one data set of weighted images (N,); NaN where a class
    has no object."""
    single: Floats = average_precisions(matches, weights[None, :])[0]
    return single


def average_precisions(matches: Matches, weights: Weights) -> Floats:
    """AP of each resample, IoU and class, (B, T, C); NaN where a class has no object."""
    objects = sums_by_class(weights, matches.objects)  # (B, C)
    classes = [_ranked_hits(matches, number) for number in range(len(matches.category_ids))]
    result = np.zeros((len(weights), len(matches.ious), len(classes)))
    for start in range(0, len(weights), BATCH):
        batch = slice(start, start + BATCH)
        by_image = np.ascontiguousarray(weights[batch].T, dtype=np.float64)  # (N, b)
        for number, hits in enumerate(classes):
            found = np.maximum(objects[batch, number], 1).astype(np.float64)
            for row, precision in enumerate(hits.average_precisions(by_image, found)):
                result[batch, row, number] = precision
    result[np.broadcast_to((objects == 0)[:, None, :], result.shape)] = np.nan
    return result


@dataclass(frozen=True)
class WeightedRates:
    """Mean precision, recall and F1 over the classes that have objects, each (B,); NaN on a
    resample without any."""

    precision: Floats
    recall: Floats
    f1: Floats


def rate_counts(
    matches: Matches, confidence: float, weights: Weights
) -> tuple[Floats, Floats, Floats]:
    """Hits, detections and objects of each class, (B, C) each, at the first IoU; of the detections
    with at least `confidence`."""
    counted = (matches.confidence >= confidence) & ~matches.ignored[0]
    found = _count(matches, counted)
    right = _count(matches, counted & matches.matched[0])
    hits, detections, objects = (
        sums_by_class(weights, counts) for counts in (right, found, matches.objects)
    )
    return hits, detections, objects


def macro_rates(hits: Floats, predicted: Floats, objects: Floats) -> WeightedRates:
    """Mean rates over the classes that have objects, from counts by class, all (B, C)."""
    present = objects > 0
    return WeightedRates(
        mean_over_classes(hits / np.maximum(predicted, 1), present),
        mean_over_classes(hits / np.maximum(objects, 1), present),
        mean_over_classes(2 * hits / np.maximum(predicted + objects, 1), present),
    )


def average_recall(matches: Matches, max_det: int, weights: Weights) -> Floats:
    """COCO's mean recall over IoUs and classes with `max_det` detections of each image and class,
    (B,); NaN on a resample without objects."""
    counted = matches.matched & (matches.rank < max_det)
    images, classes = matches.images, len(matches.category_ids)
    place = matches.detection_image * classes + matches.detection_class
    right = np.bincount(place, counted.sum(axis=0), images * classes).reshape(images, classes)
    objects = sums_by_class(weights, matches.objects)
    hits = sums_by_class(weights, right)
    return mean_over_classes(hits / np.maximum(objects, 1) / len(matches.ious), objects > 0)


def sums_by_class(weights: Weights, counts: NDArray[np.generic]) -> Floats:
    """Sums over the images of weight times count: (B, C), from `counts` (N, C), mostly zeros."""
    from scipy.sparse import csr_array

    transposed = csr_array(np.asarray(counts, dtype=np.float64).T)
    result = np.zeros((len(weights), counts.shape[1]))
    for start in range(0, len(weights), BATCH):
        batch = slice(start, start + BATCH)
        result[batch] = (transposed @ weights[batch].T.astype(np.float64)).T
    return result


def mean_over_classes(values: Floats, present: Flags) -> Floats:
    """The mean over the last axes of `values` (B, …) where `present`, which has their shape or
    that of their last axis; NaN where none is."""
    shown = np.broadcast_to(present, values.shape).reshape(len(values), -1)
    count = shown.sum(axis=1)
    total = np.where(shown, values.reshape(len(values), -1), 0).sum(axis=1)
    undefined = np.full(len(values), np.nan)
    means: Floats = np.divide(total, count, out=undefined, where=count > 0)
    return means


def _count(matches: Matches, chosen: Flags) -> Integers:
    """How many of the `chosen` detections (D,) each image and class has, (N, C)."""
    images, classes = matches.images, len(matches.category_ids)
    place = matches.detection_image[chosen] * classes + matches.detection_class[chosen]
    return np.bincount(place, minlength=images * classes).reshape(images, classes)


@dataclass(frozen=True)
class _Hits:
    """The detections of one class that found an object at one IoU: `image` (h,), and `counted`
    (h,), how many rows of the class's counted detections stand up to and with each. Corrections
    are detections that count at this IoU alone (+1), or not (-1): `image`, `sign` (k,), and for
    each hit how many of them stand up to it."""

    image: Integers
    counted: Integers
    corrected_image: Integers
    sign: Floats
    corrections: Integers


@dataclass(frozen=True)
class _RankedHits:
    """One class: the images of the detections that count at the first IoU, best first, and the
    hits at each IoU."""

    counted_image: Integers
    hits: list[_Hits]

    def average_precisions(self, weights: Floats, objects: Floats) -> Iterator[Floats]:
        """AP (b,) at each IoU, of `weights` (N, b) and the number of `objects` (b,), above 0."""
        counted = _cumulated(weights[self.counted_image])
        for hits in self.hits:
            yield _interpolated(hits, weights, counted, objects)


def _interpolated(hits: _Hits, weights: Floats, counted: Floats, objects: Floats) -> Floats:
    """Mean precision at COCO's 101 recalls, (b,): each takes the highest at no lower recall."""
    if not len(hits.image):
        return np.zeros(weights.shape[1])
    found = np.cumsum(weights[hits.image], axis=0)
    detections = counted[hits.counted]
    if len(hits.corrected_image):
        signed = weights[hits.corrected_image] * hits.sign[:, None]
        detections += _cumulated(signed)[hits.corrections]
    precision = found / (detections + TINY)
    highest = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    reached = recalls_reached(found / objects)
    reached[1:] -= reached[:-1].copy()
    area: Floats = np.einsum("hb,hb->b", highest, reached) / 101
    return area


def recalls_reached(recall: Floats) -> Floats:
    """How many of COCO's 101 recall thresholds each recall reaches, by pycocotools' comparison."""
    nearest = np.rint(recall / RECALL_STEP)
    return nearest + (nearest * RECALL_STEP <= recall)


def _cumulated(rows: Floats) -> Floats:
    """Sums of the first 0, 1, … rows of (n, b): (n + 1, b)."""
    sums = np.zeros((len(rows) + 1, rows.shape[1]))
    np.cumsum(rows, axis=0, out=sums[1:])
    return sums


def _ranked_hits(matches: Matches, number: int) -> _RankedHits:
    inside = matches.of_class(number)
    image = matches.detection_image[inside]
    counts, matched = ~matches.ignored[:, inside], matches.matched[:, inside]
    if not len(image):
        return _RankedHits(image, [])
    hit = matched.any(axis=0)
    last = int(np.flatnonzero(hit)[-1]) + 1 if hit.any() else 0  # later ones have no part in AP
    first = counts[0, :last]
    places = np.concatenate(([0], np.cumsum(first)))
    hits = [
        _hits(image, first, places, counts[row, :last], np.flatnonzero(matched[row]))
        for row in range(len(counts))
    ]
    return _RankedHits(image[:last][first], hits)


def _hits(image: Integers, first: Flags, places: Integers, counts: Flags, hit: Integers) -> _Hits:
    differs = np.flatnonzero(counts != first)
    return _Hits(
        image=image[hit],
        counted=places[hit + 1],
        corrected_image=image[differs],
        sign=np.where(counts[differs], 1.0, -1.0),
        corrections=np.searchsorted(differs, hit, side="right"),
    )
