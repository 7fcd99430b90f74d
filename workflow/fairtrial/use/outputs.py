"""From the output of a network to detections or probabilities, layout by layout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairtrial.use.anchors import anchored
from fairtrial.use.metadata import OutputLayout
from fairtrial.use.preparation import Place
from fairtrial.use.suppression import kept

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
MOST_CANDIDATES = 30_000  # boxes of an image that suppression looks at


@dataclass(frozen=True)
class Boxes:
    """n boxes of an image, strongest first: `corners` (n, 4) as x1, y1, x2, y2 in its pixels,
    `scores` (n,): confidence, `labels` (n,): numbers of classes from 0 on."""

    corners: Floats
    scores: Floats
    labels: Integers


@dataclass(frozen=True)
class Limits:
    """Which boxes count: of more than `confidence`, and of a class where `classes` (k,) is True."""

    confidence: float
    classes: NDArray[np.bool_]


def boxes_of(
    raw: Floats, how: OutputLayout, place: Place, size: tuple[int, int], limits: Limits
) -> Boxes:
    """The boxes in the output of one image, `raw`; `size`: height and width of the input."""
    if how.layout == "retinanet":
        image = (round(place.height * place.scale_y), round(place.width * place.scale_x))
        corners, scores, labels = anchored(raw, how, size, image, limits.confidence, limits.classes)
        suppress = True
    else:
        corners, scores, labels, suppress = _READ[how.layout](raw, size, limits)
    most = how.max_det or len(scores)
    if suppress:
        strongest = np.argsort(-scores, kind="stable")[:MOST_CANDIDATES]
        corners, scores, labels = corners[strongest], scores[strongest], labels[strongest]
        order = kept(corners, scores, labels, 1.0 if how.iou is None else how.iou, most)
    else:
        order = np.arange(len(scores))[:most]
    return Boxes(place.to_image(corners[order]), scores[order], labels[order])


# A layout's reader returns corners in pixels of the input, scores, labels, and whether boxes that
# overlap are still to be suppressed.
_Read = tuple[Floats, Floats, Integers, bool]


def _yolo(raw: Floats, size: tuple[int, int], limits: Limits) -> _Read:
    """(4 + classes, places): the most confident class of each place."""
    confidences = raw[4:]
    candidates = np.flatnonzero(confidences.max(axis=0) > limits.confidence)
    chosen = confidences[:, candidates]
    labels = chosen.argmax(axis=0)
    inside = limits.classes[labels]
    candidates, labels = candidates[inside], labels[inside]
    scores = confidences[labels, candidates]
    return _corners(raw[:4, candidates].T), scores, labels, True


def _end_to_end(raw: Floats, size: tuple[int, int], limits: Limits) -> _Read:
    """(boxes, 6), strongest first."""
    labels = raw[:, 5].astype(np.int64)
    inside = (raw[:, 4] > limits.confidence) & limits.classes[labels]
    return raw[inside, :4], raw[inside, 4], labels[inside], False


def _queries(raw: Floats, size: tuple[int, int], limits: Limits) -> _Read:
    """(boxes, 6), with centre and size as shares."""
    corners, scores, labels, _ = _end_to_end(raw, size, limits)
    height, width = size
    pixels = np.array([width, height] * 2, np.float32)
    return _corners(corners) * pixels, scores, labels, False


def _corners(boxes: Floats) -> Floats:
    """Centre and size as two corners, (n, 4)."""
    half = boxes[:, 2:] / 2
    return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)


_READ: dict[str, Callable[[Floats, tuple[int, int], Limits], _Read]] = {
    "yolo": _yolo,
    "end_to_end": _end_to_end,
    "queries": _queries,
}
