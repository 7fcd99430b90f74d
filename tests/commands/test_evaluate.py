"""evaluate: a model on a set of another experiment."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.commands.measured import make_run, make_set
from tests.use.tiny_model import metadata, write_onnx

from facts import missing_facts
from fairtrial import BackendError
from fairtrial.__main__ import main
from fairtrial.data.dataset import Detection, SplitDataset
from fairtrial.use.metadata import OutputLayout, Preparation

FOLDER = Path("evaluations/other/one-a-s0")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SplitDataset:
    """The set `shapes` of a run, whose detector finds every object, and a set `other` of the same
    images."""
    monkeypatch.chdir(tmp_path)
    make_set("shapes")
    data = make_set("other", 12)
    make_run()
    objects = data.dataset.by_image()
    of_file = {str(data.folder / i.file_name): objects[i.id] for i in data.dataset.images}

    @contextmanager
    def detector(
        weights: Path, categories: dict[int, str], *rest: object
    ) -> Iterator[Callable[[Path], Any]]:
        if "disc" not in categories.values():
            raise BackendError(f"none of its classes is in {', '.join(categories.values())}")
        yield lambda path: (
            [Detection(a.category_id, a.bbox or (0, 0, 0, 0), 0.9) for a in of_file[str(path)]],
            {"inference": 5.0},
        )

    backend = SimpleNamespace(detector=detector)
    for module in ("commands._models", "stages.predict"):
        monkeypatch.setattr(f"fairtrial.{module}.plugin", lambda kind, name: backend)
    return data


def test_a_run_is_scored_on_another_set(
    data: SplitDataset, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "one/a-s0", "--set", "other"]) == 0
    metrics = json.loads((FOLDER / "metrics.json").read_text())
    assert (metrics["test"]["AP"], metrics["test"]["images"]) == (1.0, 4)
    with (FOLDER / "per_class.csv").open() as file:
        rows = list(csv.DictReader(file))
    names = set(data.dataset.categories.values())
    assert {row["class"] for row in rows if row["split"] == "test"} == names
    about = json.loads((FOLDER / "evaluation.json").read_text())
    assert (about["origin"]["run"], about["dataset"]) == ("one/a-s0", "other")
    assert about["classes"] == list(data.dataset.categories.values())
    printed = capsys.readouterr()
    assert missing_facts(printed.out, "test: 4 images", f"{FOLDER}: written") == []


def test_images_of_the_training_are_told(
    data: SplitDataset, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of equal content, whatever they are called there."""
    place = Path("data/sets/shapes/annotations.json")
    trained = json.loads(place.read_text())
    content = trained["images"][0]
    same = {image.id: image for image in data.dataset.images}[data.splits["test"][0]]
    assert content["id"] == 1, "in train"
    content["sha256"] = "ab" * 32
    place.write_text(json.dumps(trained))
    other = Path("data/sets/other/annotations.json")
    annotations = json.loads(other.read_text())
    for image in annotations["images"]:
        image["sha256"] = "ab" * 32 if image["id"] == same.id else f"{image['id']:064d}"
    other.write_text(json.dumps(annotations))
    assert main(["evaluate", "one/a-s0", "--set", "other"]) == 0
    assert "caution: 1 of 4 images of test were in the training" in capsys.readouterr().err
    about = json.loads((FOLDER / "evaluation.json").read_text())
    assert about["seen"] == {"val": 0, "test": 1}


def test_an_exported_file_is_scored_by_the_names_of_its_classes(data: SplitDataset) -> None:
    """Its classes stand in another order, and one of them is not in the set."""
    names = [*data.dataset.categories.values()][::-1]
    whole = [[0, 0, 64, 64, 0.9, number] for number in range(len(names) + 1)]
    as_it_is = Preparation(placement="corner", size=64, multiple=32, resampling="opencv")
    about = metadata(
        classes=(*names, "unknown"),
        preparation=as_it_is,
        output=OutputLayout(layout="end_to_end", max_det=300),
    )
    write_onnx(Path("a.onnx"), whole, about)
    assert main(["evaluate", "a.onnx", "--set", "other", "--to", "seen"]) == 0
    rows = json.loads(Path("seen/test.json").read_text())
    numbers = sorted(data.dataset.categories)
    assert sorted({row["category_id"] for row in rows}) == numbers
    assert len(rows) == 4 * len(numbers)


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        (["one/a-s0", "--set", "none"], ["data/sets/none/split.json", "snakemake"]),
        (["one/b-s0", "--set", "other"], ["one/b-s0"]),
        (["cats.onnx", "--set", "other"], ["cat, dog", "disc"]),
        (["classes.onnx", "--set", "other"], ["classes.onnx", "classes of whole images", "boxes"]),
    ],
    ids=["no set", "no run", "no common class", "another task"],
)
@pytest.mark.usefixtures("data")
def test_what_cannot_be_evaluated_is_refused(
    arguments: list[str], facts: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    write_onnx(Path("cats.onnx"), [[0, 0, 9, 9, 0.9, 1]])
    about = metadata(task="classify", output=OutputLayout(layout="probabilities"))
    write_onnx(Path("classes.onnx"), [0.5, 0.5], about)
    assert main(["evaluate", *arguments]) == 1
    assert missing_facts(capsys.readouterr().err, *facts) == []
    assert not Path("evaluations/other").exists() or not list(Path("evaluations/other").iterdir())
