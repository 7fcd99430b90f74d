"""Kinds of error of detections: of which kind each false positive and each missed object is.

After Bolya, D., Foley, S., Hays, J., Hoffman, J. (2020): TIDE: A General Toolbox for Identifying
Object Detection Errors. ECCV. Detections are matched with objects as for AP50. Of a detection
without a match, `same` is the highest IoU with an object of its own class, `other` that with one of
another class. The first of these that holds is its kind:

- localisation: BACKGROUND_IOU ≤ same < FOREGROUND_IOU;
- classification: other ≥ FOREGROUND_IOU;
- duplicate: same ≥ FOREGROUND_IOU, so that another detection has the object;
- background: both below BACKGROUND_IOU;
- both (class and place are wrong): what is left, BACKGROUND_IOU ≤ other < FOREGROUND_IOU.

A localisation error aims at the object of `same`, a classification error at that of `other`. An
object without a match is `missed` if no error aims at it. Crowds are no objects, and a detection
that pycocotools ignores for lying on one is no error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairtrial.data.dataset import Annotation, Dataset
from fairtrial.scoring.predictions import ImageDetection, strongest

FOREGROUND_IOU = 0.5  # from which on a box is at the place of an object
BACKGROUND_IOU = 0.1  # below which a box has nothing to do with an object
MAX_DETECTIONS = 100  # that count of an image and class, as in AP50

CLASSIFICATION, LOCALISATION, BOTH = "classification", "localisation", "both"
DUPLICATE, BACKGROUND, MISSED = "duplicate", "background", "missed"
KINDS = (CLASSIFICATION, LOCALISATION, BOTH, DUPLICATE, BACKGROUND, MISSED)

RIGHT, IGNORED = -1, -2  # in place of the index of a kind
NONE = -1  # in place of the index of an object

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class DetectionErrors:
    """The counted detections (d) and objects (o) of one split, and what is wrong with each.

    `image_ids` (N,) and `category_ids` (C,) are those of the split, rising; images and classes are
    given by their index in them. Detections are in the order of `predictions.parse`: `kind` (d,) is
    an index of KINDS or RIGHT, `target` (d,) the index of the object that a detection has matched
    or aims at, or NONE. `missed` (o,) is true where neither a match nor an error reaches an object.
    """

    image_ids: Integers
    category_ids: Integers
    detection_image: Integers
    detection_class: Integers
    confidence: Floats
    kind: Integers
    target: Integers
    object_image: Integers
    object_class: Integers
    missed: Booleans

    def counts(self) -> dict[str, int]:
        """The number of errors of each kind."""
        numbers = {kind: int((self.kind == index).sum()) for index, kind in enumerate(KINDS)}
        return numbers | {MISSED: int(self.missed.sum())}


@dataclass(frozen=True)
class _ImageErrors:
    """What `kind` and `target` are on one image: targets count its objects."""

    kind: Integers
    target: Integers


def find(truth: Dataset, detections: Sequence[ImageDetection]) -> DetectionErrors:
    """The errors of one split, whose detections are in the order of `predictions.parse`."""
    counted = strongest(detections, MAX_DETECTIONS)
    objects = sorted((a for a in truth.annotations if not a.iscrowd), key=lambda a: a.image_id)
    kinds, targets = judged(truth, counted, objects)
    kept = kinds != IGNORED
    image_ids = np.array(sorted(image.id for image in truth.images), dtype=np.int64)
    category_ids = np.array(sorted(truth.categories), dtype=np.int64)
    return DetectionErrors(
        image_ids,
        category_ids,
        np.searchsorted(image_ids, [d.image_id for d in counted])[kept],
        np.searchsorted(category_ids, [d.category_id for d in counted])[kept],
        np.array([d.confidence for d in counted], dtype=float)[kept],
        kinds[kept],
        targets[kept],
        np.searchsorted(image_ids, [a.image_id for a in objects]),
        np.searchsorted(category_ids, [a.category_id for a in objects]),
        ~np.isin(np.arange(len(objects)), targets),
    )


def judged(
    truth: Dataset, detections: list[ImageDetection], objects: list[Annotation]
) -> tuple[Integers, Integers]:
    """`kind` (IGNORED among them) and `target` (an index of `objects`) of all detections.

    `detections` are in the order of `predictions.parse`, and of those of an image and class only
    the first ones that count; `objects` are sorted by image, without crowds.
    """
    kinds = np.full(len(detections), RIGHT)
    targets = np.full(len(detections), NONE)
    crowds: dict[int, list[Annotation]] = {}
    for a in truth.annotations:
        if a.iscrowd:
            crowds.setdefault(a.image_id, []).append(a)
    rows, columns = _spans([d.image_id for d in detections]), _spans([a.image_id for a in objects])
    for image_id, row in rows.items():
        column = columns.get(image_id, slice(0, 0))
        errors = _of_image(detections[row], objects[column], crowds.get(image_id, []))
        kinds[row] = errors.kind
        targets[row] = np.where(errors.target == NONE, NONE, errors.target + column.start)
    return kinds, targets


def _spans(image_ids: list[int]) -> dict[int, slice]:
    """Where the entries of each image stand in a list sorted by image."""
    ids, starts, counts = np.unique(
        np.array(image_ids, dtype=np.int64), return_index=True, return_counts=True
    )
    ends = starts + counts
    return {int(i): slice(int(s), int(e)) for i, s, e in zip(ids, starts, ends, strict=True)}


def _of_image(
    detections: list[ImageDetection], objects: list[Annotation], crowds: list[Annotation]
) -> _ImageErrors:
    overlaps, equal_class = _overlaps(detections, objects), _equal_class(detections, objects)
    same, same_object = _highest(np.where(equal_class, overlaps, 0.0))
    other, other_object = _highest(np.where(equal_class, 0.0, overlaps))
    matched = _match(np.where(equal_class, overlaps, 0.0))
    kind = np.select(
        [
            matched != NONE,
            _on_crowd(detections, crowds),
            (same >= BACKGROUND_IOU) & (same < FOREGROUND_IOU),
            other >= FOREGROUND_IOU,
            same >= FOREGROUND_IOU,
            (same < BACKGROUND_IOU) & (other < BACKGROUND_IOU),
        ],
        [RIGHT, IGNORED, *map(KINDS.index, (LOCALISATION, CLASSIFICATION, DUPLICATE, BACKGROUND))],
        KINDS.index(BOTH),
    )
    target = np.select(
        [kind == RIGHT, kind == KINDS.index(LOCALISATION), kind == KINDS.index(CLASSIFICATION)],
        [matched, same_object, other_object],
        NONE,
    )
    return _ImageErrors(kind, target)


def _overlaps(
    detections: list[ImageDetection], objects: list[Annotation], crowd: bool = False
) -> Floats:
    """IoU (detections, objects) as pycocotools has it; over a crowd the share of the detection."""
    from pycocotools import mask

    if not objects:
        return np.zeros((len(detections), 0))
    boxes = np.array([d.bbox for d in detections], dtype=float)
    targets = np.array([a.bbox for a in objects], dtype=float)
    return np.asarray(mask.iou(boxes, targets, [int(crowd)] * len(objects)))


def _equal_class(detections: list[ImageDetection], objects: list[Annotation]) -> Booleans:
    predicted = np.array([d.category_id for d in detections], dtype=np.int64)
    true = np.array([a.category_id for a in objects], dtype=np.int64)
    return np.equal(predicted[:, None], true[None, :])


def _highest(overlaps: Floats) -> tuple[Floats, Integers]:
    """The highest overlap of each row, and its column; 0 and NONE without columns."""
    if not overlaps.shape[1]:
        return np.zeros(len(overlaps)), np.full(len(overlaps), NONE)
    columns = overlaps.argmax(axis=1)
    return overlaps[np.arange(len(overlaps)), columns], columns


def _match(overlaps: Floats) -> Integers:
    """The object of each detection, or NONE: each, best first, takes the free one that it overlaps
    most, if by FOREGROUND_IOU or more; of equals the last, as pycocotools does."""
    matched = np.full(len(overlaps), NONE)
    free = overlaps.copy()
    for row in np.flatnonzero((overlaps >= FOREGROUND_IOU).any(axis=1)):
        highest = free[row].max()
        if highest >= FOREGROUND_IOU:
            matched[row] = np.flatnonzero(free[row] == highest)[-1]
            free[:, matched[row]] = 0.0
    return matched


def _on_crowd(detections: list[ImageDetection], crowds: list[Annotation]) -> Booleans:
    """Whether each detection lies on a crowd of its class."""
    enough = _overlaps(detections, crowds, crowd=True) >= FOREGROUND_IOU
    on_crowd: Booleans = np.any(enough & _equal_class(detections, crowds), axis=1)
    return on_crowd
