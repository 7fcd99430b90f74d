"""Predictions in the names and ids of others, with and without a template."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image
from tests.certificates import certificate
from tests.facts import missing_facts
from tests.records import a_record, classification_metrics, detection_metrics

from fairtrial.__main__ import main
from fairtrial.data import dataset
from fairtrial.data.dataset import Annotation, Dataset, Detection
from fairtrial.data.dataset import Image as SetImage
from fairtrial.data.source_ids import SourceIds, SourceImage
from fairtrial.files.jsonfile import write_json
from fairtrial.files.modelfile import write_model

ROOT = Path(__file__).parents[2]
RUN = Path("results/exp/runs/one-s0")
SUBMIT = ["submission", "--run", "exp/one-s0"]
CLASSES = {1: "feline", 2: "dog"}
# Ours are 1 and 2; the source's are 17 and 18, and it calls the first one cat.
DETECTIONS = [
    {"image_id": 3, "category_id": 2, "bbox": [1.5, 2, 10, 20], "score": 0.9},
    {"image_id": 2, "category_id": 1, "bbox": [4, 5, 6, 7], "score": 0.0005},
    {"image_id": 2, "category_id": 1, "bbox": [4, 5, 6, 7], "score": 0.25},
]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished run of detection on a set of three images, two of them in test."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    record = a_record(backend="one", settings={"imgsz": 32}, dataset="pets")
    write_json(RUN / "record.json", record)
    write_json(RUN / "metrics.json", detection_metrics())
    (RUN / "per_class.csv").write_text("split,class,AP\nval,feline,0.5\nval,dog,\n")
    write_json(RUN / "predictions/test.json", DETECTIONS)
    (RUN / "weights.pt").write_text("")
    images = [SetImage(n, f"{name}.png.png", 64, 48) for n, name in ((1, "a"), (2, "b"), (3, "c"))]
    rows = [Annotation(n, 1, (1, 1, 9, 9), 81, id=n) for n in (1, 2, 3)]
    dataset.write(Dataset(images, rows, CLASSES), Path("data/sets/pets/annotations.json"))
    content = certificate(train=[1], val=[], test=[2, 3], source="shots")
    content = content.model_copy(update={"class_map": {"cat": "feline", "dog": "dog", "owl": None}})
    write_model(Path("data/sets/pets/split.json"), content)
    ids = [
        SourceImage(file=f"{name}.png.png", source_file=f"2017/{name}.png", source_id=number)
        for name, number in (("a", 500), ("b", 400), ("c", 300))
    ]
    own = {"cat": ["17"], "dog": ["18"], "owl": ["19"]}
    write_model(Path("data/clean/shots/source_ids.json"), SourceIds(images=ids, classes=own))
    return tmp_path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_results_list_has_the_sources_own_ids(project: Path) -> None:
    assert main([*SUBMIT, "--split", "test", "--to", "out.json"]) == 0
    assert json.loads(Path("out.json").read_text()) == [
        {"image_id": 400, "category_id": 17, "bbox": [4, 5, 6, 7], "score": 0.25},
        {"image_id": 300, "category_id": 18, "bbox": [1.5, 2, 10, 20], "score": 0.9},
    ]


def test_a_table_has_the_sources_own_file_names_and_our_classes(project: Path) -> None:
    assert main([*SUBMIT, "--split", "test", "--to", "out.csv", "--confidence", "0"]) == 0
    rows = rows_of(Path("out.csv"))
    assert [row["file_name"] for row in rows] == ["2017/b.png", "2017/b.png", "2017/c.png"]
    assert rows[-1] == {
        "image_id": "300",
        "file_name": "2017/c.png",
        "class": "dog",
        "category_id": "18",
        "x": "1.5",
        "y": "2",
        "width": "10",
        "height": "20",
        "confidence": "0.9",
    }


def test_a_split_that_was_not_predicted_makes_no_empty_file(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As of a run whose predictions were made elsewhere, on test alone."""
    (RUN / "predictions/val.json").write_text("null\n")
    assert main([*SUBMIT, "--split", "val", "--to", "out.csv"]) == 1
    assert missing_facts(capsys.readouterr().err, "one-s0", "no predictions on val") == []
    assert not Path("out.csv").exists()


