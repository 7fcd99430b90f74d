"""From a folder to the three files of an experiment, up to its split."""

from __future__ import annotations

import re
import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.facts import missing_facts
from tests.formats.written import Scene, write_contributors

from fairtrial.__main__ import main
from fairtrial.data.certificate import read_certificate
from fairtrial.planning.config_files import read_dataset
from fairtrial.planning.plan import Plan
from fairtrial.planning.sources import read_source
from fairtrial.stages.convert import convert
from fairtrial.stages.download import download
from fairtrial.stages.split import split

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project: params.yaml, and config/ without files."""
    for kind in ("sources", "datasets", "experiments"):
        (tmp_path / "config" / kind).mkdir(parents=True)
    shutil.copy(PROJECT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def picture(path: Path, colour: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 48), (colour, 255 - colour, 7 * colour % 256)).save(path)


def boxes(folder: Path, count: int = 12) -> None:
    """A table with a row a box, for images of two patients each."""
    lines = ["filename,class,xmin,ymin,xmax,ymax,patient"]
    for number in range(count):
        picture(folder / f"i{number}.png", 10 * number)
        label = "cat" if number % 2 else "dog"
        lines.append(f"i{number}.png,{label},1,2,{20 + number},30,p{number // 2}")
    (folder / "boxes.csv").write_text("\n".join(lines))


def texts(name: str) -> dict[str, str]:
    kinds = ("sources", "datasets", "experiments")
    return {kind: Path(f"config/{kind}/{name}.yaml").read_text() for kind in kinds}


def through_the_split(name: str) -> dict[str, list[int]]:
    """The splits of the data set, made by the stages from the files that were written."""
    dataset = read_dataset(name)
    source = read_source(dataset.source)
    assert source.convert is not None
    raw, manifest, clean = Path("raw"), Path("raw.sha256"), Path("clean")
    download(settings=source.download, raw=raw, manifest=manifest)
    names = ("annotations", "quality", "duplicates", "source_ids")
    files = {key: clean / f"{key}.json" for key in names}
    convert(settings=source.convert, raw=raw, manifest=manifest, images=clean / "images", **files)
    split(
        settings=dataset.of_split,
        source=files["annotations"],
        duplicates=files["duplicates"],
        annotations=Path("set.json"),
        certificate=Path("split.json"),
    )
    return read_certificate(Path("split.json")).splits


def test_a_folder_becomes_an_experiment(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    boxes(project / "datasets/my cats")
    before = sorted(path.name for path in (project / "datasets/my cats").iterdir())
    assert main(["new", "datasets/my cats"]) == 0
    output = capsys.readouterr().out
    facts = ["box_csv (likely)", "12 images, 12 objects", "cat 6", "dog 6", "groups: 6", "pixels"]
    assert missing_facts(output, *facts, "splits: none given") == []
    assert output.rstrip().endswith("snakemake --config experiment=my_cats")
    assert "path: datasets/my cats" in texts("my_cats")["sources"]
    assert "method: grouped" in texts("my_cats")["datasets"]
    for kind, text in texts("my_cats").items():
        schema = re.match(r"# yaml-language-server: \$schema=\.\./\.\./(\S+)\n", text)
        assert schema and (PROJECT / schema[1]).stem == kind.removesuffix("s")
        assert (PROJECT / schema[1]).is_file()
    assert len(Plan.read("my_cats").chosen.runs) == 6
    assert sorted(path.name for path in (project / "datasets/my cats").iterdir()) == before
    assert all(through_the_split("my_cats").values())


def test_classes_of_images_are_trained_as_such(project: Path) -> None:
    for number in range(12):
        picture(project / "pets" / ("cat" if number % 2 else "dog") / f"{number}.png", number)
    assert main(["new", "pets"]) == 0
    assert "backend: networks" in texts("pets")["experiments"]
    assert len(Plan.read("pets").chosen.runs) == 6


def test_classes_within_folders_of_splits_have_these_beside_the_format(project: Path) -> None:
    for number, place in enumerate(("train", "train", "train", "train", "valid", "valid")):
        folder = project / "pets" / place / ("cat" if number % 2 else "dog")
        folder.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(number).integers(0, 256, (48, 64, 3), np.uint8)
        Image.fromarray(noise).save(folder / f"{number}.png")
    assert main(["new", "pets"]) == 0
    text = texts("pets")["sources"]
    assert "\nsplits: {train: train, val: valid}\n" in text.replace("pets/", "")
    assert [len(ids) for ids in through_the_split("pets").values()] == [4, 2, 0]


def test_an_archive_is_looked_at_and_left_packed(project: Path) -> None:
    boxes(project / "cats")
    with zipfile.ZipFile("cats.zip", "w") as archive:
        for path in (project / "cats").iterdir():
            archive.write(path, f"export/{path.name}")
    shutil.rmtree("cats")
    assert main(["new", "cats.zip", "--name", "zipped"]) == 0
    assert "kind: archive\narchive: cats.zip\n" in texts("zipped")["sources"]
    assert all(through_the_split("zipped").values())


def test_nothing_is_overwritten(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    boxes(project / "cats")
    Path("config/datasets/cats.yaml").write_text("mine")
    assert main(["new", "cats"]) == 1
    error = capsys.readouterr().err
    assert missing_facts(error, "config/datasets/cats.yaml", "--name") == []
    assert [path.name for path in Path("config").rglob("*.yaml")] == ["cats.yaml"]
    assert main(["new", "cats", "--name", "cats2"]) == 0
    assert Path("config/datasets/cats.yaml").read_text() == "mine"


def two_readings(folder: Path) -> None:
    """Boxes in one table, and classes of the same images in another."""
    boxes(folder)
    rows = "".join(f"i{number}.png,{'old' if number % 3 else 'new'}\n" for number in range(12))
    (folder / "labels.csv").write_text(f"file,label\n{rows}")


def test_of_two_readings_one_must_be_chosen(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    two_readings(project / "cats")
    assert main(["new", "cats"]) == 1
    error = capsys.readouterr().err
    assert missing_facts(error, "`--format box_csv`", "`--format class_csv`") == []
    assert list(Path("config").rglob("*.yaml")) == []
    assert main(["new", "cats", "--format", "class_csv", "--name", "one"]) == 0
    assert "format: class_csv" in texts("one")["sources"]
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: "box_csv")
    assert main(["new", "cats", "--name", "two"]) == 0
    assert "format: box_csv" in texts("two")["sources"]


def test_contributions_in_several_formats_are_one_data_set(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each person's folder is read by its own format, and is a group."""
    box = (4.0, 5.0, 20.0, 30.0)
    scene = Scene(objects=[(who, kind, box) for who in "abc" for kind in ("cat", "dog", "owl")])
    written = write_contributors(scene, project / "handed in")
    assert main(["new", "handed in", "--name", "ours"]) == 0
    facts = ("contributors (certain)", "Ana García (voc)", "jörg weiß 2 (yolo)", "groups: 3")
    assert missing_facts(capsys.readouterr().out, *facts) == []
    convert_settings = read_source("ours").convert
    assert convert_settings is not None
    formats = {part["folder"]: part["format"] for part in convert_settings.options["parts"]}
    assert formats == {part["folder"]: part["format"] for part in written["parts"]}
    assert sum(map(len, through_the_split("ours").values())) == 3


