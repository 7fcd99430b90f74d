"""Costs of errors: by hand, and against pycocotools on boxes that were really repaired."""

import math
from dataclasses import replace

import numpy as np
import pytest

from fairtrial.data.dataset import Dataset
from fairtrial.scoring import error_costs, error_kinds
from fairtrial.scoring.error_kinds import KINDS
from tests.scoring import pycoco
from tests.scoring.test_error_kinds import HALF, SQUARE, explained, random_scene


def costs(truth, detections):
    errors = error_kinds.find(truth, detections)
    weights = np.ones((1, len(truth.images)), dtype=np.int64)
    return {kind: cost[0] for kind, cost in error_costs.costs(errors, weights).items()}


def ap50(truth, detections):
    """pycocotools' own; NaN without objects."""
    precision = pycoco.at_one_iou(truth, detections, 0.5, 100).eval["precision"]
    present = precision[precision > -1]
    return float(present.mean()) if len(present) else math.nan


FOUND = (1, 1, SQUARE, 0.9)  # the first of two objects
REST = {
    "localisation": (2, 1, HALF, 0.8),
    "classification": (2, 2, SQUARE, 0.8),
    "both": (2, 2, HALF, 0.95),
    "duplicate": (1, 1, SQUARE, 0.85),
    "background": (2, 1, 5, 0.95),
}
HALVES = 51 / 101  # the recalls 0, 0.01, … 0.5


@pytest.mark.parametrize(
    ("kind", "cost", "missed"),
    [
        ("localisation", 1 - HALVES, 0),  # the second object is found, too
        ("classification", 1 - HALVES, 0),
        ("both", 0, 1 - HALVES),  # class 2 has no object, so that no mean knows of it
        ("duplicate", 0, 1 - HALVES),  # it comes after the last object that is found
        ("background", HALVES / 2, 1 / 2 - HALVES / 2),  # the surest detection is wrong
    ],
)
def test_the_cost_of_each_kind_by_hand(scene, kind, cost, missed):
    found = costs(*scene([(1, 1, SQUARE), (2, 1, SQUARE)], [FOUND, REST[kind]]))
    assert found == pytest.approx(dict.fromkeys(KINDS, 0) | {kind: cost, "missed": missed})


def test_missed_objects_are_removed_from_what_is_to_be_found(scene):
    truth, detections = scene([(1, 1, SQUARE), (2, 1, SQUARE)], [FOUND])
    assert costs(truth, detections)["missed"] == pytest.approx(1 - HALVES)


def test_a_surer_error_takes_the_object_from_the_detection_that_had_it(scene):
    """TIDE: of two detections of one object the less confident is suppressed."""
    truth, detections = scene([(1, 1, SQUARE)], [(1, 1, HALF, 0.9), (1, 1, SQUARE, 0.8)])
    assert costs(truth, detections)["localisation"] == pytest.approx(0.5)  # 1 instead of 1/2


def test_errors_of_two_kinds_at_one_object_do_not_share_a_repair(scene):
    """Each kind is repaired alone: the surer one, left as it is, hinders no other."""
    truth, detections = scene([(1, 1, SQUARE)], [(1, 2, SQUARE, 0.9), (1, 1, HALF, 0.8)])
    found = costs(truth, detections)
    assert (found["classification"], found["localisation"]) == pytest.approx((1, 1))


def test_a_model_that_finds_nothing_has_no_cost_of_missed_objects(scene):
    found = costs(*scene([(1, 1, SQUARE)], []))
    assert np.isnan(found.pop("missed"))
    assert set(found.values()) == {0.0}


def repaired(truth, detections, kind):
    """The scene with the errors of one kind repaired, as boxes."""
    answers = explained(truth, detections)
    reached = {a[1] for a in answers if a is not None}
    if kind == "missed":
        left = [a for n, a in enumerate(truth.annotations, 1) if a.iscrowd or n in reached]
        return Dataset(truth.images, left, truth.categories), detections
    mended = kind in ("classification", "localisation")
    boxes, taken = [], set()
    for number in sorted(range(len(detections)), key=lambda n: -detections[n].confidence):
        d, (name, target) = detections[number], answers[number] or (None, 0)
        if name == kind and not mended:
            continue
        if mended and name in (kind, ""):
            if target in taken:
                continue
            taken.add(target)
        if name == kind:
            thing = truth.annotations[target - 1]
            d = d._replace(category_id=thing.category_id, bbox=thing.bbox)
        boxes.append((number, d))
    return truth, [d for _, d in sorted(boxes)]


@pytest.mark.parametrize("seed", range(40))
def test_random_scenes_against_boxes_that_are_really_repaired(scene, seed):
    truth, detections = random_scene(scene, seed)
    before = ap50(truth, detections)
    expected = {kind: ap50(*repaired(truth, detections, kind)) - before for kind in KINDS}
    assert costs(truth, detections) == pytest.approx(expected, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("seed", range(10))
def test_weights_are_copies_of_images(scene, seed):
    """Images of the weights 2, 0 and 1 against a set that really has the first image twice."""
    truth, detections = random_scene(scene, seed, equal_confidences=False)
    errors = error_kinds.find(truth, detections)
    weighted = error_costs.costs(errors, np.array([[2, 0, 1]]))
    copies = {1: 1, 2: 1, 4: 3}  # new image → old one
    objects = [
        replace(a, image_id=new, id=0)
        for new, old in copies.items()
        for a in truth.annotations
        if a.image_id == old
    ]
    images = [replace(truth.images[0], id=new) for new in copies]
    copied = Dataset(images, objects, truth.categories)
    boxes = [
        d._replace(image_id=new)
        for new, old in copies.items()
        for d in detections
        if d.image_id == old
    ]
    found = {kind: cost[0] for kind, cost in weighted.items()}
    assert found == pytest.approx(costs(copied, boxes), abs=1e-12, nan_ok=True)
