"""A folder a class, and a table of classes: what is refused, and what is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.ids import short

from fairtrial import DataError
from fairtrial.data.dataset import Dataset
from fairtrial.data.defects import Defect, UnannotatedImage
from fairtrial.formats import class_csv, class_folders


def put(folder: Path, *files: str) -> None:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(b"")


def classes(found: Dataset) -> dict[str, str]:
    """The class of each image that has one."""
    names = {image.id: image.file_name for image in found.images}
    return {names[a.image_id]: found.categories[a.category_id] for a in found.annotations}


# --------------------------------------------------------------------------- folders


def folders(folder: Path, **options: Any) -> tuple[Dataset, list[Defect]]:
    return class_folders.read(folder, class_folders.Settings(**options))


def test_every_folder_with_an_image_is_a_class(tmp_path: Path) -> None:
    put(tmp_path, "owl/1.jpg", "Chat été/2.PNG", "owl/old/3.jpg", "notes/readme.txt", "stray.jpg")
    found, defects = folders(tmp_path)
    assert found.categories == {1: "Chat été", 2: "owl"}
    assert classes(found) == {
        "owl/1.jpg": "owl",
        "owl/old/3.jpg": "owl",
        "Chat été/2.PNG": "Chat été",
    }
    assert defects == [UnannotatedImage("stray.jpg")]
    assert {image.split for image in found.images} == {None}


def test_groups_are_looked_for_below_the_class(tmp_path: Path) -> None:
    put(tmp_path, "in/cat/p1/1.jpg", "in/cat/p2/1.jpg", "in/dog/p1/1.jpg")
    for group in ("folder", r"^(p\d)/"):
        found, _ = folders(tmp_path, images="in", group=group)
        assert [image.group for image in found.images] == ["p1", "p2", "p1"]
    put(tmp_path, "in/dog/2.jpg")
    with pytest.raises(DataError, match=r"dog/2.jpg: the option `group` \(folder\) finds no"):
        folders(tmp_path, images="in", group="folder")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"images": "gone"}, "there is no folder gone"),
        ({"images": "cat"}, "there is no folder with images"),
        ({"images": "../x"}, "is not a path below its folder"),
        ({"splits": {"train": "gone"}}, "there is no folder gone"),
        ({"classes": ("cat", "owl")}, "the folder dog is none of the classes"),
    ],
    ids=short,
)
def test_folders_that_cannot_be_meant(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    put(tmp_path, "cat/1.jpg", "dog/1.jpg")
    with pytest.raises(DataError, match=message):
        folders(tmp_path, **options)


# --------------------------------------------------------------------------- table


def table(folder: Path, text: str, **options: Any) -> tuple[Dataset, list[Defect]]:
    (folder / "labels.csv").write_bytes(text.encode("utf-8"))
    return class_csv.read(folder, class_csv.Settings(**options))


def test_a_table_with_quotes_and_groups(tmp_path: Path) -> None:
    put(tmp_path, "a, b.jpg", "Zoë/c.jpg", "extra.png", "notes.txt")
    text = 'label,patient,file\n"owl",p1,"a, b.jpg"\ncat , p2,Zoë/c.jpg\n'
    found, defects = table(tmp_path, text, group="patient")
    assert classes(found) == {"a, b.jpg": "owl", "Zoë/c.jpg": "cat"}
    assert found.categories == {1: "cat", 2: "owl"}
    assert [image.group for image in found.images] == ["p1", "p2", None]
    assert defects == [UnannotatedImage("extra.png")]


def test_a_name_without_a_file_is_left_to_convert(tmp_path: Path) -> None:
    found, defects = table(tmp_path, "file,label\ngone.jpg,cat\n")
    assert [image.file_name for image in found.images] == ["gone.jpg"] and not defects


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "there is no column `file`; there are: none"),
        ("name,label\na,b\n", {}, "there is no column `file`; there are: name, label"),
        ("file,label\n", {}, "labels.csv: names no image"),
        ("file,label\na.jpg,cat\nb.jpg,\n", {}, r"labels.csv:3: nothing stands in the column `l"),
        ("file,label\na.jpg\n", {}, r"labels.csv:2: nothing stands in the column `label`"),
        ("file,label\na.jpg,cat\na.jpg,dog\n", {}, "labels.csv:3: a.jpg is named twice"),
        ("file,label\n../a.jpg,cat\n", {}, "labels.csv:2: '.*' is not a path below"),
        ("file,label,on\na.jpg,cat,validation\n", {"split": "on"}, "`validation` is not train"),
        ("file,label\na.jpg,cow\n", {"classes": ("cat",)}, "labels.csv:2: `cow` is none of the"),
        ("file,label\na.jpg,\ud800\n", {}, "not a table in UTF-8"),
    ],
    ids=short,
)
def test_tables_that_cannot_be_meant(
    tmp_path: Path, text: str, options: dict[str, Any], message: str
) -> None:
    (tmp_path / "labels.csv").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(DataError, match=message):
        class_csv.read(tmp_path, class_csv.Settings(**options))
