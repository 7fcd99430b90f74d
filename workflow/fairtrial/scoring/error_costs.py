"""What each kind of error costs: AP50 with the errors of that kind repaired, minus AP50.

The repairs are those of TIDE (see `error_kinds`), each made alone:

- localisation and classification: a detection gets the place, or the class and place, of the object
  that it aims at. Of all detections that then have an object, the one that had matched it
  among them, the most confident is right; the others are removed;
- both, duplicate, background: the detection is removed;
- missed: the object is removed, so that recall is a share of the objects that are left. A class
  without any has no AP50 then, and no part in the mean over classes.

The costs do not add up to 1 − AP50, for a false positive costs more the fewer others there are.
"""

from __future__ import annotations

import numpy as np

from fairtrial.scoring import weighted_metrics
from fairtrial.scoring.error_kinds import (
    CLASSIFICATION,
    FOREGROUND_IOU,
    KINDS,
    LOCALISATION,
    MISSED,
    RIGHT,
    Booleans,
    DetectionErrors,
    Floats,
    Integers,
)
from fairtrial.scoring.matching import Matches
from fairtrial.scoring.weighted_metrics import Weights

METRIC = "error_cost_{}"  # the name of a cost among the metrics of resamples.npz


def repaired(errors: DetectionErrors, kind: str = "") -> Matches:
    """The matches at FOREGROUND_IOU once the errors of one kind are repaired; without a kind those
    that AP50 comes from."""
    right, classes = errors.kind == RIGHT, errors.detection_class
    keep = np.ones(len(right), dtype=bool)
    if kind in (CLASSIFICATION, LOCALISATION):
        right, keep, classes = _mended(errors, errors.kind == KINDS.index(kind))
    elif kind and kind != MISSED:
        keep = errors.kind != KINDS.index(kind)
    objects = ~errors.missed if kind == MISSED else np.ones(len(errors.missed), dtype=bool)
    return _matches(errors, right, keep, classes, objects)


def _mended(errors: DetectionErrors, mended: Booleans) -> tuple[Booleans, Booleans, Integers]:
    """Which detections are right and which are left once some are `mended`, and their classes."""
    classes = errors.detection_class.copy()
    classes[mended] = errors.object_class[errors.target[mended]]
    with_object = np.flatnonzero(mended | (errors.kind == RIGHT))
    best_first = with_object[np.argsort(-errors.confidence[with_object], kind="stable")]
    right = np.zeros(len(mended), dtype=bool)
    right[best_first[np.unique(errors.target[best_first], return_index=True)[1]]] = True
    keep = np.ones(len(mended), dtype=bool)
    keep[with_object] = right[with_object]
    return right, keep, classes


def _matches(
    errors: DetectionErrors, right: Booleans, keep: Booleans, classes: Integers, objects: Booleans
) -> Matches:
    """The matches of the detections `keep`, of which some are `right`, and of the `objects`."""
    kept = np.flatnonzero(keep)
    order = kept[np.lexsort((-errors.confidence[kept], classes[kept]))]  # stable
    shape = len(errors.image_ids), len(errors.category_ids)
    counts = np.zeros(shape, dtype=np.int64)
    np.add.at(counts, (errors.object_image[objects], errors.object_class[objects]), 1)
    return Matches(
        images=shape[0],
        objects=counts,
        detection_image=errors.detection_image[order],
        detection_class=classes[order],
        confidence=errors.confidence[order],
        rank=_ranks(classes[order], errors.detection_image[order]),
        matched=right[order][None, :],
        ignored=np.zeros((1, len(order)), dtype=bool),
        image_ids=errors.image_ids,
        category_ids=errors.category_ids,
        ious=np.array([FOREGROUND_IOU]),
    )


def _ranks(classes: Integers, images: Integers) -> Integers:
    """How many detections of equal class and image stand before each."""
    order = np.lexsort((images, classes))  # stable
    begins = np.flatnonzero(
        np.diff(classes[order], prepend=-1) | np.diff(images[order], prepend=-1)
    )
    ranks = np.zeros(len(order), dtype=np.int64)
    ranks[order] = np.arange(len(order)) - np.repeat(begins, np.diff(begins, append=len(order)))
    return ranks


def costs(errors: DetectionErrors, weights: Weights) -> dict[str, Floats]:
    """The cost of each kind on each resample, (B,), of images with `weights` (B, N); NaN where no
    class has an AP50."""
    before = _ap50(repaired(errors), weights)
    return {kind: _ap50(repaired(errors, kind), weights) - before for kind in KINDS}


def _ap50(matches: Matches, weights: Weights) -> Floats:
    """The mean over the classes that have objects, (B,)."""
    by_class = weighted_metrics.average_precisions(matches, weights)[:, 0]
    return weighted_metrics.mean_over_classes(by_class, ~np.isnan(by_class))
