import shutil
from pathlib import Path

import pytest
from tests.facts import refused
from tests.ids import short
from written import Scene, write_yolo

from fairtrial import DataError
from fairtrial.data.dataset import Dataset
from fairtrial.data.defects import (
    BoxFromSegment,
    Defect,
    LabelWithoutImage,
    NoLabelFile,
    UnknownClass,
)
from fairtrial.formats import yolo


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    write_yolo(Scene(), tmp_path)
    return tmp_path


def read(raw: Path, **options: object) -> tuple[Dataset, list[Defect]]:
    return yolo.read(raw, yolo.Settings.model_validate(options))


def set_yaml(raw: Path, text: str) -> None:
    (raw / "data.yaml").write_text(text)


def test_names_may_be_a_map_with_gaps(raw: Path) -> None:
    set_yaml(raw, "train: images/train\nnames: {0: cat, 2: owl, 7: yak}\n")
    found, _ = read(raw)
    assert found.categories == {0: "cat", 2: "owl", 7: "yak"}
    assert found.canonical().categories == {1: "cat", 2: "owl", 3: "yak"}


def test_splits_relative_to_path(raw: Path) -> None:
    (raw / "images").rename(raw / "inner")
    (raw / "inner" / "train").rename(raw / "inner" / "images")
    set_yaml(raw, "path: inner\ntrain: images\nnames: [cat, dog, owl]\n")
    assert [image.file_name for image in read(raw)[0].images] == [
        "inner/images/a.png",
        "inner/images/c.png",
    ]


@pytest.mark.parametrize("place", ["../images/train", "/content/images/train"])
def test_splits_outside_the_raw_folder_need_the_option(raw: Path, place: str) -> None:
    set_yaml(raw, f"train: {place}\nnames: [cat, dog, owl]\n")
    with pytest.raises(DataError, match="options: splits"):
        read(raw)
    found, _ = read(raw, splits={"train": "images/train", "val": "images/val"})
    assert [image.split for image in found.images] == ["train", "train", "val"]


def test_labels_beside_images(raw: Path) -> None:
    folder = raw / "all"
    (raw / "images" / "train").rename(folder)
    (raw / "labels" / "train" / "a.txt").rename(folder / "a.txt")
    set_yaml(raw, "train: all\nnames: [cat, dog, owl]\n")
    found, defects = read(raw)
    assert (len(found.images), len(found.annotations)) == (2, 3)
    assert defects == [NoLabelFile("all/c.png")]


def test_labels_without_an_image_are_named(raw: Path) -> None:
    (raw / "labels" / "val" / "gone.txt").write_text("0 .5 .5 .1 .1")
    (raw / "labels" / "val" / "classes.txt").write_text("cat\ndog\nowl\n")
    assert LabelWithoutImage("labels/val/gone.txt") in read(raw)[1]
    assert len(read(raw)[1]) == 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("cat .5 .5 .1 .1", r"labels/val/b\.txt:2: neither `class x y width height` nor a polygon"),
        ("0 .5 .5 .1", "neither"),
        ("0 .5 .5 .1 .1 .9", "neither"),
    ],
)
def test_lines_that_are_refused(raw: Path, line: str, message: str) -> None:
    (raw / "labels" / "val" / "b.txt").write_text(f"\n{line}\n")
    with pytest.raises(DataError, match=message):
        read(raw)


@pytest.mark.parametrize("kind", ["3", "0.5", "-1", "nan"])
def test_an_unknown_class_is_named(raw: Path, kind: str) -> None:
    (raw / "labels" / "val" / "b.txt").write_text(f"{kind} .5 .5 .1 .1\n1 .5 .5 .1 .1\n")
    found, defects = read(raw)
    seen = f"labels/val/b.txt:1: class {kind}, where there are 3 names"
    assert UnknownClass("images/val/b.png", seen) in defects
    assert [a.category_id for a in found.annotations if a.image_id == 3] == [1]


def test_a_polygon_becomes_the_box_around_it(raw: Path) -> None:
    (raw / "labels" / "val" / "b.txt").write_text("0 .25 .125 .75 .125 .5 .625\n")
    found, defects = read(raw)
    assert found.annotations[-1].bbox == (0.25, 0.125, 0.5, 0.5)
    assert BoxFromSegment("images/val/b.png", "labels/val/b.txt:1") in defects


