"""Which detection found which object: COCO's matching, once for each run and split.

pycocotools matches in plain Python; here all images, classes and IoU thresholds are matched at
once. Within an image and class the detections choose in the order of their confidence, each the
free object that it overlaps most. Only pairs that overlap by the lowest threshold are looked at,
and a detection waits only for the better ones of its own image and class. The overlaps
themselves are pycocotools', so that not even a last bit differs; tests compare every match.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fairtrial.data.boxes import Box
from fairtrial.data.dataset import Annotation, Dataset
from fairtrial.scoring.predictions import ImageDetection

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

COCO_IOUS: Floats = np.linspace(0.5, 0.95, 10)
MAX_DET = 100  # detections of an image and class that COCO counts
LARGEST_IOU = 1 - 1e-10  # pycocotools' tolerance, by which a perfect box passes a threshold of 1


class Area(NamedTuple):
    """A range of areas in square pixels, both ends included."""

    low: float
    high: float


ALL = Area(0.0, 1e5**2)
SMALL = Area(0.0, 32.0**2)
MEDIUM = Area(32.0**2, 96.0**2)
LARGE = Area(96.0**2, 1e5**2)
COCO_AREAS = {"all": ALL, "small": SMALL, "medium": MEDIUM, "large": LARGE}


@dataclass(frozen=True)
class Matches:
    """The matches of N images, C classes and D detections at T IoU thresholds.

    Detections stand by class, and within a class by falling confidence; of equal ones by image.
    """

    images: int  # N
    objects: Integers  # (N, C): how many objects count
    detection_image: Integers  # (D,): the row of the image in `image_ids`
    detection_class: Integers  # (D,): the row of the class in `category_ids`
    confidence: Floats  # (D,)
    rank: Integers  # (D,): how many detections of its image and class are better
    matched: Flags  # (T, D): it found an object that counts
    ignored: Flags  # (T, D): it is neither right nor wrong (on a crowd, of another size)
    image_ids: Integers  # (N,), rising
    category_ids: Integers  # (C,), rising
    ious: Floats  # (T,)

    def of_class(self, number: int) -> slice:
        """The detections of one class, by its row in `category_ids`."""
        first, last = np.searchsorted(self.detection_class, [number, number + 1])
        return slice(int(first), int(last))


@dataclass(frozen=True)
class Overlaps:
    """Detections and objects of the same image and class that overlap enough to match.

    D detections stand by class, image and falling confidence; P pairs stand by detection, and
    within one by rising IoU, of equal ones in the order of the objects.
    """

    image_ids: Integers  # (N,)
    category_ids: Integers  # (C,)
    detection_image: Integers  # (D,)
    detection_class: Integers  # (D,)
    confidence: Floats  # (D,)
    detection_area: Floats  # (D,): square pixels
    rank: Integers  # (D,): place within image and class
    object_image: Integers  # (G,)
    object_class: Integers  # (G,)
    object_area: Floats  # (G,): square pixels, as the source states it
    crowd: Flags  # (G,)
    detection: Integers  # (P,)
    object: Integers  # (P,)
    iou: Floats  # (P,)


def match(
    truth: Dataset,
    detections: Sequence[ImageDetection],
    *,
    ious: Sequence[float] | Floats,
    area: Area = ALL,
    max_det: int = MAX_DET,
) -> Matches:
    """Match the first `max_det` detections of each image and class with objects.

    Objects beyond `area`, and crowds, do not count; neither do detections that match them, nor
    those beyond `area` that match nothing. Ties of confidence go by the order of `detections`.
    """
    return match_pairs(overlaps(truth, detections, min(ious)), ious, area, max_det)


def overlaps(
    truth: Dataset, detections: Sequence[ImageDetection], least_iou: float = COCO_IOUS[0]
) -> Overlaps:
    """The pairs that overlap by `least_iou` or more, for any number of calls of `match_pairs`."""
    image_ids = np.unique(np.array([image.id for image in truth.images], dtype=np.int64))
    category_ids = np.array(sorted(truth.categories), dtype=np.int64)
    objects = [a for a in truth.annotations if a.bbox is not None]
    object_image, object_class = _places(objects, image_ids, category_ids)
    image, classes = _places(detections, image_ids, category_ids)
    confidence = np.array([d.confidence for d in detections], dtype=np.float64)
    order = np.lexsort((-confidence, image, classes))  # stable
    image, classes, confidence = image[order], classes[order], confidence[order]
    boxes = _boxes([d.bbox for d in detections])[order]
    object_boxes = _boxes([a.bbox for a in objects if a.bbox is not None])
    crowd = np.array([a.iscrowd for a in objects], dtype=np.bool_)
    detection, found, iou = _pairs(
        (image, classes, boxes), (object_image, object_class, object_boxes), crowd, least_iou
    )
    return Overlaps(
        image_ids=image_ids,
        category_ids=category_ids,
        detection_image=image,
        detection_class=classes,
        confidence=confidence,
        detection_area=boxes[:, 2] * boxes[:, 3],
        rank=_places_within(classes * max(len(image_ids), 1) + image),
        object_image=object_image,
        object_class=object_class,
        object_area=np.array([a.area for a in objects], dtype=np.float64),
        crowd=crowd,
        detection=detection,
        object=found,
        iou=iou,
    )


def by_size(pairs: Overlaps) -> dict[str, Matches]:
    """The matches at COCO's IoUs by the name of each of its ranges of areas."""
    return {name: match_pairs(pairs, COCO_IOUS, area) for name, area in COCO_AREAS.items()}


