"""The detections of one split, right or wrong, whatever their class: what operating points and
calibration are counted from.

A detection is right if it matched an object of its class at one IoU, as pycocotools matches. One
that pycocotools ignores (it lies on a crowd region) is neither right nor wrong and left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fairtrial.scoring.matching import Flags, Floats, Integers, Matches


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


def pooled(matches: Matches) -> PooledDetections:
    """The detections that count at the first IoU of `matches`, the surest first."""
    kept = np.flatnonzero(~matches.ignored[0])
    order = kept[np.argsort(-matches.confidence[kept], kind="stable")]
    return PooledDetections(
        images=matches.images,
        objects=matches.objects.sum(axis=0),
        classes=matches.detection_class[order],
        confidence=matches.confidence[order],
        matched=matches.matched[0, order],
    )
