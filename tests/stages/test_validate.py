import csv
import json
import random

import numpy as np
import pytest
from tests.certificates import certificate, write_certificate
from tests.facts import refused

from fairtrial import DataError
from fairtrial.data import dataset
from fairtrial.data.dataset import Annotation, Dataset, Image
from fairtrial.files.modelfile import write_model
from fairtrial.results.run import FinishedRun
from fairtrial.scoring.error_kinds import KINDS
from fairtrial.scoring.resamples import read_resamples
from fairtrial.scoring.task_metrics import TASK_METRICS
from fairtrial.settings.stages import ValidateDetectSettings
from fairtrial.stages.validate import validate

SETTINGS = {"iou": 0.5, "max_det": 100}
OUTPUTS = {
    "metrics": "metrics.json",
    "per_class": "per_class.csv",
    "curves": "curves.csv",
    "confusion": "confusion.csv",
    "error_kinds": "error_kinds.csv",
    "by_size": "by_size.csv",
    "by_group": "by_group.csv",
    "class_curves": "class_curves.csv",
    "operating_points": "operating_points.csv",
    "calibration": "calibration.csv",
}


def square(n, side=40.0):
    return (100.0 * n, 0.0, side, side)


@pytest.fixture
def folder(tmp_path):
    """A set of four images: 1 and 2 on val, 3 on test, 4 on train; two classes with a gap in
    their ids, and one without objects."""
    objects = [
        *[(1, 2, square(1)), (1, 2, square(3)), (2, 5, square(1))],
        *[(3, 2, square(2)), (3, 5, square(4)), (4, 2, square(1))],
    ]
    whole = Dataset(
        [Image(i, f"{i}.png", 1000, 100) for i in (1, 2, 3, 4)],
        [
            Annotation(image, k, box, box[2] * box[3], id=n)
            for n, (image, k, box) in enumerate(objects, 1)
        ],
        {2: "cell, red", 5: "platelet", 9: "absent"},
    )
    dataset.write(whole, tmp_path / "annotations.json")
    write_certificate(tmp_path / "split.json", [4], [1, 2], [3])
    put(tmp_path, "val", [detection(o[0], o[1], o[2], 0.9) for o in objects[:3]])
    put(tmp_path, "test", [detection(o[0], o[1], o[2], 0.9) for o in objects[3:5]])
    return tmp_path


def detection(image, category, box, confidence):
    return {"image_id": image, "category_id": category, "bbox": list(box), "score": confidence}


def put(folder, name, content):
    (folder / f"{name}.json").write_text(json.dumps(content))


def run(folder, out=None, **settings):
    """Validate a folder; every output as text, by parameter."""
    out = out or folder / "out"
    validate(
        settings=ValidateDetectSettings(**{**SETTINGS, **settings}),
        **{name: folder / f"{name}.json" for name in ("annotations", "split", "val", "test")},
        **{name: out / file for name, file in OUTPUTS.items()},
        resamples=out / "resamples.npz",
    )
    return {name: (out / file).read_text() for name, file in OUTPUTS.items()}


def rows(text):
    return list(csv.DictReader(text.splitlines()))


def test_perfect_predictions_give_one_on_both_splits(folder):
    out = json.loads(run(folder)["metrics"])
    assert (out["confidence"], out["iou"]) == (0.45, 0.5)
    for split, images, objects in (("val", 2, 3), ("test", 1, 2)):
        metrics = out[split]
        assert (metrics.pop("images"), metrics.pop("objects")) == (images, objects)
        defined = {name: value for name, value in metrics.items() if value is not None}
        assert set(metrics) - set(defined) == {"AP_small", "AP_large", "AR_small", "AR_large"}
        # one detection an image finds half of image 1's two objects of a class
        few = defined.pop("AR_1")
        assert few == pytest.approx(0.75 if split == "val" else 1)
        assert list(defined.values()) == pytest.approx([1] * len(defined))