def test_contributions_in_one_format_are_read_by_it(project: Path) -> None:
    for who in ("ana", "ben"):
        boxes(project / "given" / who, 3)
    assert main(["new", "given", "--name", "theirs"]) in (0, 1)
    file = project / "config/sources/theirs.yaml"
    assert not file.exists() or "format: contributors" not in file.read_text()


def test_a_class_that_train_lacks_is_left_out_and_named(project: Path) -> None:
    lines = ["filename,class,xmin,ymin,xmax,ymax,split"]
    for number, (label, side) in enumerate(
        [("cat", "train"), ("cat", "val"), ("owl", "val"), ("cat", "test")]
    ):
        picture(project / "pets" / f"{number}.png", 50 * number)
        lines.append(f"{number}.png,{label},1,2,30,40,{side}")
    (project / "pets/boxes.csv").write_text("\n".join(lines))
    assert main(["new", "pets"]) == 0
    text = texts("pets")["datasets"]
    assert missing_facts(text, "method: given", "owl", "classes:\n  - cat\n") == []
    assert [len(ids) for ids in through_the_split("pets").values()] == [1, 2, 1]


def empty(folder: Path) -> None:
    folder.mkdir()


def images_alone(folder: Path) -> None:
    picture(folder / "a.png")


def video(folder: Path) -> None:
    folder.mkdir()
    (folder / "a.mp4").touch()


