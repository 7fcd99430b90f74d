"""A folder for each split: classes are joined by name, and what is missing is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from tests.facts import refused

from fairtrial import DataError
from fairtrial.formats._split_sources import read_in_splits
from fairtrial.plugins import plugin


def draw(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 20)).save(folder / f"{name}.png")


def test_classes_of_one_name_are_one_whatever_their_numbers(tmp_path: Path) -> None:
    draw(tmp_path / "train", "cat/1", "dog/2", "owl/3")
    draw(tmp_path / "valid", "dog/4", "eel/5")
    for place in ("train", "valid"):
        files = sorted((tmp_path / place).rglob("*.png"))
        rows = [f"{path.relative_to(tmp_path / place)},{path.parent.name}" for path in files]
        (tmp_path / place / "labels.csv").write_text("\n".join(["file,label", *rows]))
    form, places = plugin("formats", "class_csv"), {"train": "train", "val": "valid"}
    dataset, defects = read_in_splits(form, tmp_path, {}, places)
    names = {image.id: image.file_name for image in dataset.images}
    labels = {names[a.image_id]: dataset.categories[a.category_id] for a in dataset.annotations}
    assert labels == {
        "train/cat/1.png": "cat",
        "train/dog/2.png": "dog",
        "train/owl/3.png": "owl",
        "valid/dog/4.png": "dog",
        "valid/eel/5.png": "eel",
    }
    assert [image.split for image in dataset.images] == ["train"] * 3 + ["val"] * 2
    assert len(set(dataset.categories.values())) == len(dataset.categories) == 4
    assert set(dataset.origins) == set(dataset.categories)
    assert defects == []


@pytest.mark.parametrize(
    ("places", "facts"),
    [
        pytest.param({"test": "tests"}, ["no folder tests"], id="not there"),
        pytest.param({"test": "empty"}, ["empty: "], id="refused by the format"),
        pytest.param({"test": "../other"}, ["splits: test"], id="outside"),
        pytest.param({"test": "Train"}, ["did you mean `train`"], id="another case"),
    ],
)
def test_what_cannot_be_read_is_refused(
    tmp_path: Path, places: dict[str, str], facts: list[str]
) -> None:
    draw(tmp_path / "train", "cat/1")
    (tmp_path / "empty").mkdir()
    with refused(DataError, *facts):
        read_in_splits(plugin("formats", "class_csv"), tmp_path, {}, places)


VOC = "<annotation><object><name>{}</name><bndbox><xmin>2</xmin><ymin>2</ymin><xmax>9</xmax>"
VOC += "<ymax>9</ymax></bndbox></object></annotation>"


@pytest.mark.parametrize("inside", [True, False], ids=["labels in each", "labels elsewhere"])
@pytest.mark.parametrize("form", ["voc", "labelme", "yolo"])
def test_labels_may_stand_in_each_folder_or_elsewhere(
    tmp_path: Path, form: str, inside: bool
) -> None:
    places = {"train": "images/train", "test": "images/Test"}
    options = {
        "voc": {"annotations": "." if inside else "labels", "images": "."},
        "labelme": {"annotations": "." if inside else "labels"},
        "yolo": {"names": "classes.txt"},
    }[form]
    if form != "yolo" and not inside:
        options["images"] = "images"
    for place in places.values():
        draw(tmp_path / place, "x" if place.endswith("train") else "y")
        stem = next((tmp_path / place).glob("*.png")).stem
        folder = tmp_path / (place if inside else place.replace("images", "labels"))
        folder.mkdir(parents=True, exist_ok=True)
        if form == "voc":
            (folder / f"{stem}.xml").write_text(VOC.format("cat"))
        elif form == "labelme":
            points = '[{"label": "cat", "shape_type": "rectangle", "points": [[1, 2], [3, 5]]}]'
            (folder / f"{stem}.json").write_text(f'{{"shapes": {points}, "imagePath": ""}}')
        else:
            labels = tmp_path / place.replace("images", "labels")
            labels.mkdir(parents=True, exist_ok=True)
            if inside:
                (folder / "classes.txt").write_text("cat\n")
                (folder / f"{stem}.txt").write_text("0 0.5 0.5 0.5 0.5\n")
                options["images"] = "."
                labels.rename(tmp_path / place / "no labels")
            else:
                (tmp_path / "classes.txt").write_text("cat\n")
                (labels / f"{stem}.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    dataset, _ = read_in_splits(plugin("formats", form), tmp_path, options, places)
    splits = {image.file_name: image.split for image in dataset.images}
    assert splits == {"images/train/x.png": "train", "images/Test/y.png": "test"}
    assert [dataset.categories[a.category_id] for a in dataset.annotations] == ["cat", "cat"]
