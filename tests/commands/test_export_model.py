"""export-model: the exported file, and the gate before it."""

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
from tests.use.tiny_model import LETTERBOX, write_onnx

from facts import missing_facts
from fairtrial.__main__ import main
from fairtrial.data.dataset import Detection, SplitDataset
from fairtrial.use.exporting import Exportable
from fairtrial.use.metadata import ModelMetadata, OutputLayout
from fairtrial.use.runtimes import open_exported

CALL = ["export-model", "one/a-s0"]
FILE = Path("exports/one/a-s0.onnx")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SplitDataset:
    """A data set, a run on it, and a backend whose detector finds every object."""
    monkeypatch.chdir(tmp_path)
    data = make_set()
    make_run()
    objects, names = data.dataset.by_image(), data.dataset.categories
    of_file = {
        str(data.folder / image.file_name): objects[image.id] for image in data.dataset.images
    }

    @contextmanager
    def detector(*arguments: object) -> Iterator[Callable[[Path], Any]]:
        yield lambda path: (
            [Detection(a.category_id, a.bbox or (0, 0, 0, 0), 0.9) for a in of_file[str(path)]],
            {"inference": 5.0},
        )

    def exportable(*arguments: object) -> Exportable:
        classes = tuple(names[number] for number in sorted(names))
        return Exportable(None, classes, LETTERBOX, OutputLayout(layout="end_to_end"))  # type: ignore

    backend = SimpleNamespace(detector=detector, exportable=exportable)
    for module in ("commands._models", "stages.predict"):
        monkeypatch.setattr(f"fairtrial.{module}.plugin", lambda kind, name: backend)
    return data


def exported(monkeypatch: pytest.MonkeyPatch, boxes: list[list[float]]) -> None:
    """The exported file gives these boxes for every image."""

    def write(exportable: Exportable, metadata: ModelMetadata, path: Path) -> None:
        write_onnx(path, boxes, metadata)

    monkeypatch.setattr("fairtrial.commands.export_model.write_exported", write)


def test_a_broken_export_is_refused_and_leaves_nothing(
    data: SplitDataset, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    exported(monkeypatch, [[0, 0, 1, 1, 0.9, 0]])
    FILE.parent.mkdir(parents=True)
    FILE.write_text("an earlier export")
    assert main(CALL) == 1
    printed = capsys.readouterr()
    facts = (f"{FILE}: not written", "loses 1.0000 AP", "tolerance of 0.0020", "--tolerance")
    assert missing_facts(printed.err, *facts) == []
    assert "one/a-s0 and a-s0.onnx on 3 images (test of shapes)" in printed.out
    assert [path.read_text() for path in FILE.parent.iterdir()] == ["an earlier export"]


def test_a_loss_within_the_tolerance_is_written_with_its_table(
    data: SplitDataset, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    exported(monkeypatch, [[0, 0, 1, 1, 0.9, 0]])
    assert main([*CALL, "--tolerance", "1"]) == 0
    assert sorted(path.name for path in FILE.parent.iterdir()) == [
        "a-s0.onnx",
        "a-s0.onnx.check.csv",
        "a-s0.onnx.check.json",
    ]
    check = json.loads(FILE.with_name("a-s0.onnx.check.json").read_text())
    assert check["rows"][0] == {
        "of_class": "all",
        "original": 1.0,
        "exported": 0.0,
        "difference": -1.0,
        "low": -1.0,
        "high": -1.0,
    }
    assert check["milliseconds"]["original"] == 5.0
    assert (check["passed"], check["images"], check["split"]) == (True, 3, "test")
    with FILE.with_name("a-s0.onnx.check.csv").open() as table:
        rows = list(csv.DictReader(table))
    assert [row["class"] for row in rows] == ["all", *data.dataset.categories.values()]
    metadata = open_exported(FILE, 1).metadata
    assert metadata.confidence == 0.35, "chosen on val"
    assert (metadata.origin.run, metadata.origin.dataset) == ("one/a-s0", "shapes")
    assert metadata.classes == tuple(data.dataset.categories.values())


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        (["two/a-s0"], ["two/a-s0", "results/two/runs/a-s0/weights.pt"]),
        (["one/a-s0", "--to", "tflite"], ["--to", "`tflite`", "onnx"]),
        (["one/a-s0", "--file", "a.pt"], ["--file", "a.pt", ".onnx"]),
        (["one/a-s0", "--set", "other"], ["data/sets/other/split.json", "snakemake"]),
        (["results/one/runs/a-s0/weights.pt"], ["--set"]),
    ],
    ids=["no run", "unknown format", "other suffix", "no data set", "checkpoint without one"],
)
@pytest.mark.usefixtures("data")
def test_what_cannot_be_exported_is_refused(
    arguments: list[str], facts: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export-model", *arguments]) == 1
    assert missing_facts(capsys.readouterr().err, *facts) == []
    assert not Path("exports").exists()
