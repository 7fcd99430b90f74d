import json

import numpy as np
import pytest

from fairtrial import DataError
from fairtrial.data import dataset
from fairtrial.data.dataset import Annotation, Dataset, Image
from fairtrial.scoring import coco_metrics, matching
from fairtrial.scoring.predictions import ImageDetection, parse
from tests.facts import refused
from tests.scoring import pycoco


@pytest.fixture(scope="module")
def reference_cache():
    return {}


@pytest.fixture
def reference(real_data, tmp_path, reference_cache):
    """The 100 images of cocoapi, written to and read from our own interchange; (set,
    detections)."""
    if not reference_cache:
        folder = real_data / "coco_eval_val2014_100"
        coco = json.loads((folder / "instances_val2014_100.json").read_text())
        clean, new_image, new_class = as_interchange(coco)
        dataset.write(clean, tmp_path / "annotations.json")
        truth = dataset.read(tmp_path / "annotations.json")
        rows = json.loads((folder / "instances_val2014_fakebbox100_results.json").read_text())
        for row in rows:
            row["image_id"] = new_image[row["image_id"]]
            row["category_id"] = new_class[row["category_id"]]
        detections = parse(rows, "results", {i.id for i in truth.images}, truth.categories)
        reference_cache["it"] = truth, detections
    return reference_cache["it"]


def evaluated(truth, detections):
    return coco_metrics.evaluate(matching.by_size(matching.overlaps(truth, detections)))


def as_interchange(coco):
    """COCO's own file as our canonical set, with the new ids of its images and classes."""
    raw = Dataset(
        [Image(i["id"], i["file_name"], i["width"], i["height"]) for i in coco["images"]],
        [
            Annotation(
                *(a["image_id"], a["category_id"], tuple(a["bbox"]), a["area"]), bool(a["iscrowd"])
            )
            for a in coco["annotations"]
        ],
        {c["id"]: c["name"] for c in coco["categories"]},
    )
    clean = raw.canonical()
    numbers = {image.file_name: image.id for image in clean.images}
    names = {name: number for number, name in clean.categories.items()}
    return (
        clean,
        {image.id: numbers[image.file_name] for image in raw.images},
        {old: names[name] for old, name in raw.categories.items()},
    )


@pytest.mark.data
def test_the_twelve_metrics_of_the_reference_set_survive_our_interchange(reference, real_data):
    expected = json.loads((real_data / "coco_eval_val2014_100/expected_stats.json").read_text())
    metrics = coco_metrics.metrics(evaluated(*reference))
    assert list(metrics) == list(coco_metrics.METRICS)
    assert list(metrics.values()) == pytest.approx(expected["bbox"], abs=1e-9)
    assert list(metrics.values()) == pycoco.stats(pycoco.standard(*reference)), "to the last bit"


@pytest.mark.parametrize("first", range(0, 200, 20))
def test_all_metrics_are_those_of_pycocotools_to_the_last_bit(first):
    for seed in range(first, first + 20):
        truth, detections = pycoco.drawn(seed)
        theirs, ours = pycoco.standard(truth, detections), evaluated(truth, detections)
        assert list(coco_metrics.metrics(ours).values()) == pycoco.stats(theirs)
        for number, name in enumerate(pycoco.SIZES):
            expected = theirs.eval["precision"][..., number, -1]
            np.testing.assert_array_equal(ours.precision[name], expected)


@pytest.mark.data
def test_class_metrics_average_to_ap_and_leave_absent_classes_out(reference):
    truth, _ = reference
    evaluation = evaluated(*reference)
    by_class = coco_metrics.metrics_by_class(evaluation)
    assert set(by_class) == set(truth.categories)
    present = {a.category_id for a in truth.annotations if not a.iscrowd}
    assert {k for k, metrics in by_class.items() if metrics["AP"] is not None} == present
    for name in ("AP", "AP50"):
        mean = np.mean([by_class[k][name] for k in present])
        assert mean == pytest.approx(coco_metrics.metrics(evaluation)[name], abs=1e-12)


@pytest.mark.data
def test_the_curve_at_one_iou_averages_to_its_ap(reference):
    mean = coco_metrics.precision_over_recall(matching.match(*reference, ious=[0.5]))
    ap50 = coco_metrics.metrics(evaluated(*reference))["AP50"]
    assert mean.mean() == pytest.approx(ap50, abs=1e-12)


def test_gaps_in_the_category_ids_and_absent_classes_change_no_metric(scene):
    objects = [(1, 2, 1), (2, 90, 3)]
    detections = [(1, 2, 1, 0.9), (2, 90, 3, 0.8), (2, 90, 5, 0.9)]
    truth, detections = scene(objects, detections, categories=(2, 7, 90))
    evaluation = evaluated(truth, detections)
    assert coco_metrics.metrics_by_class(evaluation) == {
        2: {"AP": pytest.approx(1), "AP50": pytest.approx(1)},
        7: {"AP": None, "AP50": None},
        90: {"AP": pytest.approx(0.5), "AP50": pytest.approx(0.5)},
    }
    assert coco_metrics.metrics(evaluation)["AP"] == pytest.approx(0.75)