def test_per_class_rows_count_their_split_and_leave_undefined_cells_empty(folder):
    lines = run(folder)["per_class"].splitlines()
    assert lines[0] == (
        "split,class,images,objects,AP,AP50,precision,recall,f1,"
        "units,AP_se,AP50_se,precision_se,recall_se,f1_se"
    )
    assert lines[1:] == [
        'val,"cell, red",1,2,1,1,1,1,1,1,0,0,0,0,0',
        "val,platelet,1,1,1,1,1,1,1,1,0,0,0,0,0",
        "val,absent,0,0,,,,,,0,,,,,",
        # one image alone says nothing of others
        'test,"cell, red",1,1,1,1,1,1,1,1,,,,,',
        "test,platelet,1,1,1,1,1,1,1,1,,,,,",
        "test,absent,0,0,,,,,,0,,,,,",
    ]


def test_the_confidence_is_chosen_on_val_and_used_on_test(folder):
    # val: from 0.4 down to 0 is best; on test alone from 0.8 down to 0.5 would be
    put(folder, "val", [detection(1, 2, square(1), 0.9), detection(1, 2, square(3), 0.4)])
    put(folder, "test", [detection(3, 2, square(2), 0.8), detection(3, 2, square(8), 0.5)])
    out = json.loads(run(folder)["metrics"])
    assert out["confidence"] == 0.2
    assert (out["test"]["precision"], out["test"]["recall"]) == (0.25, 0.5)
    assert out["test"]["f1"] == pytest.approx((2 / 3 + 0) / 2)


def test_curves_have_101_points_each_at_the_stated_confidences(folder):
    put(folder, "val", [detection(1, 2, square(1), 0.57)])
    table = [r for r in rows(run(folder)["curves"]) if r["split"] == "val"]
    names = ["precision_recall", "precision_confidence", "recall_confidence", "f1_confidence"]
    assert [r["curve"] for r in table] == [name for name in names for _ in range(101)]
    recall = {r["x"]: r["y"] for r in table if r["curve"] == "recall_confidence"}
    assert (recall["0"], recall["0.57"], recall["0.58"], recall["1"]) == ("0.25", "0.25", "0", "0")


def test_confusion_lists_every_pair_on_both_splits(folder):
    put(folder, "test", [detection(3, 5, square(2), 0.95)])
    table = rows(run(folder)["confusion"])
    assert len(table) == 2 * 4 * 4
    counts = {(r["split"], r["truth"], r["predicted"]): r["count"] for r in table}
    assert {key: n for key, n in counts.items() if n != "0"} == {
        ("val", "cell, red", "cell, red"): "2",
        ("val", "platelet", "platelet"): "1",
        ("test", "cell, red", "platelet"): "1",
        ("test", "platelet", "background"): "1",
    }


@pytest.mark.parametrize(
    ("settings", "hits", "on_background"),
    [({}, "2", "0"), ({"iou": 0.7}, "1", "1"), ({"max_det": 1}, "1", "0")],
    ids=["the confidence alone", "a higher IoU", "one detection an image and class"],
)
def test_confusion_depends_on_confidence_iou_and_max_det(folder, settings, hits, on_background):
    boxes = [square(1), (310, 0, 40, 40)]  # IoU 1, 0.6
    hit = [detection(1, 2, box, score) for box, score in zip(boxes, (0.9, 0.8), strict=True)]
    best = detection(2, 5, square(1), 0.8)
    # below the confidence, which is 0.8 or 0.9
    put(folder, "val", [*hit, best, detection(2, 2, square(8), 0.1)])
    table = rows(run(folder, **settings)["confusion"])
    counts = {(r["truth"], r["predicted"]): r["count"] for r in table if r["split"] == "val"}
    assert counts["cell, red", "cell, red"] == hits
    assert counts["background", "cell, red"] == on_background


def test_no_detections_give_zeros_not_a_crash(folder):
    put(folder, "val", [])
    put(folder, "test", [])
    out = json.loads(run(folder)["metrics"])
    assert out["confidence"] == 0
    for split in ("val", "test"):
        assert {out[split][name] for name in ("AP", "AR_100", "precision", "recall", "f1")} == {0}


