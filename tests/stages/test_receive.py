"""Predictions from elsewhere: read by file and class names, or refused with every row that does not
fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.certificates import certificate
from tests.facts import refused

from fairtrial import DataError, SettingsError
from fairtrial.data import dataset
from fairtrial.data.dataset import Annotation, Dataset, Image
from fairtrial.data.source_ids import SourceIds, SourceImage
from fairtrial.files.modelfile import write_model
from fairtrial.settings.elsewhere import PredictionFiles
from fairtrial.settings.stages import ReceiveSettings
from fairtrial.stages.receive import receive
from fairtrial.training.record import read_record

CLASSES = {1: "feline", 2: "dog"}
CLASS_IDS = {0: "dog", 1: "feline", 2: None}
BOX = [10, 20, 30, 40]


@pytest.fixture(autouse=True)
def _set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four images of 100 × 80: 1 in train, 2 and 4 in val, 3 in test. The source calls cats 17,
    dogs 18 and owls, which are none of ours, 19."""
    monkeypatch.chdir(tmp_path)
    images = [Image(n, f"{name}.png", 100, 80) for n, name in enumerate("abcd", 1)]
    rows = [Annotation(n, 1, (1, 1, 9, 9), 81, id=n) for n in (1, 2, 3, 4)]
    dataset.write(Dataset(images, rows, CLASSES), Path("annotations.json"))
    content = certificate(train=[1], val=[2, 4], test=[3])
    class_map = {"cat": "feline", "dog": "dog", "owl": None}
    write_model(Path("split.json"), content.model_copy(update={"class_map": class_map}))
    source({"a": ("2017/a.png", 500), "b": ("2017/b.png", 400), "c": ("x/c.png", 300)})
    Path("raw/theirs").mkdir(parents=True)
    put("test.json", [])


def source(images: dict[str, tuple[str, int | str | None]]) -> None:
    """source_ids.json: what the source calls images, and a fourth, `0012.png`."""
    images = {**images, "d": images.get("d", ("2017/0012.png", 600))}
    rows = [
        SourceImage(file=f"{name}.png", source_file=file, source_id=own)
        for name, (file, own) in images.items()
    ]
    classes = {"cat": ["17"], "dog": ["18"], "owl": ["19"]}
    write_model(Path("source_ids.json"), SourceIds(images=rows, classes=classes))


def put(name: str, content: object) -> None:
    Path("raw/theirs", name).write_text(json.dumps(content))


def row(image: object, category: object = 0, **more: Any) -> dict[str, Any]:
    return {"image_id": image, "category_id": category, "bbox": BOX, "score": 0.5} | more


def receive_files(
    val: str | None = "val.json",
    test: str | None = "theirs/test.json",
    class_ids: dict[int, str | None] | None = CLASS_IDS,
) -> list[tuple[int, int, list[float], float]]:
    """What is received on val: image, category, box, confidence."""
    files = PredictionFiles(val=val and f"theirs/{val}", test=test)
    receive(
        settings=ReceiveSettings(predictions=files, class_ids=class_ids),
        run="b-s3",
        dataset="pets",
        raw=Path("raw"),
        source_ids=Path("source_ids.json"),
        annotations=Path("annotations.json"),
        split=Path("split.json"),
        val=Path("out/val.json"),
        test=Path("out/test.json"),
        record=Path("out/record.json"),
    )
    return [tuple(entry.values()) for entry in json.loads(Path("out/val.json").read_text()) or []]


@pytest.mark.parametrize(
    ("entry", "image"),
    [
        pytest.param(row(400), 2, id="own id"),
        pytest.param(row("b"), 2, id="stem"),
        pytest.param(row("2017/b.png"), 2, id="path"),
        pytest.param(row(12), 4, id="the number that is the name, as Ultralytics has it"),
        pytest.param(row(400, file_name="0012.png"), 4, id="file name before the id"),
    ],
)
def test_an_image_is_known_by_id_or_name(entry: dict[str, Any], image: int) -> None:
    put("val.json", [entry])
    assert receive_files() == [(image, 2, BOX, 0.5)]


def test_the_sources_own_ids_name_classes_and_drop_what_is_none_of_ours(
    capsys: pytest.CaptureFixture[str],
) -> None:
    put("val.json", [row(400, 19), row(400, 17), row(400, 18, score=0.75)])
    assert receive_files(class_ids=None) == [(2, 2, BOX, 0.75), (2, 1, BOX, 0.5)]
    assert "val: 2 detections; 1 of no class" in capsys.readouterr().out


