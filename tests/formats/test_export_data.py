from pathlib import Path

import pytest
from generated import generated
from tests.certificates import certificate
from tests.ids import short

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
    said = capsys.readouterr().out
    splits = read_certificate(project / "data/sets/cells/split.json").splits
    assert said.startswith(", ".join(f"{len(splits[name])} images in {name}" for name in SPLITS))
    assert "Not in this format: crowd regions" in said
    assert said.endswith("kind: local\npath: out/cells\nformat: yolo\noptions: {}\n")
    copies = list((project / "out/cells/images").rglob("*.*"))
    assert len(copies) == sum(map(len, splits.values()))
    assert {path.stat().st_nlink for path in copies} == {1}, "a copy may be changed"


def without_boxes(project: Path) -> None:
    """Leave the set one object an image, and that without a box."""
    path = project / "data/sets/cells/annotations.json"
    found = dataset.read(path)
    found.annotations = [Annotation(image.id, 1, None) for image in found.images]
    dataset.write(found, path)


def test_a_set_of_classes_is_written_as_folders(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    without_boxes(project)
    flags = ["--set", "cells", "--format", "class_folders", "--to", "out"]
    assert main(["export-data", *flags]) == 0
    found = dataset.read(project / "data/sets/cells/annotations.json")
    assert f"{len(found.images)} objects\nNot in this format: groups" in capsys.readouterr().out
    folders = {path.parent.relative_to(project / "out") for path in project.glob("out/*/*/*")}
    splits = {str(image.split) for image in found.images}
    assert folders == {Path(split, found.categories[1]) for split in splits}


def test_a_format_of_the_other_task_is_refused(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export-data", "--set", "cells", "--format", "class_folders", "--to", "out"]) == 1
    said = "cells has boxes, which class_folders cannot hold; coco, voc, yolo can"
    assert said in capsys.readouterr().err
    without_boxes(project)
    assert main(["export-data", "--set", "cells", "--format", "coco", "--to", "out"]) == 1
    said = "cells has classes of whole images, which coco cannot hold; class_folders can"
    assert said in capsys.readouterr().err
    assert not (project / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["cells", "cadica", "out"],
            "`cadica` cannot be written; class_folders, coco, voc, yolo can",
        ),
        (["cell", "coco", "out"], "run `snakemake data/sets/cell/split.json`; there are cells"),
        (["cells", "coco", "data"], "data is there already, and is not an empty folder"),
    ],
    ids=short,
)
def test_what_is_refused(
    project: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name, form, to = arguments
    flags = ["--set", name, "--format", form, "--to", to]
    assert main(["export-data", *flags]) == 1
    assert said in capsys.readouterr().err
    assert not (project / "out").exists()