@pytest.mark.parametrize("objects", [100, 101, 150, 400], ids=str)
def test_a_perfect_detector_has_the_highest_possible_ap(objects):
    """COCO counts 100 detections of an image and class: of 150 objects two thirds can be found."""
    boxes = [(20.0 * n, 0.0, 10.0, 10.0) for n in range(objects)]
    truth = Dataset(
        [Image(1, "1.png", 9000, 100), Image(2, "2.png", 9000, 100)],
        [Annotation(1, 1, box, 100.0) for box in boxes] + [Annotation(2, 2, boxes[0], 100.0)],
        {1: "cell", 2: "rare", 3: "absent"},
    )
    perfect = [
        ImageDetection(a.image_id, a.category_id, a.bbox, 0.9) for a in truth.annotations if a.bbox
    ]
    (ap, *_) = pycoco.stats(pycoco.standard(truth, perfect))
    assert coco_metrics.highest_ap(truth) == pytest.approx(ap, abs=1e-12)
    assert (coco_metrics.highest_ap(truth) == 1) == (objects == 100)
    if objects == 150:
        assert ap == pytest.approx((67 / 101 + 1) / 2)


def test_without_objects_no_ap_is_the_highest(scene):
    assert coco_metrics.highest_ap(scene([(1, 1, 1, "crowd")], [])[0]) is None


def test_sizes_without_objects_are_none_not_minus_one(scene):
    metrics = coco_metrics.metrics(evaluated(*scene([(1, 1, 1)], [(1, 1, 1, 0.9)])))
    absent = {"AP_small", "AP_large", "AR_small", "AR_large"}  # 40×40 is medium
    assert {name for name, value in metrics.items() if value is None} == absent
    assert metrics["AP_medium"] == pytest.approx(1)


@pytest.mark.parametrize("count", [1, 2, 3, 1000])
def test_ap_at_ones_own_number_of_detections_is_that_of_pycocotools(count):
    """`maxDets` of [1, 10, count], whose last one AP is counted at."""
    for seed in range(15):
        truth, detections = pycoco.drawn(seed)
        theirs = pycoco.with_max_dets(truth, detections, count)
        pairs = matching.overlaps(truth, detections)
        matches = matching.match_pairs(pairs, matching.COCO_IOUS, max_det=count)
        ours = coco_metrics.metrics_of(matches, count)
        assert ours == {
            "AP_max_detections": pycoco.mean_defined(theirs.eval["precision"][:, :, :, 0, -1]),
            "AP50_max_detections": pycoco.mean_defined(theirs.eval["precision"][0, :, :, 0, -1]),
            "AR_max_detections": pycoco.mean_defined(theirs.eval["recall"][:, :, 0, -1]),
        }


def test_a_crowded_image_has_its_whole_ap_at_a_larger_number(scene):
    """120 objects of a class on an image, all found: by COCO's rule at most 100 of them count."""
    box = [(1, 1, place) for place in range(120)]
    truth, detections = scene(box, [(*b, 0.9) for b in box])
    assert coco_metrics.metrics(evaluated(truth, detections))["AP"] < 0.9
    pairs = matching.overlaps(truth, detections)
    matches = matching.match_pairs(pairs, matching.COCO_IOUS, max_det=200)
    assert coco_metrics.metrics_of(matches, 200)["AP_max_detections"] == pytest.approx(1)


def test_area_comes_from_the_annotation_not_from_its_box(scene):
    truth, detections = scene([(1, 1, 1)], [(1, 1, 1, 0.9)])
    truth.annotations[0].area = 100.0  # a thin segment in a 40×40 box
    metrics = coco_metrics.metrics(evaluated(truth, detections))
    assert metrics["AP_small"] == pytest.approx(1)
    assert metrics["AP_medium"] is None


def test_no_detections_give_zeros(scene):
    metrics = coco_metrics.metrics(evaluated(*scene([(1, 1, 1)], [])))
    assert metrics["AP"] == metrics["AR_100"] == metrics["AP_medium"] == 0


def test_no_objects_give_none_even_with_detections(scene):
    metrics = coco_metrics.metrics(evaluated(*scene([], [(1, 1, 1, 0.9)])))
    assert set(metrics.values()) == {None}


def test_an_object_with_id_zero_is_not_lost(scene):
    truth, detections = scene([(1, 1, 1)], [(1, 1, 1, 0.9)])
    truth.annotations[0].id = 0
    assert coco_metrics.metrics(evaluated(truth, detections))["AP"] == pytest.approx(1)


def test_interpolated_precision_by_hand(scene):
    # two objects; right, wrong, right: precision 1 to recall 0.5, then 2/3
    detections = [(1, 1, 1, 0.9), (1, 1, 5, 0.8), (2, 1, 1, 0.6)]
    matches = matching.match(*scene([(1, 1, 1), (2, 1, 1)], detections), ious=[0.5])
    precisions = coco_metrics.precision_over_recall(matches)
    assert precisions == pytest.approx([1.0] * 51 + [2 / 3] * 50)


def test_a_split_keeps_its_images_objects_and_all_categories(scene):
    truth, _ = scene([(1, 1, 1), (2, 2, 1)], [])
    split = truth.on_images([2, 3])
    assert [i.id for i in split.images] == [2, 3]
    assert [a.category_id for a in split.annotations] == [2]
    assert split.categories == truth.categories


def test_a_split_with_an_unknown_image_is_refused(scene):
    truth, _ = scene([(1, 1, 1)], [])
    with refused(DataError, "77"):
        truth.on_images([1, 77])


def test_boxes_say_the_task(scene):
    truth, _ = scene([(1, 1, 1), (1, 1, 2)], [])
    assert truth.task == "detect"
    truth.annotations[0].bbox = None
    with refused(DataError, "1 of 2"):
        _ = truth.task
    truth.annotations[1].bbox = None
    assert truth.task == "classify"