def test_an_empty_test_split_is_null_and_has_no_rows(folder):
    write_certificate(folder / "split.json", val=[1, 2])
    put(folder, "test", [])
    out = run(folder)
    assert json.loads(out["metrics"])["test"] is None
    assert {r["split"] for name in OUTPUTS if name != "metrics" for r in rows(out[name])} == {"val"}


def test_a_test_split_without_objects_has_undefined_metrics_not_zeros(folder):
    whole = dataset.read(folder / "annotations.json")
    whole.annotations = [a for a in whole.annotations if a.image_id != 3]
    dataset.write(whole, folder / "annotations.json")
    out = run(folder)
    metrics = json.loads(out["metrics"])["test"]
    assert (metrics.pop("images"), metrics.pop("objects")) == (1, 0)
    assert set(metrics.values()) == {None}
    assert {r["y"] for r in rows(out["curves"]) if r["split"] == "test"} == {""}


def test_iou_and_max_det_move_the_operating_point_and_leave_coco_metrics_alone(folder):
    shifted = [
        detection(1, 2, (110, 0, 40, 40), 0.9),
        detection(1, 2, square(3), 0.8),
    ]  # IoU 0.6, 1
    put(folder, "val", shifted)
    loose, strict, few = (
        json.loads(run(folder, **changed)["metrics"])["val"]
        for changed in ({}, {"iou": 0.7}, {"max_det": 1})
    )
    assert [m["recall"] for m in (loose, strict, few)] == [0.5, 0.25, 0.25]
    for name in ("AP", "AP50", "AR_10", "AR_100"):
        assert loose[name] == strict[name] == few[name]


BAD = {
    "image of another split": (
        *("val", [detection(3, 2, square(1), 0.5)]),
        ["val.json", "entry 0", "image_id 3"],
    ),
    "unknown category": (
        *("test", [detection(3, 4, square(1), 0.5)]),
        ["test.json", "entry 0", "category_id 4"],
    ),
    "confidence NaN": (
        *("test", [detection(3, 2, square(1), float("nan"))]),
        ["test.json", "entry 0", "score nan"],
    ),
    "no list": ("val", {}, ["val.json", "COCO results list"]),
}


