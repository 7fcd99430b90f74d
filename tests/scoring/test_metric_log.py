"""What `validate` prints."""

import pytest

from fairtrial.scoring import detection_tables
from fairtrial.scoring.metric_log import coco_lines, metric_log
from fairtrial.scoring.scores import ClassificationMetricsFile, DetectionMetricsFile
from tests.records import classification_metrics, detection_metrics
from tests.scoring import pycoco


@pytest.mark.parametrize("seed", range(10))
def test_boxes_are_summarised_letter_by_letter_as_pycocotools_does(seed):
    """Undefined metrics included, which it prints as -1.000."""
    truth, detections = pycoco.drawn(seed)
    measured = detection_tables.measure(truth, detections, iou=0.5, max_det=100)
    expected = pycoco.summary(pycoco.standard(truth, detections))
    assert coco_lines(detection_tables.metrics(measured, 0.5)) == expected


def test_every_split_has_its_part_and_an_empty_one_none():
    file = DetectionMetricsFile(**detection_metrics(0.25))
    text = metric_log(file)
    assert text.count(" Average Precision ") == 2 * 6
    assert text.startswith("val: 1 images, 1 objects\n") and "\n\ntest: " in text
    assert text.count("precision 0.250, recall 0.250, f1 0.250 at confidence 0.350") == 2
    assert "test" not in metric_log(file.model_copy(update={"test": None}))


def test_classification_prints_the_metrics_of_tables():
    lines = metric_log(ClassificationMetricsFile(**classification_metrics(0.25))).splitlines()
    assert lines[:3] == ["val: 1 images", " accuracy   0.250", " top5       0.250"]
    assert len(lines) == 2 * (1 + 7) + 1
