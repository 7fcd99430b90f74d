"""Metrics of weighted images, against sets in which each image really is there so many times."""

import numpy as np
import pytest

from fairtrial.scoring import detection_resamples, detection_tables, matching, weighted_metrics
from fairtrial.scoring.matching import COCO_IOUS
from fairtrial.scoring.resampling import UnitDraws
from fairtrial.scoring.task_metrics import DETECTION_METRICS
from tests.facts import refused
from tests.scoring import pycoco


def weightings(seed, images):
    """Each image once; two resamples; and one image alone."""
    drawn = np.random.default_rng(seed).multinomial(images, np.full(images, 1 / images), size=2)
    alone = np.zeros((1, images), dtype=int)
    alone[0, seed % images] = 1 + seed % 3
    return np.concatenate([np.ones((1, images), dtype=int), drawn, alone])


@pytest.mark.parametrize("first", range(0, 120, 10))
def test_ap_is_pycocotools_own_on_the_set_that_the_weights_stand_for(first):
    """At every IoU, size and class. Only copies of an image with equal confidences in one class
    are left out: there the order of a real copy's detections is another one."""
    for seed in range(first, first + 10):
        truth, detections = pycoco.drawn(seed, ties_within=False)
        for weights in weightings(seed, len(truth.images)):
            evaluation = pycoco.standard(*pycoco.repeated(truth, detections, weights))
            for number, area in enumerate(matching.COCO_AREAS.values()):
                expected = evaluation.eval["precision"][..., number, -1].mean(axis=1)
                expected[expected < 0] = np.nan
                matches = matching.match(truth, detections, ious=COCO_IOUS, area=area)
                found = weighted_metrics.average_precision(matches, weights)
                np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_ap_at_weights_of_one_holds_with_ties_too():
    for seed in range(60):
        truth, detections = pycoco.drawn(seed)
        expected = pycoco.standard(truth, detections).eval["precision"][..., 0, -1].mean(axis=1)
        expected[expected < 0] = np.nan
        matches = matching.match(truth, detections, ious=COCO_IOUS)
        once = np.ones(len(truth.images), dtype=int)
        found = weighted_metrics.average_precision(matches, once)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("first", range(0, 60, 20))
@pytest.mark.parametrize("max_det", [1, 100])
def test_every_metric_of_a_resample_is_that_of_the_set_it_stands_for(first, max_det):
    for seed in range(first, first + 20):
        truth, detections = pycoco.drawn(seed, ties_within=False)
        measured = detection_tables.measure(truth, detections, iou=0.6, max_det=max_det)
        draws = UnitDraws(
            weightings(seed, len(truth.images)), np.arange(len(truth.images)), "images"
        )
        found, _ = detection_resamples.resampled(measured.sizes, measured.at_one_iou, 0.4, draws)
        assert set(found.metrics) == set(DETECTION_METRICS)
        for row, weights in enumerate(draws.weights):
            copied = pycoco.repeated(truth, detections, weights)
            split = detection_tables.measure(*copied, iou=0.6, max_det=max_det)
            expected = detection_tables.metrics(split, 0.4).by_name()
            values = {name: metric[row] for name, metric in found.metrics.items()}
            undefined = {name for name, value in values.items() if np.isnan(value)}
            assert undefined == {name for name in values if expected[name] is None}
            for name in set(values) - undefined:
                assert values[name] == pytest.approx(expected[name], abs=1e-12), (seed, row, name)


@pytest.mark.parametrize("cells", [1, 300, 2**18], ids=["one by one", "a few", "all at once"])
def test_resamples_are_those_of_each_alone_however_many_are_worked_on_at_once(monkeypatch, cells):
    monkeypatch.setattr(weighted_metrics, "CELLS", cells)
    truth, detections = pycoco.drawn(8)
    matches = matching.match(truth, detections, ious=COCO_IOUS)
    rows = 2 * weighted_metrics.BATCH + 5
    weights = np.random.default_rng(1).integers(0, 4, (rows, len(truth.images)))
    together = weighted_metrics.average_precisions(matches, weights)
    alone = [weighted_metrics.average_precision(matches, row) for row in weights]
    np.testing.assert_array_equal(together, np.array(alone))


def test_weights_are_whole_numbers(scene):
    matches = matching.match(*scene([(1, 1, 1)], []), ious=[0.5])
    with refused(ValueError, "fraction"):
        weighted_metrics.average_precision(matches, np.array([1.0, 0.5, 1.0]))


def test_recall_thresholds_are_compared_as_pycocotools_compares_them():
    """7/100 and the like are not the same floats as 0.07: every share of up to 300 objects."""
    thresholds = np.linspace(0, 1, 101)
    for objects in range(1, 301):
        recall = np.arange(objects + 1) / objects
        expected = np.searchsorted(thresholds, recall, side="right")
        np.testing.assert_array_equal(weighted_metrics.recalls_reached(recall), expected)


def test_no_detections_and_no_objects(scene):
    matches = matching.match(*scene([(1, 1, 1)], []), ious=[0.5])
    found = weighted_metrics.average_precision(matches, np.array([1, 1, 1]))
    np.testing.assert_array_equal(found, [[0, np.nan]])
    found = weighted_metrics.average_precision(matches, np.array([0, 2, 1]))
    np.testing.assert_array_equal(found, [[np.nan, np.nan]])
