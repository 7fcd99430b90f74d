from pathlib import Path

import pytest
from generated import generated
from tests.certificates import certificate

from fairtrial.__main__ import main
from fairtrial.data import dataset
from fairtrial.data.certificate import read_certificate
from fairtrial.data.dataset import SPLITS, Annotation
from fairtrial.files.modelfile import write_model


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    data = generated(3, tmp_path / "data/clean/shots/images")
    dataset.write(data.dataset, tmp_path / "data/sets/cells/annotations.json")
    content = certificate(**data.splits, source="shots")
    write_model(tmp_path / "data/sets/cells/split.json", content)
    return tmp_path


def test_a_set_is_exported_and_says_how_it_is_read(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export-data", "--set", "cells", "--format", "yolo", "--to", "out/cells"]) == 0
    output = capsys.readouterr().out
    splits = read_certificate(project / "data/sets/cells/split.json").splits
    assert output.startswith(", ".join(f"{len(splits[name])} images in {name}" for name in SPLITS))
    assert "Not in this format: crowd regions" in output
    assert output.endswith("kind: local\npath: out/cells\nformat: yolo\noptions: {}\n")
    copies = list((project / "out/cells/images").rglob("*.*"))
    assert len(copies) == sum(map(len, splits.values()))
    assert {path.stat().st_nlink for path in copies} == {1}, "a copy may be changed"


def without_boxes(project: Path) -> None:
    """Leave the set one object an image, and that without a box."""
    path = project / "data/sets/cells/annotations.json"
    cells = dataset.read(path)
    cells.annotations = [Annotation(image.id, 1, None) for image in cells.images]
    dataset.write(cells, path)


def test_a_set_of_classes_is_written_as_folders(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    without_boxes(project)
    flags = ["--set", "cells", "--format", "class_folders", "--to", "out"]
    assert main(["export-data", *flags]) == 0
    cells = dataset.read(project / "data/sets/cells/annotations.json")
    assert f"{len(cells.images)} objects\nNot in this format: groups" in capsys.readouterr().out
    folders = {path.parent.relative_to(project / "out") for path in project.glob("out/*/*/*")}
    splits = {str(image.split) for image in cells.images}
    assert folders == {Path(split, cells.categories[1]) for split in splits}


def test_a_format_of_the_other_task_is_refused(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export-data", "--set", "cells", "--format", "class_folders", "--to", "out"]) == 1
    error = capsys.readouterr().err
    facts = ["cells", "boxes", "class_folders cannot", "coco, voc, yolo can"]
    assert [fact for fact in facts if fact not in error] == []
    without_boxes(project)
    assert main(["export-data", "--set", "cells", "--format", "coco", "--to", "out"]) == 1
    error = capsys.readouterr().err
    facts = ["cells", "classes of whole images", "coco cannot", "class_folders can"]
    assert [fact for fact in facts if fact not in error] == []
    assert not (project / "out").exists()


@pytest.mark.parametrize(
    ("name", "form", "folder", "facts"),
    [
        pytest.param(
            *("cells", "cadica", "out", ["`cadica`", "class_folders, coco, voc, yolo"]),
            id="a format that is only read",
        ),
        pytest.param(
            *("cell", "coco", "out", ["`snakemake data/sets/cell/split.json`", "cells"]),
            id="no such set",
        ),
        pytest.param(
            *("cells", "coco", "data", ["data exists", "empty folder"]),
            id="a folder with files",
        ),
    ],
)
def test_what_is_refused(
    project: Path,
    name: str,
    form: str,
    folder: str,
    facts: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    flags = ["--set", name, "--format", form, "--to", folder]
    assert main(["export-data", *flags]) == 1
    error = capsys.readouterr().err
    assert [fact for fact in facts if fact not in error] == []
    assert not (project / "out").exists()