def test_an_image_without_a_text_file_is_named(raw: Path) -> None:
    assert read(raw)[1] == [NoLabelFile("images/train/c.png")]
    (raw / "labels" / "train" / "c.txt").touch()
    assert read(raw)[1] == []


def test_splits_may_be_lists_of_images(raw: Path) -> None:
    (raw / "all.txt").write_text("./images/train/a.png\r\nimages/val/b.png\n\n")
    set_yaml(raw, "train: all.txt\nnames: [cat, dog, owl]\n")
    found, defects = read(raw)
    names = [image.file_name for image in found.images]
    assert names == ["images/train/a.png", "images/val/b.png"]
    assert (len(found.annotations), defects) == (4, [])


def test_several_folders_a_split(raw: Path) -> None:
    set_yaml(raw, "train: [images/train, images/val]\nnames: [cat, dog, owl]\n")
    assert [image.split for image in read(raw)[0].images] == ["train"] * 3


def test_images_in_no_split(raw: Path) -> None:
    assert {image.split for image in read(raw, images="images")[0].images} == {None}


def test_groups_and_names_by_rules(raw: Path) -> None:
    (raw / "labels" / "val" / "b.txt").rename(raw / "labels" / "val" / "b-boxes.txt")
    (raw / "labels" / "train" / "a.txt").rename(raw / "labels" / "train" / "a-boxes.txt")
    assert LabelWithoutImage("labels/val/b-boxes.txt") in read(raw)[1]
    found, _ = read(
        raw, images="images", group="folder", naming={"label": "(.)-boxes", "image": r"\1"}
    )
    assert len(found.annotations) == 4
    assert [image.group for image in found.images] == ["train", "train", "val"]


def test_a_byte_order_mark_and_a_class_written_as_a_fraction(raw: Path) -> None:
    (raw / "labels" / "val" / "b.txt").write_bytes(b"\xef\xbb\xbf1.0 .5 .5 .5 nan\r\n")
    found, _ = read(raw)
    (last,) = (a for a in found.annotations if a.image_id == 3)
    assert (found.categories[last.category_id], str(last.bbox and last.bbox[3])) == ("dog", "nan")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train: images/train", "neither a list nor a map"),
        ("names: []", "neither a list nor a map"),
        ("names: {a: cat}", "neither a list nor a map"),
        ("names: [cat, cat]", "two classes have the same name"),
        ("names: [1, '1']", "two classes have the same name"),
        ("names: [cat, [dog]]", "neither a list nor a map"),
        ("names: {0: cat, 2: {a: b}}", "neither a list nor a map"),
        ("names: [cat, ]\nkpt_shape: [17, 3]", "`kpt_shape`: labels of poses are not read"),
        ("{nc: 3, names: [cat]}", "nc is 3, but there are 1 names"),
        ("names: [cat]", "names no train, val or test folder"),
        ("{train: [a, b], names: [cat]}", "train: there is no folder a"),
        ("[", "not valid YAML"),
        ("text", "has no `names:`"),
    ],
    ids=short,
)
def test_a_data_yaml_that_is_refused(raw: Path, text: str, message: str) -> None:
    set_yaml(raw, text)
    with pytest.raises(DataError, match=message):
        read(raw)


def test_one_folder_in_two_splits_is_refused(raw: Path) -> None:
    set_yaml(raw, "train: images/train\nval: images/train\nnames: [cat, dog, owl]\n")
    with pytest.raises(DataError, match="'train' and 'val'"):
        read(raw)


def test_images_that_differ_in_suffix_alone_share_their_labels(raw: Path) -> None:
    shutil.copy(raw / "images/train/a.png", raw / "images/train/a.jpg")
    found, defects = read(raw)
    objects = found.by_image()
    boxes = {i.file_name: [a.bbox for a in objects[i.id]] for i in found.images}
    assert boxes["images/train/a.jpg"] == boxes["images/train/a.png"] != []
    assert defects == [NoLabelFile("images/train/c.png")]


def test_a_suffix_in_capitals_is_one(raw: Path) -> None:
    before, _ = read(raw)
    (raw / "labels/val/b.txt").rename(raw / "labels/val/b.TXT")
    assert read(raw)[0].annotations == before.annotations
    (raw / "labels/val/b.txt").write_text("")
    with refused(DataError, "labels/val/b.TXT", "labels/val/b.txt"):
        read(raw)
