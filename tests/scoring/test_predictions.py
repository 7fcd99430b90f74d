import random

import pytest

from fairtrial import DataError
from fairtrial.scoring.predictions import ImageDetection, parse, strongest
from tests.facts import refused

GOOD = {"image_id": 1, "category_id": 7, "bbox": [1, 2.5, 3, 0], "score": 0.5}


def entry(**changes):
    return {**GOOD, **changes}


def test_integers_in_json_become_floats_and_other_keys_are_left_out():
    detections = parse([entry(segmentation=[], score=1)], "test.json", {1}, {7})
    assert detections == [ImageDetection(1, 7, (1.0, 2.5, 3.0, 0.0), 1.0)]


BAD = {
    "image of another split": (entry(image_id=3), ["image_id 3"]),
    "image as text": (entry(image_id="1"), ["image_id '1'"]),
    "image as boolean": (entry(image_id=True), ["image_id True"]),
    "image as list": (entry(image_id=[1]), ["image_id [1]"]),
    "unknown category": (entry(category_id=8), ["category_id 8", "[7]"]),
    "confidence NaN": (entry(score=float("nan")), ["score nan"]),
    "confidence above 1": (entry(score=1.5), ["score 1.5"]),
    "confidence below 0": (entry(score=-0.1), ["score -0.1"]),
    "confidence as text": (entry(score="0.5"), ["score '0.5'"]),
    "confidence as boolean": (entry(score=True), ["score True"]),
    "confidence null": (entry(score=None), ["score None"]),
    "box of three numbers": (entry(bbox=[1, 2, 3]), ["bbox [1, 2, 3]"]),
    "box without end": (entry(bbox=[1, 2, 3, float("inf")]), ["bbox [1, 2, 3, inf]"]),
    "box beyond floats": (entry(bbox=[1, 2, 3, 10**400]), ["too large"]),
    "box as object": (entry(bbox={"x": 1}), ["bbox {'x': 1}"]),
    "negative width": (entry(bbox=[5, 5, -1, 2]), ["bbox [5, 5, -1, 2]", "negative"]),
    "missing keys": ({"image_id": 1, "bbox": [1, 2, 3, 4]}, ["category_id, score"]),
    "list": ([1, 7, 0.5], ["[1, 7, 0.5]"]),
}


@pytest.mark.parametrize(("bad", "facts"), BAD.values(), ids=BAD)
def test_a_bad_entry_is_named_by_file_and_number(bad, facts):
    with refused(DataError, "runs/val.json", "entry 1", *facts):
        parse([entry(), bad], "runs/val.json", {1, 2}, {7})


@pytest.mark.parametrize(
    "content",
    [{}, {"annotations": []}, None, "text"],
    ids=["no keys", "annotations", "null", "text"],
)
def test_a_file_without_a_list_is_refused_instead_of_scored_as_empty(content):
    with refused(DataError, "runs/val.json", "COCO results list", type(content).__name__):
        parse(content, "runs/val.json", {1}, {7})


def test_order_comes_from_the_detections_even_where_confidences_are_equal():
    boxes = {"small": [9, 0, 1, 1], "right": [3, 0, 2, 2], "left": [1, 0, 2, 2]}
    entries = [
        entry(image_id=i, score=s, bbox=box)
        for i in (2, 1)
        for s in (0.2, 0.9)
        for box in boxes.values()
    ]
    ordered = parse(entries, "f", {1, 2}, {7})
    assert [(d.image_id, d.confidence, d.bbox[0]) for d in ordered[:6]] == [
        *((1, 0.9, 1), (1, 0.9, 3), (1, 0.9, 9), (1, 0.2, 1), (1, 0.2, 3), (1, 0.2, 9))
    ]
    random.Random(0).shuffle(entries)
    assert parse(entries, "f", {1, 2}, {7}) == ordered


def test_strongest_counts_each_image_and_class_by_itself():
    box = (0.0, 0.0, 1.0, 1.0)
    rows = [
        (image, category, score) for image in (1, 2) for score in (0.9, 0.8) for category in (1, 2)
    ]
    kept = strongest([ImageDetection(i, c, box, s) for i, c, s in rows], 1)
    assert [(d.image_id, d.category_id, d.confidence) for d in kept] == [
        *((1, 1, 0.9), (1, 2, 0.9), (2, 1, 0.9), (2, 2, 0.9))
    ]
