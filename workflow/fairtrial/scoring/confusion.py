"""The confusion matrix of detections: which class is taken for which, with background.

On each image the detections, best first and whatever their class, are matched one by one with
the free object that they overlap most, if by at least the IoU threshold; of equal overlaps with
one of their own class. A detection without a match counts as background taken for its class, an
object without one as its class taken for background. A detection that overlaps only a crowd
region is not counted, and a crowd region is never missed. Classes compete here for an object,
unlike in AP: the matrix shows confusions, and precision and recall come from `curves`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fairtrial.data.dataset import Annotation, Dataset
from fairtrial.scoring.predictions import ImageDetection

BACKGROUND = 0  # category ids of the interchange start at 1

Pair = tuple[int, int]  # true and predicted category id


def matrix(
    truth: Dataset, detections: Sequence[ImageDetection], confidence: float, iou: float
) -> dict[Pair, int]:
    """Counts of every pair (true, predicted) of category ids, BACKGROUND among them.

    `detections` best first within an image; those below `confidence` do not count.
    """
    by_image: dict[int, list[ImageDetection]] = defaultdict(list)
    for detection in detections:
        if detection.confidence >= confidence:
            by_image[detection.image_id].append(detection)
    counts: Counter[Pair] = Counter()
    for image_id, objects in truth.by_image().items():
        counts.update(_pairs(objects, by_image[image_id], iou))
    ids = [*sorted(truth.categories), BACKGROUND]
    return {(true, predicted): counts[true, predicted] for true in ids for predicted in ids}


def pairs_by_image(
    truth: Dataset, detections: Sequence[ImageDetection], confidence: float, iou: float
) -> dict[int, list[Pair]]:
    """The pairs that `matrix` counts, by image id."""
    by_image: dict[int, list[ImageDetection]] = defaultdict(list)
    for detection in detections:
        if detection.confidence >= confidence:
            by_image[detection.image_id].append(detection)
    return {i: _pairs(objects, by_image[i], iou) for i, objects in truth.by_image().items()}


def _pairs(objects: list[Annotation], detections: list[ImageDetection], iou: float) -> list[Pair]:
    """The pairs (true, predicted) of one image; detections are best first."""
    overlaps = _overlaps(objects, detections)
    crowd = np.array([a.iscrowd for a in objects], dtype=bool)
    # pycocotools' tolerance, so that a perfect box passes a threshold of 1
    enough = overlaps >= min(iou, 1 - 1e-10)
    free = {number for number, a in enumerate(objects) if not a.iscrowd}
    pairs = []
    for row, detection in enumerate(detections):
        predicted = detection.category_id
        candidates = [n for n in sorted(free) if enough[row, n]]
        if candidates:
            best = max(
                candidates, key=lambda n: (overlaps[row, n], objects[n].category_id == predicted)
            )
            free.remove(best)
            pairs.append((objects[best].category_id, predicted))
        elif not (enough[row] & crowd).any():
            pairs.append((BACKGROUND, predicted))
    return pairs + [(objects[n].category_id, BACKGROUND) for n in sorted(free)]


def _overlaps(objects: list[Annotation], detections: list[ImageDetection]) -> NDArray[np.float64]:
    """IoU, shape (detections, objects); over a crowd, the share of the detection on it."""
    from pycocotools import mask

    if not objects or not detections:
        return np.zeros((len(detections), len(objects)))
    boxes = np.array([d.bbox for d in detections], dtype=float)
    targets = np.array([a.bbox for a in objects], dtype=float)
    return np.asarray(mask.iou(boxes, targets, [int(a.iscrowd) for a in objects]))
