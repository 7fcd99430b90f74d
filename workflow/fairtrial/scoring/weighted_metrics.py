"""Metrics of weighted images: what a data set would give that has each image so many times.

No detection is matched or sorted anew. AP is a sum over the detections that found an object: only
there does recall rise, and only there can the precision to the right be highest. All other
metrics are counts by image, so that all resamples are one product of matrices.

A detection of an image that is there twice counts twice in its place. Where an image has several of
one class with equal confidence, two real copies would rank them in turn; this alone differs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from fairtrial.scoring.matching import Flags, Floats, Integers, Matches

CELLS = 2**17  # of the arrays that are worked on at once, so that they stay in the cache
BATCH = 64  # resamples that are summed at once
RECALLS = 101  # COCO's recall thresholds, which are multiples of RECALL_STEP to the last bit
RECALL_STEP = 0.01

Number = TypeVar("Number", np.int32, np.float64)
Weights = NDArray[np.int32] | NDArray[np.int64] | Floats  # (B, N): how often each image is there


def average_precision(matches: Matches, weights: Weights) -> Floats:
    """AP of each IoU and class, (T, C), on one data set of weighted images (N,); NaN where a class
    has no object."""
    single: Floats = average_precisions(matches, weights[None, :])[0]
    return single


def average_precisions(matches: Matches, weights: Weights) -> Floats:
    """AP of each resample, IoU and class, (B, T, C); NaN where a class has no object."""
    objects = sums_by_class(weights, matches.objects)  # (B, C)
    integers = _whole(weights)
    result = np.zeros((len(weights), len(matches.ious), len(matches.category_ids)))
    for number in range(len(matches.category_ids)):
        hits = _hits_of_class(matches, number)
        if hits is None:
            continue
        longest = max(len(hits.image), len(hits.counted_image), len(hits.corrected_image))
        size = max(1, CELLS // longest)
        for start in range(0, len(weights), size):
            batch = slice(start, start + size)
            present = np.maximum(objects[batch, number], 1)
            result[batch, hits.rows, number] = _average_precision(hits, integers[batch], present)
    result[np.broadcast_to((objects == 0)[:, None, :], result.shape)] = np.nan
    return result


def _whole(weights: Weights) -> NDArray[np.int32]:
    """The weights as integers, (b, N), whose sums are several times as fast as floats'."""
    integers = np.ascontiguousarray(weights, dtype=np.int32)
    if weights.dtype.kind == "f" and (integers != weights).any():
        raise ValueError("an image cannot be there a fraction of a time")
    return integers


@dataclass(frozen=True)
class WeightedRates:
    """Mean precision, recall and F1 over the classes that have objects, each (B,); NaN on a
    resample without any."""

    precision: Floats
    recall: Floats
    f1: Floats


def rate_counts(
    matches: Matches, confidence: float | None, weights: Weights
) -> tuple[Floats, Floats, Floats]:
    """Hits, detections and objects of each class, (B, C) each, at the first IoU; of the detections
    with at least `confidence`; without one hits and detections are NaN."""
    if confidence is None:
        objects = sums_by_class(weights, matches.objects)
        unknown: Floats = np.full(objects.shape, np.nan)
        return unknown, unknown, objects
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
    """The detections of one class that found an object, H in all, IoU by IoU.

    How many detections count up to and with a hit is a sum over `counted_image`, the images of
    those that count at the first IoU, and one over corrections: detections that count at another
    IoU alone (`sign` 1), or at the first alone (-1). Each IoU begins with a correction of 0.
    """

    rows: list[int]  # the IoUs that have hits, t of them
    starts: Integers  # (t,): the first hit of each
    image: Integers  # (H,)
    counted_image: Integers
    counted: Integers  # (H,): up to which of them to sum
    correction_starts: Integers  # (t,)
    corrected_image: Integers
    sign: NDArray[np.int32]
    corrected: Integers  # (H,): up to which correction to sum