def coco_template(images: dict[str, int], classes: dict[str, int]) -> Path:
    content = {
        "images": [{"file_name": name, "id": number} for name, number in images.items()],
        "categories": [{"name": name, "id": number} for name, number in classes.items()],
    }
    write_json(Path("template.json"), content)
    return Path("template.json")


def test_a_template_gives_ids_and_order(project: Path) -> None:
    coco_template({"c.png": 7, "b.png": 9}, {"dog": 0, "feline": 5, "yak": 6})
    flags = ["--split", "test", "--template", "template.json", "--to", "out.json"]
    assert main([*SUBMIT, *flags]) == 0
    rows = json.loads(Path("out.json").read_text())
    assert [(row["image_id"], row["category_id"]) for row in rows] == [(7, 0), (9, 5)]


@pytest.mark.parametrize(
    ("images", "classes", "facts"),
    [
        pytest.param(
            {"b.png": 1, "c.png": 2}, {"dog": 1}, ["feline", "it has dog"], id="a class less"
        ),
        pytest.param(
            {"b.png": 1, "d.png": 2},
            {"dog": 1, "feline": 2},
            ["2 images", "d.png: asked for", "2017/c.png: predicted"],
            id="another image",
        ),
    ],
)
def test_a_template_that_does_not_match_is_refused(
    images: dict[str, int],
    classes: dict[str, int],
    facts: list[str],
    project: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    coco_template(images, classes)
    flags = ["--split", "test", "--template", "template.json", "--to", "out.json"]
    assert main([*SUBMIT, *flags]) == 1
    assert missing_facts(capsys.readouterr().err, "template.json", *facts) == []
    assert not Path("out.json").exists()


def test_the_columns_of_a_table_are_those_of_its_template(project: Path) -> None:
    Path("template.csv").write_text(
        "ImageID,label,xmin,ymin,xmax,ymax,conf\n300,dog,0,0,1,1,0\n400,,,,,,\n"
    )
    flags = ["--split", "test", "--template", "template.csv", "--to", "out.csv"]
    assert main([*SUBMIT, *flags]) == 0
    lines = Path("out.csv").read_text().splitlines()
    assert lines[0] == "ImageID,label,xmin,ymin,xmax,ymax,conf"
    assert lines[1:] == ["300,dog,1.5,2,11.5,22,0.9", "400,feline,4,5,10,12,0.25"]


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        pytest.param("image_id,label\n300,yak\n400,\n", ["'yak'", "dog, feline"], id="a class"),
        pytest.param("image_id,mood\n300,\n400,\n", ["'mood'", "confidence"], id="a column"),
        pytest.param("label,x\ndog,1\n", ["no column of images"], id="no image"),
        pytest.param("image_id,label\n", ["no row"], id="no row"),
    ],
)
def test_a_table_that_cannot_be_filled_is_refused(
    text: str, facts: list[str], project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("template.csv").write_text(text)
    flags = ["--split", "test", "--template", "template.csv", "--to", "out.csv"]
    assert main([*SUBMIT, *flags]) == 1
    assert missing_facts(capsys.readouterr().err, "template.csv", *facts) == []
    assert not Path("out.csv").exists()


def test_a_class_made_of_two_has_no_id_of_its_own(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path("data/sets/pets/split.json")
    content = json.loads(path.read_text())
    content["class_map"]["owl"] = "dog"
    write_json(path, content)
    assert main([*SUBMIT, "--split", "test", "--to", "out.json"]) == 1
    assert missing_facts(capsys.readouterr().err, "dog", "--template") == []


def test_a_set_converted_before_there_were_ids_is_named(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("data/clean/shots/source_ids.json").unlink()
    assert main([*SUBMIT, "--split", "test", "--to", "out.json"]) == 1
    error = capsys.readouterr().err
    assert missing_facts(error, "`snakemake data/clean/shots/source_ids.json`") == []


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A backend that finds a dog on every image, and calls every image a dog."""
    called: dict[str, Any] = {"sizes": []}

    @contextmanager
    def detector(
        weights: Path, categories: dict[int, str], settings: Any, threads: int
    ) -> Iterator[Callable[[Path], tuple[list[Detection], dict[str, float]]]]:
        called.update(categories=categories, conf=settings.conf)

        def detect(path: Path) -> tuple[list[Detection], dict[str, float]]:
            with Image.open(path) as image:
                called["sizes"].append(image.size)
            return [Detection(2, (1.0, 2.0, 3.0, 4.0), 0.5)], {}

        yield detect

    @contextmanager
    def classifier(
        weights: Path, categories: dict[int, str], settings: Any, threads: int
    ) -> Iterator[Callable[[Any], tuple[list[float], dict[str, float]]]]:
        yield lambda pixels: ([0.25, 0.75], {})

    backend = SimpleNamespace(detector=detector, classifier=classifier)
    monkeypatch.setattr("fairtrial.commands._submission_images.plugin", lambda *_: backend)
    return called


def test_a_run_alone_predicts_without_its_data_set(project: Path, model: dict[str, Any]) -> None:
    shutil.rmtree("data")
    new_images(project / "new")
    assert main([*SUBMIT, "--images", "new", "--to", "out.json"]) == 0
    rows = json.loads(Path("out.json").read_text())
    assert {row["category_id"] for row in rows} == {2}, "the run's own number"


def new_images(folder: Path) -> None:
    folder.mkdir()
    Image.new("RGB", (64, 48)).save(folder / "0012.png")
    turned = Image.Exif()
    turned[274] = 6  # shown upright
    Image.new("RGB", (64, 48)).save(folder / "x.jpg", exif=turned)


def test_images_without_labels_are_predicted_as_convert_would_clean_them(
    project: Path, model: dict[str, Any]
) -> None:
    new_images(project / "new")
    assert main([*SUBMIT, "--images", "new", "--to", "out.json"]) == 0
    rows = json.loads(Path("out.json").read_text())
    assert [(row["image_id"], row["category_id"]) for row in rows] == [(12, 18), ("x", 18)]
    assert model["categories"] == CLASSES
    assert model["sizes"] == [(64, 48), (48, 64)]
    assert sorted(path.name for path in (project / "new").iterdir()) == ["0012.png", "x.jpg"]


def test_a_list_of_images_is_predicted_in_its_order(project: Path, model: dict[str, Any]) -> None:
    new_images(project / "new")
    (project / "new/list.txt").write_text("x.jpg\n\n0012.png\n")
    assert main([*SUBMIT, "--images", "new/list.txt", "--to", "out.csv"]) == 0
    assert [row["file_name"] for row in rows_of(Path("out.csv"))] == ["x.jpg", "0012.png"]


def test_classes_of_images_may_have_a_column_each(project: Path, model: dict[str, Any]) -> None:
    write_json(RUN / "metrics.json", classification_metrics())
    new_images(project / "new")
    Path("template.csv").write_text("image,dog,feline\nx,0,0\n0012,0,0\n")
    flags = ["--images", "new", "--template", "template.csv", "--to", "out.csv"]
    assert main([*SUBMIT, *flags]) == 0
    text = Path("out.csv").read_text()
    assert text == "image,dog,feline\nx,0.75,0.25\n0012,0.75,0.25\n"
    assert main([*SUBMIT, "--images", "new", "--to", "own.csv"]) == 0
    assert {row["class"] for row in rows_of(Path("own.csv"))} == {"dog"}


def test_all_images_that_cannot_be_used_are_named(
    project: Path, model: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    new_images(project / "new")
    (project / "new/broken.png").write_bytes(b"\x89PNG\r\n")
    (project / "new/empty.jpg").touch()
    assert main([*SUBMIT, "--images", "new", "--to", "out.json"]) == 1
    assert missing_facts(capsys.readouterr().err, "2 images", "broken.png", "empty.jpg") == []
    assert not Path("out.json").exists()


@pytest.mark.parametrize(
    ("flags", "facts"),
    [
        pytest.param(["--to", "o.json"], ["--split", "--images"], id="no images"),
        pytest.param(["--split", "train", "--to", "o.json"], ["'train'"], id="train"),
        pytest.param(["--split", "val", "--to", "o.json"], ["val of pets"], id="an empty split"),
        pytest.param(["--split", "test", "--to", "o.txt"], [".json", ".csv"], id="suffix"),
        pytest.param(["--split", "test", "--to", "params.yaml"], [".json"], id="another file"),
        pytest.param(["--images", "nowhere", "--to", "o.json"], ["nowhere"], id="no folder"),
    ],
)
def test_what_is_refused(
    flags: list[str], facts: list[str], project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_json(RUN / "predictions/val.json", [])
    assert main([*SUBMIT, *flags]) == 1
    assert missing_facts(capsys.readouterr().err, *facts) == []
