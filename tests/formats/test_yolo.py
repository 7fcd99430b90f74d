from pathlib import Path

import pytest
from written import Scene, write_yolo

from fairtrial import DataError
from fairtrial.dataset import Dataset
from fairtrial.defects import Defect, MissingImage
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
    assert found.categories == {1: "cat", 3: "owl", 8: "yak"}
    assert found.canonical().categories == {1: "cat", 2: "owl", 3: "yak"}


def test_sides_relative_to_path(raw: Path) -> None:
    (raw / "images").rename(raw / "inner")
    (raw / "inner" / "train").rename(raw / "inner" / "images")
    set_yaml(raw, "path: inner\ntrain: images\nnames: [cat, dog, owl]\n")
    assert [image.file_name for image in read(raw)[0].images] == [
        "inner/images/a.png",
        "inner/images/c.png",
    ]


@pytest.mark.parametrize("place", ["../images/train", "/content/images/train"])
def test_sides_outside_the_raw_folder_need_the_option(raw: Path, place: str) -> None:
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
    found, faults = read(raw)
    assert (len(found.images), len(found.annotations), faults) == (2, 3, [])


def test_labels_without_an_image_are_named(raw: Path) -> None:
    (raw / "labels" / "val" / "gone.txt").write_text("0 .5 .5 .1 .1")
    assert read(raw)[1] == [MissingImage("labels/val/gone.txt")]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("3 .5 .5 .1 .1", r"labels/val/b\.txt:2: unknown class 3; there are 3 names"),
        ("0.5 .5 .5 .1 .1", "unknown class 0.5"),
        ("-1 .5 .5 .1 .1", "unknown class -1"),
        ("nan .5 .5 .1 .1", "unknown class nan"),
        ("cat .5 .5 .1 .1", "not `class x y width height`"),
        ("0 .5 .5 .1", "not `class x y width height`"),
        ("0 .1 .1 .2 .1 .2 .2 .1 .2", "not `class x y width height`"),
    ],
)
def test_lines_that_are_refused(raw: Path, line: str, message: str) -> None:
    (raw / "labels" / "val" / "b.txt").write_text(f"\n{line}\n")
    with pytest.raises(DataError, match=message):
        read(raw)


def test_a_byte_order_mark_and_a_class_written_as_a_fraction(raw: Path) -> None:
    (raw / "labels" / "val" / "b.txt").write_bytes(b"\xef\xbb\xbf1.0 .5 .5 .5 nan\r\n")
    found, _ = read(raw)
    (last,) = (a for a in found.annotations if a.image_id == 3)
    assert (found.categories[last.category_id], str(last.bbox and last.bbox[3])) == ("dog", "nan")


def test_an_image_that_is_not_one_is_kept_for_convert_to_drop(raw: Path) -> None:
    (raw / "images" / "val" / "b.png").write_bytes(b"no image")
    found, _ = read(raw)
    assert (found.images[2].width, found.images[2].file_name) == (0, "images/val/b.png")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train: images/train", "neither a list nor a map"),
        ("names: []", "neither a list nor a map"),
        ("names: {a: cat}", "neither a list nor a map"),
        ("names: [cat, cat]", "two classes have the same name"),
        ("{nc: 3, names: [cat]}", "nc is 3, but there are 1 names"),
        ("names: [cat]", "names no train, val or test folder"),
        ("{train: [a, b], names: [cat]}", "only one folder is read"),
        ("[", "not valid YAML"),
        ("text", "has no `names:`"),
    ],
)
def test_a_data_yaml_that_is_refused(raw: Path, text: str, message: str) -> None:
    set_yaml(raw, text)
    with pytest.raises(DataError, match=message):
        read(raw)


def test_one_folder_on_two_sides_is_refused(raw: Path) -> None:
    set_yaml(raw, "train: images/train\nval: images/train\nnames: [cat, dog, owl]\n")
    with pytest.raises(DataError, match="'train' and 'val'"):
        read(raw)
