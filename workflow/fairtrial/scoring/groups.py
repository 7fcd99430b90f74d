"""Metrics by group: patients, videos, whatever images of the data set belong to together.

A group has few images, and often no object of most classes, so that means over classes are not
defined or rest on next to nothing. Counts of all classes together are taken instead: right
detections, detections and objects at the chosen confidence, or images whose class is right.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fairtrial.data.dataset import Dataset
from fairtrial.scoring.matching import Matches
from fairtrial.scoring.scores import Row

DETECTION_GROUPS = (
    *("split", "group", "images", "objects", "detections", "right"),
    *("precision", "recall", "f1"),
)
CLASSIFICATION_GROUPS = ("split", "group", "images", "right", "accuracy")

Integers = NDArray[np.int64]


def detection_rows(
    split: str, truth: Dataset, matches: Matches, confidence: float
) -> Iterator[Row]:
    """Rows of DETECTION_GROUPS of one split, by group; `matches` at one IoU. A share of nothing is
    None. Images without a group have no part."""
    counted = (matches.confidence >= confidence) & ~matches.ignored[0]
    images = matches.detection_image
    detections = np.bincount(images[counted], minlength=matches.images)
    right = np.bincount(images[counted & matches.matched[0]], minlength=matches.images)
    for group, rows in _members(truth, matches.image_ids).items():
        objects, found = int(matches.objects[rows].sum()), int(right[rows].sum())
        shown = int(detections[rows].sum())
        rates = _share(found, shown), _share(found, objects), _share(2 * found, shown + objects)
        yield (split, group, len(rows), objects, shown, found, *rates)


def classification_rows(
    split: str, truth: Dataset, image_ids: Integers, right: NDArray[np.bool_]
) -> Iterator[Row]:
    """Rows of CLASSIFICATION_GROUPS of one split; `right` (n,): whether the most probable class of
    each image in `image_ids` (n,), which rise, is its own."""
    for group, rows in _members(truth, image_ids).items():
        found = int(right[rows].sum())
        yield (split, group, len(rows), found, _share(found, len(rows)))


def _members(truth: Dataset, image_ids: Integers) -> dict[str, Integers]:
    """The rows in `image_ids` of the images of each group, by its name."""
    members: dict[str, list[int]] = {}
    for image in truth.images:
        if image.group is not None:
            row = int(np.searchsorted(image_ids, image.id))
            members.setdefault(image.group, []).append(row)
    return {group: np.array(members[group]) for group in sorted(members)}


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