def _average_precision(hits: _Hits, weights: NDArray[np.int32], objects: Floats) -> Floats:
    """AP at each IoU that has hits, (b, t), of `weights` (b, N) and the number of `objects` (b,).

    Each of COCO's 101 recalls takes the highest precision at no lower recall. All arrays are
    (b, H): sums along rows of integers are by far the fastest.
    """
    found = _summed(np.take(weights, hits.image, axis=1), hits.starts)
    counted = np.zeros((len(weights), len(hits.counted_image) + 1), dtype=np.int32)
    seen = np.take(weights, hits.counted_image, axis=1)
    np.cumsum(seen, axis=1, dtype=np.int32, out=counted[:, 1:])
    detections = np.take(counted, hits.counted, axis=1)
    if hits.sign.any():
        signed = np.take(weights, hits.corrected_image, axis=1) * hits.sign
        detections += np.take(_summed(signed, hits.correction_starts), hits.corrected, axis=1)
    highest = found / np.maximum(detections, 1)
    for part in _parts(highest, hits.starts):
        np.maximum.accumulate(part[:, ::-1], axis=1, out=part[:, ::-1])
    reached = recalls_reached(found / objects[:, None])
    newly = np.empty_like(reached)
    np.subtract(reached[:, 1:], reached[:, :-1], out=newly[:, 1:])
    newly[:, hits.starts] = reached[:, hits.starts]
    highest *= newly
    areas: Floats = np.add.reduceat(highest, hits.starts, axis=1)
    return areas / RECALLS


def _summed(rows: NDArray[np.int32], starts: Integers) -> NDArray[np.int32]:
    """Running sums along `rows` (b, n), anew from each of `starts`, in their place."""
    for part in _parts(rows, starts):
        np.cumsum(part, axis=1, dtype=np.int32, out=part)
    return rows


def _parts(rows: NDArray[Number], starts: Integers) -> Iterator[NDArray[Number]]:
    """Views of `rows` (b, n) that begin at `starts`. (`np.split` is slower.)"""
    ends = [*starts[1:].tolist(), rows.shape[1]]
    return (rows[:, start:end] for start, end in zip(starts.tolist(), ends, strict=True))


def recalls_reached(recall: Floats) -> Floats:
    """How many of COCO's 101 recall thresholds each recall reaches, by pycocotools' comparison."""
    nearest = recall * (RECALLS - 1)
    np.rint(nearest, out=nearest)
    return nearest + (nearest * RECALL_STEP <= recall)


def _hits_of_class(matches: Matches, number: int) -> _Hits | None:
    """The hits of one class; None without any."""
    inside = matches.of_class(number)
    matched, counts = matches.matched[:, inside], ~matches.ignored[:, inside]
    hit = np.flatnonzero(matched.any(axis=0))
    if not len(hit):
        return None
    last = hit[-1] + 1  # later detections have no part in AP
    image, matched, counts = matches.detection_image[inside], matched[:, :last], counts[:, :last]
    rows = np.flatnonzero(matched.any(axis=1)).tolist()
    places = [np.flatnonzero(matched[row]) for row in rows]
    differ = [np.flatnonzero(counts[row] != counts[0]) for row in rows]
    signs = [np.where(counts[row][d], 1, -1) for row, d in zip(rows, differ, strict=True)]
    sizes = [1 + len(d) for d in differ]
    correction_starts = _starts(sizes)
    corrected = [
        start + np.searchsorted(d, place, side="right")
        for start, d, place in zip(correction_starts, differ, places, strict=True)
    ]
    return _Hits(
        rows=rows,
        starts=_starts([len(place) for place in places]),
        image=image[np.concatenate(places)],
        counted_image=image[:last][counts[0]],
        counted=np.cumsum(counts[0])[np.concatenate(places)],
        correction_starts=correction_starts,
        corrected_image=np.concatenate([part for d in differ for part in ([0], image[d])]),
        sign=np.concatenate([part for s in signs for part in ([0], s)]).astype(np.int32),
        corrected=np.concatenate(corrected),
    )


def _starts(sizes: list[int]) -> Integers:
    """Where each of several parts of these sizes begins."""
    starts: Integers = np.cumsum([0, *sizes[:-1]])
    return starts