@pytest.mark.parametrize(("name", "content", "facts"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_named_by_file_and_entry_and_nothing_is_written(
    folder, name, content, facts
):
    put(folder, name, content)
    with refused(DataError, *facts):
        run(folder)
    assert not (folder / "out").exists()


def test_a_split_json_that_is_no_certificate_is_refused(folder):
    put(folder, "split", {"val": [1, 2]})
    with refused(DataError, "split.json", "`source`"):
        run(folder)
    assert not (folder / "out").exists()


def test_an_image_of_the_split_that_is_not_in_the_set_is_refused(folder):
    write_certificate(folder / "split.json", val=[1, 99], test=[3])
    with refused(DataError, "split.json", "val", "[99]"):
        run(folder)
    assert not (folder / "out").exists()


def test_a_prediction_on_an_image_of_another_split_is_refused(folder):
    write_certificate(folder / "split.json", val=[2], test=[1, 3])
    with refused(DataError, "val.json", "entry 0"):
        run(folder)
    assert not (folder / "out").exists()


def test_val_without_objects_is_refused(folder):
    write_certificate(folder / "split.json", val=[], test=[3])
    put(folder, "val", [])
    with refused(DataError, "val.json", "val", "no objects"):
        run(folder)


def test_a_cut_off_file_is_named(folder):
    (folder / "test.json").write_text('[{"image_id": 3, ')
    with refused(DataError, "test.json", "JSON"):
        run(folder)


def test_the_order_of_predictions_changes_no_byte_even_with_equal_confidences(folder):
    # confidences of one digit on many boxes, half of them right: pycocotools alone would differ
    shuffle = random.Random(5)
    many = [
        detection(image, category, square(n, side), shuffle.randint(1, 3) / 10)
        for image, category in ((1, 2), (2, 5), (1, 5), (2, 2))
        for n in range(8)
        for side in (40, 38, 20)
    ]
    put(folder, "val", many)
    first = run(folder)
    for _ in range(3):
        shuffle.shuffle(many)
        put(folder, "val", many)
        assert run(folder) == first


@pytest.mark.slow
@pytest.mark.data
def test_real_predictions_in_any_order_give_the_same_bytes(folder, real_data):
    source = real_data / "coco_eval_val2014_100"
    coco = json.loads((source / "instances_val2014_100.json").read_text())
    images = [
        {k: i[k] for k in ("id", "file_name", "width", "height")}
        for i in sorted(coco["images"], key=lambda i: i["id"])
    ]
    put(folder, "annotations", {**coco, "images": images})
    ids = [i["id"] for i in images]
    write_certificate(folder / "split.json", val=ids[:30], test=ids[30:])
    detections = json.loads((source / "instances_val2014_fakebbox100_results.json").read_text())
    outputs = []
    for seed in (1, 2):
        random.Random(seed).shuffle(detections)
        put(folder, "val", [r for r in detections if r["image_id"] in ids[:30]])
        put(folder, "test", [r for r in detections if r["image_id"] in ids[30:]])
        outputs.append(run(folder))
    assert outputs[0] == outputs[1]
    metrics = json.loads(outputs[0]["metrics"])
    assert metrics["val"]["images"] + metrics["test"]["images"] == 100
    crowds = sum(a["iscrowd"] for a in coco["annotations"])
    objects = metrics["val"]["objects"] + metrics["test"]["objects"]
    assert objects == len(coco["annotations"]) - crowds


# --------------------------------------------------------------------------- operating points


def test_operating_points_have_confidences_of_val(folder):
    put(folder, "val", [detection(1, 2, square(1), 0.9), detection(1, 2, square(9), 0.5)])
    put(folder, "test", [detection(3, 2, square(2), 0.8), detection(3, 5, square(9), 0.6)])
    table = rows(run(folder, at_precision=(0.5, 0.9), at_recall=())["operating_points"])
    asked = {(r["split"], r["kind"], r["asked"]): r for r in table if r["kind"] != "froc_curve"}
    assert len(asked) == 2 * (2 + 7)
    val, test = asked["val", "precision", "0.5"], asked["test", "precision", "0.5"]
    assert val["confidence"] == test["confidence"] == "0.7"
    assert (val["precision"], val["recall"]) == ("0.5", "0.25"), "one of two classes is found"
    assert (test["recall"], test["sensitivity"], test["false_alarms"]) == ("0.5", "0.5", "0")
    unreached = asked["test", "precision", "0.9"]
    assert (unreached["confidence"], unreached["recall"]) == ("", "")


def test_calibration_has_a_row_a_bin_of_each_split(folder):
    table = rows(run(folder)["calibration"])
    filled = [row for row in table if row["count"] != "0"]
    assert len(table) == 40
    assert [(r["split"], r["low"], r["count"], r["precision"]) for r in filled] == [
        ("val", "0.85", "3", "1"),
        ("test", "0.85", "2", "1"),
    ]


# --------------------------------------------------------------------------- resamples


def many(folder, *, groups=False, units=None, ids=range(1, 13), wrong=3):
    """Twelve images on test with one object each, and one on val; on `wrong` of the former the
    detection misses. Returns the resamples of test."""
    numbers = [*ids, 99]
    whole = Dataset(
        [Image(i, f"{n:02}.png", 1000, 100, sha256=f"{n:064}") for n, i in enumerate(numbers)],
        [Annotation(i, 1, square(1), 1600.0, id=n) for n, i in enumerate(numbers, 1)],
        {1: "cell"},
    )
    dataset.write(whole, folder / "annotations.json")
    write_model(
        folder / "split.json",
        certificate([], [99], sorted(ids)).model_copy(
            update={"units": units or [], "unit_name": "groups" if groups else "images"}
        ),
    )
    put(folder, "val", [detection(99, 1, square(1), 0.9)])
    boxes = [square(8 if n < wrong else 1) for n, _ in enumerate(ids)]
    put(folder, "test", [detection(i, 1, b, 0.9) for i, b in zip(ids, boxes, strict=True)])
    run(folder)
    return read_resamples(folder / "out/resamples.npz").of("test")


def test_every_metric_has_a_thousand_resamples_around_its_value(folder):
    test = many(folder)
    costs = {f"error_cost_{kind}" for kind in KINDS}
    assert set(test.metrics) == {*TASK_METRICS["detect"].all, *costs}
    assert {values.shape for values in test.metrics.values()} == {(1000,)}
    assert (test.units, test.unit_name) == (12, "images")
    # 9 of 12 images are right: the share on resamples is binomial
    recall = test.metrics["recall"]
    assert recall.mean() == pytest.approx(0.75, abs=3 * 0.125 / 1000**0.5)
    assert recall.std() == pytest.approx((0.75 * 0.25 / 12) ** 0.5, rel=0.1)
    assert np.isnan(test.metrics["AP_small"]).all()


def test_groups_are_drawn_whole(folder):
    """The three wrong images are one patient: of four patients one is wrong."""
    patients = [[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12]]
    test = many(folder, groups=True, units=[*patients, [99, 100]])
    assert (test.units, test.unit_name) == (4, "groups")
    assert set(test.metrics["recall"].round(9)) == {0, 0.25, 0.5, 0.75, 1}
    assert test.metrics["recall"].std() == pytest.approx((0.75 * 0.25 / 4) ** 0.5, rel=0.1)


def test_the_standard_error_of_a_class_is_that_of_its_units(folder):
    """Nine of twelve objects are found; four patients, of whom one is wrong."""
    patients = [[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12]]
    for units, count in ((None, 12), (patients, 4)):
        many(folder, units=units)
        table = rows((folder / "out/per_class.csv").read_text())
        (test,) = (r for r in table if r["split"] == "test")
        assert (test["recall"], test["units"]) == ("0.75", str(count))
        expected = (0.75 * 0.25 / (count - 1)) ** 0.5  # unbiased: one unit less
        assert float(test["recall_se"]) == pytest.approx(expected, rel=0.1)


def test_draws_are_equal_for_runs_on_equal_truth_whatever_the_ids(folder):
    first = many(folder, wrong=3).metrics["recall"]
    renumbered = many(folder, wrong=3, ids=range(12, 0, -1)).metrics["recall"]
    np.testing.assert_array_equal(first, renumbered)
    other = many(folder, wrong=2).metrics["recall"]
    assert np.corrcoef(first, other)[0, 1] > 0.5, "the draws of another run are others"


def test_the_bytes_of_resamples_are_equal_for_equal_content(folder):
    many(folder)
    first = (folder / "out/resamples.npz").read_bytes()
    many(folder)
    assert (folder / "out/resamples.npz").read_bytes() == first


def test_an_empty_test_split_has_no_resamples(folder):
    write_certificate(folder / "split.json", val=[1, 2])
    put(folder, "test", [])
    run(folder)
    content = read_resamples(folder / "out/resamples.npz")
    assert content.of("test") is None
    assert content.of("val").units == 2


# --------------------------------------------------------------------------- breakdowns


def test_kinds_of_error_are_counted_and_priced_on_each_split(folder):
    wrong_class = detection(3, 5, square(2), 0.95)
    put(folder, "test", [wrong_class, detection(3, 5, square(4), 0.9)])
    table = rows(run(folder)["error_kinds"])
    assert [(r["split"], r["kind"]) for r in table] == [
        (split, kind) for split in ("val", "test") for kind in KINDS
    ]
    assert {r["count"] for r in table if r["split"] == "val"} == {"0"}
    of_test = {r["kind"]: r for r in table if r["split"] == "test"}
    assert {kind: r["count"] for kind, r in of_test.items() if r["count"] != "0"} == {
        "classification": "1"
    }
    # class 2: AP50 0 → 1; class 5: 1/2 → 1, for the wrong one of two leaves
    assert float(of_test["classification"]["cost"]) == pytest.approx(1 - (0 + 1 / 2) / 2)


def test_resampled_costs_of_errors_lie_around_the_cost(folder):
    test = many(folder)
    cost = {
        r["kind"]: float(r["cost"])
        for r in rows((folder / "out/error_kinds.csv").read_text())
        if r["split"] == "test"
    }
    for kind in KINDS:
        resampled = test.metrics[f"error_cost_{kind}"]
        spread = resampled.std() / 12**0.5  # the bias is of second order
        assert np.nanmean(resampled) == pytest.approx(cost[kind], abs=max(spread, 1e-9))
    assert cost["missed"] > 0.1


def test_sizes_are_those_of_coco_and_thirds_of_the_objects(folder):
    whole = dataset.read(folder / "annotations.json")
    areas = {1: 100.0, 2: 2000.0, 3: 20000.0}  # small, medium, large; the third is missed
    for a in whole.annotations:
        a.area = areas.get(a.id, 1600.0)
    dataset.write(whole, folder / "annotations.json")
    put(folder, "val", [detection(1, 2, square(n), 0.9) for n in (1, 3)])
    table = [r for r in rows(run(folder)["by_size"]) if r["split"] == "val"]
    assert [(r["scale"], r["size"]) for r in table] == [
        (scale, size) for scale in ("COCO", "thirds") for size in ("small", "medium", "large")
    ]
    for r in table:
        assert (r["objects"], r["AP"], r["AR_100"]) == (
            "1",
            *["0" if r["size"] == "large" else "1"] * 2,
        )
    assert [float(r["high"]) for r in table[3:5]] == [100.0, 2000.0]


def test_a_size_without_objects_has_no_metrics(folder):
    table = [r for r in rows(run(folder)["by_size"]) if r["split"] == "test"]
    assert [r["objects"] for r in table] == ["0", "2", "0", "2", "0", "0"]  # all of 1600 pixels
    assert {r["AP"] for r in table if r["objects"] == "0"} == {""}


def grouped(folder, groups):
    """The images of the folder's set get these groups, by image id."""
    whole = dataset.read(folder / "annotations.json")
    for image in whole.images:
        image.group = groups.get(image.id)
    dataset.write(whole, folder / "annotations.json")


def test_groups_count_all_classes_together_at_the_chosen_confidence(folder):
    grouped(folder, {1: "b", 2: "a"})
    put(
        folder,
        "val",
        [
            detection(1, 2, square(1), 0.9),
            detection(1, 5, square(3), 0.9),  # a wrong class
            detection(2, 5, square(1), 0.9),
            detection(2, 5, square(8), 0.1),  # below the confidence
        ],
    )
    assert run(folder)["by_group"].splitlines() == [
        "split,group,images,objects,detections,right,precision,recall,f1",
        "val,a,1,1,1,1,1,1,1",
        "val,b,1,2,2,1,0.5,0.5,0.5",
    ]


def test_a_group_without_objects_and_detections_has_no_rates(folder):
    grouped(folder, {3: "only"})
    whole = dataset.read(folder / "annotations.json")
    whole.annotations = [a for a in whole.annotations if a.image_id != 3]
    dataset.write(whole, folder / "annotations.json")
    put(folder, "test", [])
    assert run(folder)["by_group"].splitlines()[1:] == ["test,only,1,0,0,0,,,"]


def test_images_without_groups_give_no_row(folder):
    assert len(run(folder)["by_group"].splitlines()) == 1


def test_class_curves_pass_through_the_metrics_of_the_class(folder):
    put(folder, "val", [detection(1, 2, square(1), 0.6), detection(1, 2, square(8), 0.4)])
    out = run(folder)
    table = [r for r in rows(out["class_curves"]) if r["split"] == "val"]
    assert [r["class"] for r in table] == ["cell, red"] * 51 + ["platelet"] * 51
    at = {r["confidence"]: (r["precision"], r["recall"]) for r in table[:51]}
    assert (at["0.4"], at["0.42"], at["0.6"], at["0.62"]) == (
        *[("0.5", "0.5"), ("1", "0.5"), ("1", "0.5"), ("0", "0")],
    )


def test_the_log_has_cocos_lines_of_both_splits(folder, capsys):
    run(folder)
    printed = capsys.readouterr().out
    assert printed.count("Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all |") == 2
    assert printed.startswith("val: 2 images, 3 objects\n")
    assert "\ntest: 1 images, 2 objects\n" in printed


def test_a_split_that_is_only_predicted_is_in_no_table(folder):
    scored = run(folder)
    content = certificate([4], [1, 2], [3]).model_copy(update={"predict_only": True})
    write_model(folder / "split.json", content)
    predicted = run(folder)
    assert json.loads(predicted["metrics"])["test"] is None
    assert json.loads(predicted["metrics"])["val"] == json.loads(scored["metrics"])["val"]
    for name in set(OUTPUTS) - {"metrics"}:
        assert {row["split"] for row in rows(predicted[name])} <= {"val"}, name
        ours = [row for row in rows(scored[name]) if row["split"] == "val"]
        assert rows(predicted[name]) == ours, name
    assert read_resamples(folder / "out/resamples.npz").of("test") is None


def test_a_val_without_objects_does_no_harm_where_it_was_not_predicted(folder):
    content = dataset.read(folder / "annotations.json")
    content.annotations = [a for a in content.annotations if a.image_id not in (1, 2)]
    dataset.write(content, folder / "annotations.json")
    put(folder, "val", None)
    metrics = json.loads(run(folder)["metrics"])
    assert (metrics["val"], metrics["confidence"]) == (None, None)
    assert metrics["test"]["AP"] == pytest.approx(1)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "'="])