def deeper(folder: Path) -> None:
    picture(folder / "loose.png")
    boxes(folder / "inner")
    (folder / "inner" / "boxes.csv").rename(folder / "inner" / "boxes.txt")
    for label in ("cat", "dog"):
        picture(folder / "sorted" / label / "a.png")


def images_elsewhere(folder: Path) -> None:
    (folder / "Annotations").mkdir(parents=True)
    text = "<annotation><object><name>cat</name></object></annotation>"
    (folder / "Annotations/a.xml").write_text(text)


@pytest.mark.parametrize(
    ("make", "facts"),
    [
        pytest.param(empty, ["no file"], id="empty"),
        pytest.param(images_alone, ["1 image without annotations"], id="images alone"),
        pytest.param(video, ["1 video", "frames"], id="a video"),
        pytest.param(deeper, ["fairtrial new", "odd/sorted", "class_folders"], id="a folder in it"),
        pytest.param(images_elsewhere, ["voc", "none of its 1 images"], id="labels alone"),
    ],
)
def test_what_is_no_data_set_gets_a_plain_answer(
    make: object, facts: list[str], project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(make)
    make(project / "odd")
    assert main(["new", "odd"]) == 1
    assert missing_facts(capsys.readouterr().err, "odd", *facts) == []
    assert list(Path("config").rglob("*.yaml")) == []


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        pytest.param(["nowhere"], ["nowhere", "no such folder"], id="not there"),
        pytest.param(["params.yaml"], ["params.yaml", "zip"], id="another file"),
        pytest.param(["a", "b"], ["one folder"], id="two folders"),
        pytest.param(["config", "--format", "kitti"], ["`kitti`", "voc"], id="no such format"),
        pytest.param(["config", "--name", "a b"], ["'a b'", "letters"], id="no such name"),
    ],
)
def test_what_cannot_be_looked_at(
    arguments: list[str], facts: list[str], project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", *arguments]) == 1
    assert missing_facts(capsys.readouterr().err, *facts) == []


# --------------------------------------------------------------------------- real sets


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "sizes"),
    [
        ("bccd", [205, 87, 72]),
        ("cadica_sample", None),
        ("coco2017_tiny_json", [80, 80, 0]),
        ("cifar10_subset/test_jpeg", None),
    ],
)
def test_a_real_set_reaches_its_split_without_a_file_by_hand(
    folder: str, sizes: list[int] | None, project: Path, real_data: Path
) -> None:
    assert main(["new", str(real_data / folder), "--name", "real"]) == 0
    assert Plan.read("real").chosen.runs
    splits = [len(ids) for ids in through_the_split("real").values()]
    assert splits == sizes if sizes else all(splits)


@pytest.mark.data
@pytest.mark.parametrize(
    ("folder", "facts"),
    [
        ("cifar10_subset", ["1004 images", "fairtrial new", "test_jpeg"]),
        ("coco_eval_val2014_100", ["coco", "none of its 100 images"]),
        ("demo_images", ["2 images without annotations"]),
        ("messy_annotations", ["voc", "none of its 36 images"]),
        ("messy_images", ["--format class_folders"]),
        ("video", ["1 video", "frames"]),
        ("weights", ["1 file of weights"]),
    ],
)
def test_a_real_folder_that_is_no_data_set(
    folder: str,
    facts: list[str],
    project: Path,
    real_data: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["new", str(real_data / folder), "--name", "real"]) == 1
    assert missing_facts(capsys.readouterr().err, *facts) == []
