"""The detections of one split, right or wrong, whatever their class: what operating points and
calibration are counted from.

A detection is right if it matched an object of its class at one IoU, as pycocotools matches. One
that pycocotools ignores (it lies on a crowd region) is neither right nor wrong and left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class PooledDetections:
    """D counted detections of C classes on `images` images.

    confidence (D,) falling; classes (D,): the row of each detection's class in `objects` (C,), the
    number of objects of each class, without crowds; matched (D,): whether it is right.
    """

    images: int
    objects: Integers
    classes: Integers
    confidence: Floats
    matched: Flags


def pooled(
    images: int,
    objects: Integers,
    classes: Integers,
    confidence: Floats,
    matched: Flags,
    ignored: Flags,
) -> PooledDetections:
    """The detections that are not `ignored`, the surest first; arrays of PooledDetections."""
    kept = np.flatnonzero(~ignored)
    order = kept[np.argsort(-confidence[kept], kind="stable")]
    return PooledDetections(images, objects, classes[order], confidence[order], matched[order])
