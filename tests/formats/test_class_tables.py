"""A folder a class, and a table of classes: what is refused, and what is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.facts import missing_facts, refused

from fairtrial import DataError
from fairtrial.data.dataset import Dataset
from fairtrial.data.defects import Defect, MalformedImage, UnannotatedImage, UnknownClass
from fairtrial.formats import class_csv, class_folders


def put(folder: Path, *files: str) -> None:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(b"")


def classes(dataset: Dataset) -> dict[str, str]:
    """The class of each image that has one."""
    names = {image.id: image.file_name for image in dataset.images}
    return {names[a.image_id]: dataset.categories[a.category_id] for a in dataset.annotations}


# --------------------------------------------------------------------------- folders


def folders(folder: Path, **options: Any) -> tuple[Dataset, list[Defect]]:
    return class_folders.read(folder, class_folders.Settings(**options))


def test_every_folder_with_an_image_is_a_class(tmp_path: Path) -> None:
    put(tmp_path, "owl/1.jpg", "Chat été/2.PNG", "owl/old/3.jpg", "notes/readme.txt", "stray.jpg")
    dataset, defects = folders(tmp_path)
    assert dataset.categories == {1: "Chat été", 2: "owl"}
    assert classes(dataset) == {
        "owl/1.jpg": "owl",
        "owl/old/3.jpg": "owl",
        "Chat été/2.PNG": "Chat été",
    }
    assert defects == [UnannotatedImage("stray.jpg")]
    assert {image.split for image in dataset.images} == {None}


def test_groups_are_looked_for_below_the_class(tmp_path: Path) -> None:
    put(tmp_path, "in/cat/p1/1.jpg", "in/cat/p2/1.jpg", "in/dog/p1/1.jpg")
    for group in ("folder", r"^(p\d)/"):
        dataset, _ = folders(tmp_path, images="in", group=group)
        assert [image.group for image in dataset.images] == ["p1", "p2", "p1"]
    put(tmp_path, "in/dog/2.jpg")
    with refused(DataError, "dog/2.jpg", "`group` (folder)", "no folder in dog"):
        folders(tmp_path, images="in", group="folder")


@pytest.mark.parametrize(
    ("option", "value", "facts"),
    [
        pytest.param("images", "gone", ["no folder gone", "options"], id="no such folder"),
        pytest.param(
            "images", "cat", ["no folder with images", "options: images; splits"], id="no class"
        ),
        pytest.param("images", "../x", ["options", "'../x'"], id="a folder above"),
        pytest.param(
            "splits", {"train": "gone"}, ["no folder gone", "options"], id="no such split"
        ),
        pytest.param(
            "classes", ("cat", "owl"), ["folder dog", "none of the classes"], id="another class"
        ),
    ],
)
def test_folders_that_cannot_be_meant(
    tmp_path: Path, option: str, value: object, facts: list[str]
) -> None:
    put(tmp_path, "cat/1.jpg", "dog/1.jpg")
    with refused(DataError, *facts):
        folders(tmp_path, **{option: value})


# --------------------------------------------------------------------------- table


def table(folder: Path, text: str, **options: Any) -> tuple[Dataset, list[Defect]]:
    (folder / "labels.csv").write_bytes(text.encode("utf-8"))
    return class_csv.read(folder, class_csv.Settings(**options))


def test_a_table_with_quotes_and_groups(tmp_path: Path) -> None:
    put(tmp_path, "a, b.jpg", "Zoë/c.jpg", "extra.png", "notes.txt")
    text = 'label,patient,file\n"owl",p1,"a, b.jpg"\ncat , p2,Zoë/c.jpg\n'
    dataset, defects = table(tmp_path, text, group="patient")
    assert classes(dataset) == {"a, b.jpg": "owl", "Zoë/c.jpg": "cat"}
    assert dataset.categories == {1: "cat", 2: "owl"}
    assert [image.group for image in dataset.images] == ["p1", "p2", None]
    assert defects == [UnannotatedImage("extra.png")]


def test_a_name_without_a_file_is_left_to_convert(tmp_path: Path) -> None:
    dataset, defects = table(tmp_path, "file,label\ngone.jpg,cat\n")
    assert [image.file_name for image in dataset.images] == ["gone.jpg"] and not defects


@pytest.mark.parametrize(
    ("text", "options", "facts"),
    [
        pytest.param("", {}, ["labels.csv", "no column `file`", "none"], id="an empty file"),
        pytest.param(
            *("name,label\na,b\n", {}, ["labels.csv", "no column `file`", "name, label"]),
            id="no column of files",
        ),
        pytest.param("file,label\n", {}, ["labels.csv", "no image"], id="a head alone"),
        pytest.param("file,label\na.jpg,\ud800\n", {}, ["labels.csv", "UTF-8"], id="not UTF-8"),
    ],
)
def test_tables_that_cannot_be_meant(
    tmp_path: Path, text: str, options: dict[str, Any], facts: list[str]
) -> None:
    (tmp_path / "labels.csv").write_bytes(text.encode("utf-8", "surrogatepass"))
    with refused(DataError, *facts):
        class_csv.read(tmp_path, class_csv.Settings(**options))


@pytest.mark.parametrize(
    ("row", "where", "fact"),
    [
        pytest.param("b.jpg,,test", "b.jpg", "column `label`", id="an empty label"),
        pytest.param("b.jpg", "b.jpg", "column `label`", id="a row that is too short"),
        pytest.param("a.jpg,dog,val", "a.jpg", "second time", id="an image twice"),
        pytest.param("b.jpg,cat,holdout", "b.jpg", "`holdout`", id="no such split"),
        pytest.param(",cat,test", "labels.csv", "column `file`", id="no file"),
        pytest.param("../a.jpg,cat,test", "labels.csv", "not a path below", id="a file outside"),
    ],
)
def test_a_row_that_cannot_be_read_is_a_defect_of_its_image(
    tmp_path: Path, row: str, where: str, fact: str
) -> None:
    dataset, (defect,) = table(tmp_path, f"file,label,on\na.jpg,cat,train\n{row}\n", split="on")
    assert (type(defect), defect.where) == (MalformedImage, where)
    assert missing_facts(defect.seen, "labels.csv:3", fact) == []
    assert dataset.images[0].split == "train" and dataset.annotations[0].image_id == 1


def test_a_class_that_is_not_listed_is_a_defect(tmp_path: Path) -> None:
    text = "file,label\na.jpg,cow\nb.jpg,cat\n"
    assert table(tmp_path, text, classes=("cat",))[1] == [
        UnknownClass("a.jpg", "labels.csv:2: 'cow'; there are cat")
    ]


def test_other_words_for_splits_are_understood(tmp_path: Path) -> None:
    text = "file,label,on\na.jpg,cat,Training\nb.jpg,cat,valid\nc.jpg,dog,TEST\n"
    dataset, _ = table(tmp_path, text, split="on")
    assert [image.split for image in dataset.images] == ["train", "val", "test"]


def test_a_group_that_is_a_whole_number_has_one_name(tmp_path: Path) -> None:
    text = "file,label,patient\na.jpg,cat,1\nb.jpg,cat,1.0\nc.jpg,dog,\nd.jpg,dog,nan\n"
    dataset, _ = table(tmp_path, text, group="patient")
    assert [image.group for image in dataset.images] == ["1", "1", None, None]


# --------------------------------------------------------------------------- what is no data


def test_folders_of_systems_are_no_classes(tmp_path: Path) -> None:
    put(tmp_path, "cat/1.jpg", "dog/1.jpg", ".ipynb_checkpoints/1-checkpoint.jpg")
    put(tmp_path, "__MACOSX/cat/._1.jpg", "cat/._1.jpg", "dog/@eaDir/1.jpg", "dog/Thumbs.db")
    dataset, defects = folders(tmp_path)
    assert classes(dataset) == {"cat/1.jpg": "cat", "dog/1.jpg": "dog"}
    assert defects == []


@pytest.mark.parametrize("words", [("train", "val", "test"), ("Train", "valid")], ids=", ".join)
def test_folders_of_splits_are_no_classes(tmp_path: Path, words: tuple[str, ...]) -> None:
    put(tmp_path, *(f"{word}/{label}/1.jpg" for word in words for label in ("cat", "dog")))
    meant = {"train": "train", "val": "val", "valid": "val", "test": "test"}
    named = ", ".join(f"{meant[word.lower()]}: {word}" for word in words)
    with refused(DataError, *words, f"`splits: {{{named}}}` beside `format`"):
        folders(tmp_path)
    assert folders(tmp_path, classes=words)[0].categories == dict(enumerate(words, 1))
