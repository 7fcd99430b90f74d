"""metrics.json, read into its model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fairtrial import DataError
from fairtrial.files.modelfile import write_model
from fairtrial.scoring.scores import (
    ClassificationMetricsFile,
    DetectionMetricsFile,
    read_metrics,
)
from fairtrial.scoring.task_metrics import OWN_NUMBER_METRICS, TASK_METRICS
from tests.facts import refused
from tests.records import classification_metrics, detection_metrics

FILES = {
    "detect": (detection_metrics(), DetectionMetricsFile),
    "classify": (classification_metrics(), ClassificationMetricsFile),
}


def written(folder: Path, content: Any) -> Path:
    path = folder / "metrics.json"
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize("task", FILES)
def test_the_file_of_each_task_is_read_as_its_model(task: str, tmp_path: Path) -> None:
    content, model = FILES[task]
    metrics = read_metrics(written(tmp_path, content))
    assert type(metrics) is model
    own = OWN_NUMBER_METRICS if task == "detect" else ()
    assert set(metrics.val.by_name()) == {*TASK_METRICS[task].all, *own}
    write_model(tmp_path / "again.json", metrics)
    assert json.loads((tmp_path / "again.json").read_text()) == content


def test_an_empty_test_split_has_no_metrics(tmp_path: Path) -> None:
    metrics = read_metrics(written(tmp_path, detection_metrics(test=None)))
    assert (metrics.of("test"), metrics.of("val")) == (None, metrics.val)


def test_without_val_there_is_no_confidence_either(tmp_path: Path) -> None:
    content = detection_metrics() | {"val": None, "confidence": None}
    metrics = read_metrics(written(tmp_path, content))
    assert (metrics.of("val"), metrics.of("test")) == (None, metrics.test)


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "another key": (detection_metrics() | {"mAP": 0.5}, "`mAP`"),
    "a confidence without val": (detection_metrics() | {"val": None}, "`val`"),
    "val without a confidence": (detection_metrics() | {"confidence": None}, "`confidence`"),
    "text for a number": (detection_metrics(iou="0.5"), "`iou`"),
    "a metric is missing": (detection_metrics(val={"images": 1, "objects": 1}), "`val.AP`"),
    "metrics of another task": (classification_metrics() | {"iou": 0.5}, "`iou`"),
}


@pytest.mark.parametrize(("content", "key"), BAD.values(), ids=BAD)
def test_a_file_that_does_not_fit_is_named_with_its_key(
    content: dict[str, Any], key: str, tmp_path: Path
) -> None:
    path = written(tmp_path, content)
    with refused(DataError, str(path), key):
        read_metrics(path)
