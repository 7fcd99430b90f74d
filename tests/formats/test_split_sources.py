"""A folder for each split: classes are joined by name, and what is missing is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from tests.facts import refused

from fairtrial import DataError
from fairtrial.formats._split_sources import read_split_folders
from fairtrial.plugins import plugin


def draw(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 20)).save(folder / f"{name}.png")


def test_classes_of_one_name_are_one_whatever_their_numbers(tmp_path: Path) -> None:
    draw(tmp_path / "train", "cat/1", "dog/2", "owl/3")
    draw(tmp_path / "valid", "dog/4", "eel/5")
    form, places = plugin("formats", "class_folders"), {"train": "train", "val": "valid"}
    dataset, defects = read_split_folders(form, tmp_path, {}, places)
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
    ],
)
def test_what_cannot_be_read_is_refused(
    tmp_path: Path, places: dict[str, str], facts: list[str]
) -> None:
    draw(tmp_path / "train", "cat/1")
    (tmp_path / "empty").mkdir()
    with refused(DataError, *facts):
        read_split_folders(plugin("formats", "class_folders"), tmp_path, {}, places)