def test_a_class_and_a_group_may_be_called_like_a_formula(folder, start):
    """A spreadsheet would run it; results and report see the name as it is."""
    names = {2: f"{start}1+1", 5: "platelet", 9: "absent"}
    grouped(folder, {1: f"{start}b"})
    whole = dataset.read(folder / "annotations.json")
    whole.categories = names
    dataset.write(whole, folder / "annotations.json")
    tables = run(folder, folder / "runs/a")
    for name in ("per_class", "confusion", "by_group", "class_curves"):
        cells = [cell for row in csv.reader(tables[name].splitlines()) for cell in row]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))], name
    finished = FinishedRun("a", folder)
    assert list(finished.per_class["val"]) == list(names.values())
    assert (f"{start}1+1", "platelet") in finished.confusion["val"]
    assert list(finished.breakdowns.groups("val")) == [f"{start}b"]
    assert ("val", f"{start}1+1") in finished.breakdowns.class_curves


def test_another_number_of_detections_is_scored_beside_cocos(folder, capsys):
    without = json.loads(run(folder)["metrics"])
    assert "maxDets=100" in capsys.readouterr().out
    outputs = run(folder, max_detections=1)
    metrics = json.loads(outputs["metrics"])
    assert metrics.pop("max_detections") == 1
    own = {name: metrics["val"].pop(name) for name in list(metrics["val"]) if "max_det" in name}
    assert own["AR_max_detections"] == metrics["val"]["AR_1"] < metrics["val"]["AR_100"]
    assert own["AP_max_detections"] < metrics["val"]["AP"]
    del metrics["test"]["AP_max_detections"], metrics["test"]["AP50_max_detections"]
    del metrics["test"]["AR_max_detections"]
    assert metrics == without
    assert "up to 1 detections of an image and class" in capsys.readouterr().out
