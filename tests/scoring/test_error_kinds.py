"""Kinds of error: by hand, and against code that shares nothing with it on random scenes."""

import numpy as np
import pytest

from fairtrial.scoring import error_kinds
from fairtrial.scoring.error_kinds import KINDS
from tests.scoring import pycoco

SQUARE = (0.0, 0.0, 40.0, 40.0)
HALF = (20.0, 0.0, 40.0, 40.0)  # overlaps SQUARE by a third
EDGE = (36.0, 0.0, 40.0, 40.0)  # overlaps SQUARE by 0.053


def counted(scene, objects, detections):
    """The kinds that occur, with their counts."""
    counts = error_kinds.find(*scene(objects, detections)).counts()
    return {kind: count for kind, count in counts.items() if count}


@pytest.mark.parametrize(
    ("detections", "expected"),
    [
        ([(1, 1, SQUARE, 0.9)], {}),
        ([(1, 2, SQUARE, 0.9)], {"classification": 1}),
        ([(1, 1, HALF, 0.9)], {"localisation": 1}),
        ([(1, 2, HALF, 0.9)], {"both": 1, "missed": 1}),
        ([(1, 1, SQUARE, 0.9), (1, 1, SQUARE, 0.8)], {"duplicate": 1}),
        ([(1, 1, EDGE, 0.9)], {"background": 1, "missed": 1}),
        ([(1, 1, 5, 0.9)], {"background": 1, "missed": 1}),
        ([(2, 1, SQUARE, 0.9)], {"background": 1, "missed": 1}),  # another image
        ([], {"missed": 1}),
        ([(1, 1, (10.0, 0.0, 20.0, 40.0), 0.9)], {}),  # an IoU of one half is right
        ([(1, 1, (18.0, 0.0, 4.0, 40.0), 0.9)], {"localisation": 1}),  # one tenth is not background
    ],
    ids=[
        *("right", "classification", "localisation", "both", "duplicate", "beside", "far"),
        *("on another image", "nothing", "one half", "one tenth"),
    ],
)
def test_each_kind_by_hand(scene, detections, expected):
    assert counted(scene, [(1, 1, SQUARE)], detections) == expected


@pytest.mark.parametrize(
    ("other", "kind"),
    [(SQUARE, "classification"), (HALF, "duplicate"), (EDGE, "duplicate")],
    ids=["same place", "a third", "an edge"],
)
def test_a_duplicate_on_an_object_of_another_class_is_a_wrong_class(scene, other, kind):
    detections = [(1, 1, SQUARE, 0.9), (1, 1, SQUARE, 0.8), (1, 2, other, 0.7)]
    assert counted(scene, [(1, 1, SQUARE), (1, 2, other)], detections) == {kind: 1}


def test_a_poor_box_is_a_localisation_error_whatever_else_it_lies_on(scene):
    objects = [(1, 1, SQUARE), (1, 2, HALF)]
    assert counted(scene, objects, [(1, 1, HALF, 0.9)]) == {"localisation": 1, "missed": 1}


def test_an_error_that_aims_at_a_found_object_leaves_no_other_one_found(scene):
    objects = [(1, 1, SQUARE), (1, 1, 5)]
    detections = [(1, 1, SQUARE, 0.9), (1, 2, SQUARE, 0.8)]
    assert counted(scene, objects, detections) == {"classification": 1, "missed": 1}


def test_crowds_are_no_objects_and_detections_on_them_no_errors(scene):
    crowd = (1, 1, (0.0, 0.0, 400.0, 100.0), "crowd")
    on_it = [(1, 1, 1, 0.9), (1, 1, 2, 0.8)]
    assert counted(scene, [crowd], on_it) == {}
    assert counted(scene, [crowd], [(1, 2, 1, 0.9)]) == {"background": 1}  # of another class
    assert counted(scene, [crowd], []) == {}


