"""The files of one finished run, read into tables and models."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from fairtrial import DataError
from fairtrial.results.run import FinishedRun
from fairtrial.scoring.predictions import ImageDetection
from fairtrial.scoring.ranking import ranking_rule
from tests.facts import refused
from tests.records import a_record, classification_metrics, detection_metrics

HISTORY = "epoch,train/box_loss,val/AP,lr\n1,0.12345678901234568,,1e-4\n2,nan,0.1,3e-05\n"
PER_CLASS = "split,class,images,AP\nval,NA,3,0.1\nval,null,0,\ntest,NA,2,0.3\n"
CURVES = "split,curve,x,y\nval,f1_confidence,0,0.5\nval,f1_confidence,0.01,\n"
CONFUSION = "split,truth,predicted,count\nval,NA,NA,2\nval,NA,background,1\n"


@pytest.fixture
def run(tmp_path: Path) -> FinishedRun:
    folder = tmp_path / "runs" / "a-s0"
    (folder / "predictions").mkdir(parents=True)
    (tmp_path / "history").mkdir()
    (tmp_path / "history" / "a-s0.csv").write_text(HISTORY)
    (folder / "per_class.csv").write_text(PER_CLASS)
    (folder / "curves.csv").write_text(CURVES)
    (folder / "confusion.csv").write_text(CONFUSION)
    (folder / "record.json").write_text(json.dumps(a_record()))
    (folder / "metrics.json").write_text(json.dumps(detection_metrics(0.5)))
    return FinishedRun("a-s0", tmp_path, ranking_rule({"recall": 3, "map50_95": 1}))


def test_the_history_has_the_numbers_as_written_and_nan_where_there_is_none(
    run: FinishedRun,
) -> None:
    history = run.history
    assert (history["epoch"], history["lr"]) == ([1.0, 2.0], [1e-4, 3e-05])
    assert history["train/box_loss"][0] == 0.12345678901234568
    assert math.isnan(history["train/box_loss"][1])
    assert math.isnan(history["val/AP"][0])


def test_the_history_of_no_epochs_is_empty(run: FinishedRun) -> None:
    (run.results / "history" / "a-s0.csv").write_text("epoch,train/box_loss\n")
    assert run.history == {}


def test_a_class_may_be_called_like_an_empty_cell(run: FinishedRun) -> None:
    assert run.per_class["val"]["NA"] == {"images": 3.0, "AP": 0.1}
    assert math.isnan(run.per_class["val"]["null"]["AP"])
    assert run.per_class["test"] == {"NA": {"images": 2.0, "AP": 0.3}}
    assert run.confusion == {"val": {("NA", "NA"): 2, ("NA", "background"): 1}}


def test_curves_are_found_by_split_and_name(run: FinishedRun) -> None:
    ((key, (x, y)),) = run.curves.items()
    assert (key, x, y[0]) == (("val", "f1_confidence"), [0.0, 0.01], 0.5)
    assert math.isnan(y[1])


def test_a_missing_table_is_named(run: FinishedRun) -> None:
    (run.folder / "curves.csv").unlink()
    with refused(DataError, "curves.csv"):
        _ = run.curves


def test_a_cell_that_is_no_number_is_named_by_its_file(run: FinishedRun) -> None:
    (run.folder / "curves.csv").write_text(CURVES + "val,f1_confidence,0.02,many\n")
    with refused(DataError, "curves.csv", "many"):
        _ = run.curves


def test_a_record_that_does_not_fit_is_named_with_its_key(run: FinishedRun) -> None:
    (run.folder / "record.json").write_text(json.dumps(a_record() | {"seed": "0"}))
    with refused(DataError, "record.json", "`seed`"):
        _ = run.seed


def test_scores_of_detections(run: FinishedRun) -> None:
    assert (run.task, run.confidence, run.iou) == ("detect", 0.35, 0.5)
    assert run.score("val", "AP75") == 0.5
    assert run.score("val", "accuracy") is None
    assert run.score("test", "fitness") == pytest.approx(0.5)


def test_an_empty_test_split_has_no_score(run: FinishedRun) -> None:
    (run.folder / "metrics.json").write_text(json.dumps(detection_metrics(test=None)))
    assert run.score("test", "AP") is run.score("test", "fitness") is None


def test_scores_of_classes(run: FinishedRun) -> None:
    (run.folder / "metrics.json").write_text(json.dumps(classification_metrics(0.25)))
    assert (run.task, run.confidence, run.iou) == ("classify", None, None)
    assert run.score("test", "accuracy") == 0.25


def test_detections_keep_the_order_of_the_file(run: FinishedRun) -> None:
    row = {"image_id": 4, "category_id": 2, "bbox": [1, 2, 3, 4], "score": 0.5}
    rows = [row, row | {"score": 0.25}]
    (run.folder / "predictions/val.json").write_text(json.dumps(rows))
    assert run.detections("val") == [
        ImageDetection(4, 2, (1, 2, 3, 4), score) for score in (0.5, 0.25)
    ]


def test_a_time_that_was_not_measured_is_none(run: FinishedRun) -> None:
    assert run.speed is None


def test_settings_have_the_data_set_and_the_backend_and_no_seed(run: FinishedRun) -> None:
    assert run.settings == {
        "epochs": 2,
        "dataset": "shapes",
        "backend": "ultralytics",
        "train_share": 1.0,
    }


def test_a_continued_run_names_the_configuration_that_it_goes_on_from(run: FinishedRun) -> None:
    record = a_record(continued_from="first.fold2-s3")
    (run.folder / "record.json").write_text(json.dumps(record))
    assert run.settings["continues"] == "first"
