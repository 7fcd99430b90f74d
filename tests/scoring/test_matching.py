"""Every match is pycocotools' own."""

import numpy as np
import pytest

from fairtrial.data.dataset import Annotation, Dataset, Image
from fairtrial.scoring import matching
from fairtrial.scoring.predictions import ImageDetection
from tests.scoring import pycoco

AREAS = list(matching.COCO_AREAS.values())


def assert_equal(found, expected):
    """Both are (image, class, confidence, matched, ignored)."""
    if not expected:
        assert not len(found.confidence)
        return
    arrays = (found.detection_image, found.detection_class, found.confidence)
    for ours, theirs in zip((*arrays, found.matched, found.ignored), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("first", range(0, 200, 20))
def test_matches_are_those_of_pycocotools_at_every_iou_and_size(first):
    """Ties, crowds, ignored ranges, empty images and classes: see `pycoco.drawn`."""
    for seed in range(first, first + 20):
        truth, detections = pycoco.drawn(seed)
        evaluation = pycoco.standard(truth, detections)
        sizes = matching.by_size(matching.overlaps(truth, detections))
        assert list(sizes) == evaluation.params.areaRngLbl
        for number, matches in enumerate(sizes.values()):
            assert_equal(matches, pycoco.matches(evaluation, number))
            assert matches.image_ids.tolist() == evaluation.params.imgIds
            assert matches.category_ids.tolist() == evaluation.params.catIds


@pytest.mark.parametrize("iou", [0.3, 0.5, 0.6, 0.75, 1.0])
@pytest.mark.parametrize("max_det", [1, 3, 300])
def test_other_ious_and_numbers_of_detections(iou, max_det):
    for seed in range(200, 215):
        truth, detections = pycoco.drawn(seed)
        evaluation = pycoco.at_one_iou(truth, detections, iou, max_det)
        found = matching.match(truth, detections, ious=[iou], max_det=max_det)
        assert_equal(found, pycoco.matches(evaluation))


def crowded(objects, detections):
    """One image with so many equal boxes of one class in a row, and detections upon them."""
    boxes = [(30.0 * n, 0.0, 20.0, 20.0) for n in range(max(objects, detections))]
    truth = Dataset(
        [Image(1, "1.png", 10_000, 100)],
        [Annotation(1, 1, box, 400.0, id=n) for n, box in enumerate(boxes[:objects], 1)],
        {1: "cell"},
    )
    return truth, [ImageDetection(1, 1, box, 0.5) for box in boxes[:detections]]


def test_the_hundred_and_first_detection_does_not_count():
    truth, detections = crowded(130, 130)
    evaluation = pycoco.standard(truth, detections)
    found = matching.match(truth, detections, ious=matching.COCO_IOUS)
    assert_equal(found, pycoco.matches(evaluation))
    assert found.matched.sum(axis=1).tolist() == [100] * 10
    assert found.rank.tolist() == list(range(100))


@pytest.mark.parametrize("objects", [[], [(1, 1, 1)]], ids=["no objects", "one object"])
def test_no_detections(scene, objects):
    found = matching.match(*scene(objects, []), ious=[0.5, 0.75])
    assert found.matched.shape == found.ignored.shape == (2, 0)
    assert found.objects.sum() == len(objects)


def test_no_images(scene):
    found = matching.match(*scene([], [], images=[]), ious=[0.5])
    assert (found.images, found.objects.shape) == (0, (0, 2))


def test_objects_beyond_the_area_and_crowds_are_not_counted(scene):
    truth, detections = scene([(1, 1, 1), (1, 1, 2, "crowd"), (3, 2, 1)], [])
    everything = matching.match(truth, detections, ious=[0.5])
    assert everything.objects.tolist() == [[1, 0], [0, 0], [0, 1]]
    small = matching.match(truth, detections, ious=[0.5], area=matching.SMALL)
    assert not small.objects.any()