def test_a_hundred_detections_of_an_image_and_class_count(scene):
    detections = [(1, 1, 5, 1 - n / 1000) for n in range(130)] + [(1, 2, 5, 0.5)]
    assert counted(scene, [(1, 1, SQUARE)], detections) == {"background": 101, "missed": 1}


def test_an_image_without_anything(scene):
    errors = error_kinds.find(*scene([], []))
    assert errors.counts() == dict.fromkeys(KINDS, 0)
    assert len(errors.image_ids) == 3


def random_scene(scene, seed, equal_confidences=True):
    """Crowded scenes, so that every kind occurs; with equal boxes and crowds."""
    rng = np.random.default_rng(seed)
    objects, detections = [], []
    for image in (1, 2, 3):
        for _ in range(rng.integers(0, 6)):
            crowd = ["crowd"] if rng.random() < 0.1 else []
            objects.append((image, int(rng.integers(1, 4)), _box(rng), *crowd))
        for _ in range(rng.integers(0, 25)):
            confidence = rng.integers(1, 20) / 20 if equal_confidences else rng.random()
            detections.append((image, int(rng.integers(1, 4)), _box(rng), float(confidence)))
    return scene(objects, detections, categories=(1, 2, 3))


def _box(rng):
    x, y = rng.integers(0, 6, 2) * 8
    return (float(x), float(y), float(rng.choice([32, 40])), float(rng.choice([32, 40])))


def iou(a, b):
    wide = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    high = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    both = max(wide, 0) * max(high, 0)
    return both / (a[2] * a[3] + b[2] * b[3] - both)


def explained(truth, detections):
    """A second computation, on pycocotools' matches: (kind, object) of each counted detection, None
    where it is ignored; kind "" where it is right."""
    evaluation = pycoco.at_one_iou(truth, detections, 0.5, 100)
    of_number = {}
    for image in evaluation.evalImgs:
        if image is not None:
            rows = zip(image["dtIds"], image["dtMatches"][0], image["dtIgnore"][0], strict=True)
            of_number |= {number: (int(match), ignored) for number, match, ignored in rows}
    answers = []
    for number, d in enumerate(detections, 1):
        match, ignored = of_number[number]
        if ignored:
            answers.append(None)
        elif match:
            answers.append(("", match))
        else:
            answers.append(explanation(truth, d))
    return answers


def explanation(truth, d):
    best = {True: (0.0, 0), False: (0.0, 0)}  # own class, another class: IoU and object
    for number, a in enumerate(truth.annotations, 1):
        own = a.category_id == d.category_id
        if a.image_id == d.image_id and not a.iscrowd and iou(a.bbox, d.bbox) > best[own][0]:
            best[own] = (iou(a.bbox, d.bbox), number)
    (same, near), (other, wrong) = best[True], best[False]
    if 0.1 <= same < 0.5:
        return "localisation", near
    if other >= 0.5:
        return "classification", wrong
    if same >= 0.5:
        return "duplicate", 0
    return ("background" if max(same, other) < 0.1 else "both"), 0


@pytest.mark.parametrize("seed", range(40))
def test_random_scenes_against_a_second_computation(scene, seed):
    truth, detections = random_scene(scene, seed)
    answers = [answer for answer in explained(truth, detections) if answer is not None]
    errors = error_kinds.find(truth, detections)
    assert ["" if k == error_kinds.RIGHT else KINDS[k] for k in errors.kind] == [
        kind for kind, _ in answers
    ]
    plain = [n for n, a in enumerate(truth.annotations, 1) if not a.iscrowd]
    assert [plain[t] if t >= 0 else 0 for t in errors.target] == [t for _, t in answers]
    reached = {target for _, target in answers}
    assert errors.missed.tolist() == [number not in reached for number in plain]
    assert sum(errors.counts().values()) == (
        sum(kind != "" for kind, _ in answers) + sum(number not in reached for number in plain)
    )
