"""Non-maximum suppression: of boxes of one class that overlap, the one of most confidence stays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


def kept(boxes: Floats, scores: Floats, labels: Integers, iou: float, most: int) -> Integers:
    """Which of n boxes stay, strongest first, `most` of them at most.

    `boxes` (n, 4): x1, y1, x2, y2. A box goes where a stronger one of its class that stays
    overlaps it by more than `iou`.
    """
    rest = np.argsort(-scores, kind="stable")
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    chosen: list[int] = []
    while len(rest) and len(chosen) < most:
        best, rest = rest[0], rest[1:]
        chosen.append(int(best))
        overlaps = _overlaps(boxes, areas, best, rest) > iou
        rest = rest[~(overlaps & (labels[rest] == labels[best]))]
    return np.array(chosen, np.int64)


def _overlaps(boxes: Floats, areas: Floats, one: np.int64, others: Integers) -> Floats:
    """Intersection over union of one box with others; 0 where both are empty."""
    corners = boxes[others]
    low = np.maximum(boxes[one, :2], corners[:, :2])
    high = np.minimum(boxes[one, 2:], corners[:, 2:])
    common = np.clip(high - low, 0, None).prod(axis=1)
    union = areas[one] + areas[others] - common
    ious: Floats = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return ious
