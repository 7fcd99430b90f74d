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
    BACKGROUND,
    BOTH,
    CLASSIFICATION,
    DUPLICATE,
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

REMOVED = (BOTH, DUPLICATE, BACKGROUND)  # kinds whose repair is that the detection goes
METRIC = "error_cost_{}"  # the name of a cost among the metrics of resamples.npz


def costs(errors: DetectionErrors, weights: Weights) -> dict[str, Floats]:
    """The cost of each kind on each resample, (B,), of images with `weights` (B, N); NaN where no
    class has an AP50."""
    right, classes = errors.kind == RIGHT, errors.detection_class
    every = np.ones(len(errors.missed), dtype=bool)
    removed = np.stack([np.zeros(len(right), dtype=bool), *(_of_kind(errors, k) for k in REMOVED)])
    before, *without = _ap50(_matches(errors, right, removed, classes, every), weights)
    after = dict(zip(REMOVED, without, strict=True))
    (after[MISSED],) = _ap50(_matches(errors, right, removed[:1], classes, ~errors.missed), weights)
    for kind in (CLASSIFICATION, LOCALISATION):
        (after[kind],) = _ap50(_matches(errors, *_mended(errors, kind), every), weights)
    return {kind: after[kind] - before for kind in KINDS}


def _of_kind(errors: DetectionErrors, kind: str) -> Booleans:
    return np.equal(errors.kind, KINDS.index(kind))


def _mended(errors: DetectionErrors, kind: str) -> tuple[Booleans, Booleans, Integers]:
    """Which detections (d,) are right and which are removed (1, d) once the errors of a kind have
    the objects that they aim at, and their classes (d,)."""
    mended, classes = _of_kind(errors, kind), errors.detection_class.copy()
    classes[mended] = errors.object_class[errors.target[mended]]
    with_object = np.flatnonzero(mended | (errors.kind == RIGHT))
    best_first = with_object[np.argsort(-errors.confidence[with_object], kind="stable")]
    right = np.zeros(len(mended), dtype=bool)
    right[best_first[np.unique(errors.target[best_first], return_index=True)[1]]] = True
    removed = np.zeros(len(mended), dtype=bool)
    removed[with_object] = ~right[with_object]
    return right, removed[None, :], classes


def _matches(
    errors: DetectionErrors,
    right: Booleans,
    removed: Booleans,
    classes: Integers,
    objects: Booleans,
) -> Matches:
    """The matches of the detections, of which some are `right` (d,), once for each row of `removed`
    (T, d), and of the `objects` (o,)."""
    order = np.lexsort((-errors.confidence, classes))  # stable
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
        matched=np.broadcast_to(right[order], removed.shape),
        ignored=removed[:, order],
        image_ids=errors.image_ids,
        category_ids=errors.category_ids,
        ious=np.full(len(removed), FOREGROUND_IOU),
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


def _ap50(matches: Matches, weights: Weights) -> list[Floats]:
    """For each row of the matches the mean over the classes that have objects, (B,)."""
    by_class = weighted_metrics.average_precisions(matches, weights)  # (B, T, C)
    rows = (by_class[:, number] for number in range(len(matches.ious)))
    return [weighted_metrics.mean_over_classes(row, ~np.isnan(row)) for row in rows]