def match_pairs(
    pairs: Overlaps, ious: Sequence[float] | Floats, area: Area = ALL, max_det: int = MAX_DET
) -> Matches:
    """As `match`, from pairs that overlap by the lowest of `ious` or more."""
    small, large = pairs.object_area < area.low, pairs.object_area > area.high
    free = ~(pairs.crowd | small | large)  # the objects that count
    thresholds = np.asarray(ious, dtype=np.float64)
    taken = _assign(pairs, np.minimum(thresholds, LARGEST_IOU), free, max_det)
    beyond = (pairs.detection_area < area.low) | (pairs.detection_area > area.high)
    matched = (taken >= 0) & np.append(free, False)[taken]
    ignored = np.where(taken >= 0, ~matched, beyond)
    images, classes = len(pairs.image_ids), len(pairs.category_ids)
    places = pairs.object_image[free] * classes + pairs.object_class[free]
    order = np.lexsort((pairs.detection_image, -pairs.confidence, pairs.detection_class))
    order = order[pairs.rank[order] < max_det]
    return Matches(
        images=images,
        objects=np.bincount(places, minlength=images * classes).reshape(images, classes),
        detection_image=pairs.detection_image[order],
        detection_class=pairs.detection_class[order],
        confidence=pairs.confidence[order],
        rank=pairs.rank[order],
        matched=matched[:, order],
        ignored=ignored[:, order],
        image_ids=pairs.image_ids,
        category_ids=pairs.category_ids,
        ious=thresholds,
    )


def _assign(pairs: Overlaps, thresholds: Floats, free: Flags, max_det: int) -> NDArray[np.int32]:
    """The object that each detection takes at each threshold, (T, D); -1 for none.

    An object that counts comes before one that does not; then the higher overlap; of equal ones
    the later object. All detections that have the same number of better ones before them, among
    those with pairs, choose at once.
    """
    taken = np.full((len(thresholds), len(pairs.confidence)), -1, dtype=np.int32)
    is_taken = np.zeros((len(thresholds), len(pairs.crowd)), dtype=np.bool_)
    for chosen in _rounds(pairs, max_det):
        found, iou, detection = pairs.object[chosen], pairs.iou[chosen], pairs.detection[chosen]
        starts = np.flatnonzero(np.diff(detection, prepend=-1))
        possible = (iou >= thresholds[:, None]) & (pairs.crowd[found] | ~is_taken[:, found])
        place = np.arange(len(found), dtype=np.int32)
        preference = np.where(possible, place + len(found) * free[found], -1)
        best = np.maximum.reduceat(preference, starts, axis=1)
        row, column = np.nonzero(best >= 0)
        objects = found[best[row, column] % len(found)]
        taken[row, detection[starts][column]] = objects
        is_taken[row, objects] = True
    return taken


def _rounds(pairs: Overlaps, max_det: int) -> list[Integers]:
    """The pairs of the first detection of every image and class, of the second, and so on."""
    counted = np.flatnonzero(pairs.rank[pairs.detection] < max_det)
    detection = pairs.detection[counted]
    if not len(detection):
        return []
    begins = np.diff(detection, prepend=-1) != 0
    images = len(pairs.image_ids)
    group = pairs.detection_class[detection] * images + pairs.detection_image[detection]
    turn = _places_within(group[begins])[np.cumsum(begins) - 1]
    order = np.argsort(turn, kind="stable")
    return np.split(counted[order], np.flatnonzero(np.diff(turn[order])) + 1)


def _places_within(groups: Integers) -> Integers:
    """For each element of a sorted array, how many equal ones stand before it."""
    places = np.arange(len(groups))
    begins = np.flatnonzero(np.diff(groups, prepend=-1))
    return places - np.repeat(begins, np.diff(begins, append=len(groups)))


def _pairs(
    detections: tuple[Integers, Integers, Floats],
    objects: tuple[Integers, Integers, Floats],
    crowd: Flags,
    least_iou: float,
) -> tuple[Integers, Integers, Floats]:
    """Detection, object and IoU of each pair of one image and class that overlaps enough, in the
    order that `Overlaps` states. Both arguments are images, classes and boxes."""
    from pycocotools import mask

    (image, classes, boxes), (object_image, object_class, object_boxes) = detections, objects
    by_image, objects_by_image = _by_value(image), _by_value(object_image)
    parts = []
    for number in sorted(by_image.keys() & objects_by_image.keys()):
        rows, columns = by_image[number], objects_by_image[number]
        iou = mask.iou(boxes[rows], object_boxes[columns], crowd[columns].astype(np.uint8))
        same = classes[rows][:, None] == object_class[columns]
        row, column = np.nonzero(same & (iou >= min(least_iou, LARGEST_IOU)))
        parts.append((rows[row], columns[column], iou[row, column]))
    if not parts:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0)
    detection, found, overlap = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.lexsort((found, overlap, detection))
    return detection[order], found[order], overlap[order]


def _by_value(values: Integers) -> dict[int, Integers]:
    """Where each value stands in an array."""
    order = np.argsort(values, kind="stable")
    begins = np.flatnonzero(np.diff(values[order], prepend=-1))
    places = np.split(order, begins[1:])
    return dict(zip(values[order][begins].tolist(), places, strict=True)) if len(order) else {}


def _places(
    boxes: Sequence[ImageDetection] | Sequence[Annotation],
    image_ids: Integers,
    category_ids: Integers,
) -> tuple[Integers, Integers]:
    """The rows of the images and of the classes of boxes."""
    images = np.array([box.image_id for box in boxes], dtype=np.int64)
    categories = np.array([box.category_id for box in boxes], dtype=np.int64)
    return np.searchsorted(image_ids, images), np.searchsorted(category_ids, categories)


def _boxes(boxes: Sequence[Box]) -> Floats:
    return np.array(boxes, dtype=np.float64).reshape(-1, 4)
