from pathlib import Path

import pytest
from generated import generated

from fairtrial.__main__ import main
from fairtrial.data import dataset
from fairtrial.data.dataset import SIDES
from fairtrial.files import jsonfile


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    view = generated(3, tmp_path / "data/clean/shots/images")
    dataset.write(view.dataset, tmp_path / "data/sets/cells/annotations.json")
    certificate = {"source": "shots", **view.sides}
    jsonfile.write_json(tmp_path / "data/sets/cells/split.json", certificate)
    return tmp_path


def test_a_set_is_exported_and_says_how_it_is_read(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "--set", "cells", "--format", "yolo", "--to", "out/cells"]) == 0
    said = capsys.readouterr().out
    sides = dataset.read_sides(project / "data/sets/cells/split.json")
    assert said.startswith(", ".join(f"{len(sides[side])} images in {side}" for side in SIDES))
    assert "Not in this format: crowd regions" in said
    assert said.endswith("kind: local\npath: out/cells\nformat: yolo\noptions: {}\n")
    copies = list((project / "out/cells/images").rglob("*.*"))
    assert len(copies) == sum(map(len, sides.values()))
    assert {path.stat().st_nlink for path in copies} == {1}, "a copy may be changed"


def test_a_set_of_classes_is_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = project / "data/sets/cells/annotations.json"
    found = dataset.read(path)
    for annotation in found.annotations:
        annotation.bbox = None
    dataset.write(found, path)
    assert main(["export", "--set", "cells", "--format", "coco", "--to", "out"]) == 1
    assert (
        "cells has classes of whole images; coco, voc, yolo hold boxes" in capsys.readouterr().err
    )
    assert not (project / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["cells", "cadica", "out"], "`cadica` cannot be written; coco, voc, yolo can"),
        (["cell", "coco", "out"], "run `snakemake data/sets/cell/split.json`; there are cells"),
        (["cells", "coco", "data"], "data is there already, and is not an empty folder"),
    ],
)
def test_what_is_refused(
    project: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name, form, to = arguments
    flags = ["--set", name, "--format", form, "--to", to]
    assert main(["export", *flags]) == 1
    assert said in capsys.readouterr().err
    assert not (project / "out").exists()