def test_boxes_of_yolos_texts_are_shares_of_their_image() -> None:
    folder = Path("raw/theirs/labels")
    folder.mkdir()
    (folder / "b.txt").write_text("1 0.5 0.5 0.2 0.5 0.25\n\n0 0.25 0.5 0.5 1 0.9\n2 0 0 0 0 1\n")
    assert receive_files("labels") == [
        (2, 2, [0.0, 0.0, 50.0, 80.0], 0.9),
        (2, 1, [40.0, 20.0, 20.0, 40.0], 0.25),
    ]
    record = read_record(Path("out/record.json"))
    assert (record.run, record.seed, record.backend) == ("b-s3", 3, "elsewhere")
    assert (record.model, record.seconds, record.weights_sha256) == (None, None, None)
    before = record.elsewhere["val"]
    assert before.path == "theirs/labels"
    (folder / "0012.txt").write_text("0 0.5 0.5 0.1 0.1 0.5\n")
    receive_files("labels")
    assert read_record(Path("out/record.json")).elsewhere["val"].sha256 != before.sha256


def test_all_entries_that_do_not_fit_are_named() -> None:
    put(
        "val.json",
        [
            row(400),
            row("nowhere"),
            row(300),
            row(400, 7),
            row(400, bbox=[1, 2, -3, 4]),
            row(400, score=1.5),
            {"image_id": 400},
            row(500),
            row(True),
        ],
    )
    facts = ["val.json", "8 rows", "entry 1", "'nowhere'", "entry 2", "not in val", "entry 3"]
    facts += ["class 7", "0, 1, 2", "entry 4", "entry 5", "1.5", "entry 6", "bbox", "entry 7"]
    with refused(DataError, *facts):
        receive_files()
    assert not Path("out").exists()


def test_all_lines_of_texts_that_do_not_fit_are_named() -> None:
    folder = Path("raw/theirs/labels")
    folder.mkdir()
    lines = ["0 0.5 0.5 0.1 0.1", "0 50 50 10 10 0.5", "dog 0 0 0 0 1", "0 .5 .5 .1 .1 .5"]
    lines += ["0 .5 .5 .1 nan .5", "5 .5 .5 .1 .1 .5"]
    (folder / "b.txt").write_text("\n".join(lines))
    (folder / "zebra.txt").write_text("0 .5 .5 .1 .1 .5\n")
    facts = ["6 rows", "b.txt:1", "save_conf", "b.txt:2", "shares", "b.txt:3", "b.txt:5"]
    with refused(DataError, *facts, "b.txt:6", "class 5", "zebra"):
        receive_files("labels")


def test_both_splits_are_read_before_one_is_refused() -> None:
    put("val.json", [row("nowhere")])
    put("test.json", [row(400)])
    with refused(DataError, "val.json", "'nowhere'", "test.json", "400", "not in test"):
        receive_files()


def test_a_number_that_is_one_images_id_and_anothers_name_is_refused() -> None:
    source({"a": ("a.png", 1), "b": ("b.png", 12), "c": ("c.png", 2), "d": ("0012.png", 3)})
    put("val.json", [row(12)])
    with refused(DataError, "entry 0", "12", "`file_name`"):
        receive_files()


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(row(400, 1, file_name="b.png"), id="a tool that numbers classes itself"),
        pytest.param(row("b", 1), id="a source without ids"),
    ],
)
def test_classes_are_never_matched_by_their_position(entry: dict[str, Any]) -> None:
    if "file_name" not in entry:
        source({name: (f"{name}.png", None) for name in "abcd"})
    put("val.json", [entry])
    with refused(DataError, "val.json", "class_ids"):
        receive_files(class_ids=None)


def test_a_class_that_the_data_set_lacks_is_refused() -> None:
    put("val.json", [])
    with refused(SettingsError, "class_ids", "cat", "feline, dog"):
        receive_files(class_ids={0: "cat"})


def test_without_val_no_prediction_on_it_is_written_nor_recorded() -> None:
    put("test.json", [row(300)])
    assert receive_files(val=None) == []
    assert json.loads(Path("out/val.json").read_text()) is None  # a list would mean: none found
    assert len(json.loads(Path("out/test.json").read_text())) == 1
    assert list(read_record(Path("out/record.json")).elsewhere) == ["test"]


def test_without_val_there_must_be_test_images() -> None:
    write_model(Path("split.json"), certificate(train=[1], val=[2, 4], test=[]))
    with refused(DataError, "b-s3", "`val`", "pets"):
        receive_files(val=None)


def test_test_images_need_predictions() -> None:
    put("val.json", [])
    with refused(DataError, "b-s3", "`test`", "pets"):
        receive_files(test=None)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("val.json", None, id="no file"),
        pytest.param("val.json", "{}", id="no list"),
        pytest.param("val.json", "[", id="no JSON"),
        pytest.param("labels", None, id="no folder"),
    ],
)
def test_a_file_of_another_kind_is_refused(name: str, text: str | None) -> None:
    if text is not None:
        Path("raw/theirs", name).write_text(text)
    with refused(DataError, name):
        receive_files(name)


def test_classes_of_whole_images_are_refused() -> None:
    images = [Image(1, "a.png", 100, 80)]
    dataset.write(
        Dataset(images, [Annotation(1, 1, None, id=1)], CLASSES), Path("annotations.json")
    )
    put("val.json", [])
    with refused(DataError, "annotations.json", "whole images"):
        receive_files()
