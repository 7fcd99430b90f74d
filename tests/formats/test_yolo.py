import shutil
from pathlib import Path

import pytest
from tests.facts import missing_facts, refused
from written import Scene, write_yolo

from fairtrial import DataError
from fairtrial.data.dataset import Dataset
from fairtrial.data.defects import (
    BoxFromSegment,
    Defect,
    LabelWithoutImage,
    MalformedObject,
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
    dataset, _ = read(raw)
    assert dataset.categories == {0: "cat", 2: "owl", 7: "yak"}
    assert dataset.canonical().categories == {1: "cat", 2: "owl", 3: "yak"}


def test_splits_relative_to_path(raw: Path) -> None:
    (raw / "images").rename(raw / "inner")
    (raw / "inner" / "train").rename(raw / "inner" / "images")
    set_yaml(raw, "path: inner\ntrain: images\nnames: [cat, dog, owl]\n")
    assert [image.file_name for image in read(raw)[0].images] == [
        "inner/images/a.png",
        "inner/images/c.png",
    ]


@pytest.mark.parametrize(
    "place", ["../images/train", "/content/images/train"], ids=["above", "an absolute path"]
)
def test_splits_outside_the_raw_folder_need_the_option(raw: Path, place: str) -> None:
    set_yaml(raw, f"train: {place}\nnames: [cat, dog, owl]\n")
    with refused(DataError, "data.yaml", "train", place, "; splits"):
        read(raw)
    dataset, _ = read(raw, splits={"train": "images/train", "val": "images/val"})
    assert [image.split for image in dataset.images] == ["train", "train", "val"]


@pytest.mark.parametrize(
    ("images", "labels"),
    [("Images", "Labels"), ("Images", "labels"), ("images", "LABELS"), ("IMAGES", "Labels")],
)
def test_folders_in_capitals_are_understood(raw: Path, images: str, labels: str) -> None:
    expected = len(read(raw)[0].annotations)
    for old, new in (("images", images), ("labels", labels)):
        (raw / old).rename(raw / f"{new}.moved")
        (raw / f"{new}.moved").rename(raw / new)
    set_yaml(raw, f"train: {images}/train\nvalid: {images}/val\nnc: '3'\nnames: [cat, dog, owl]\n")
    dataset, _ = read(raw)
    assert len(dataset.annotations) == expected
    assert {image.split for image in dataset.images} == {"train", "val"}


def test_a_folder_that_is_not_there_is_named_with_those_that_are(raw: Path) -> None:
    set_yaml(raw, "train: Images/train\nnames: [cat, dog, owl]\n")
    with refused(DataError, "no folder Images/train", "; splits", "images, labels"):
        read(raw)


def test_labels_beside_images(raw: Path) -> None:
    folder = raw / "all"
    (raw / "images" / "train").rename(folder)
    (raw / "labels" / "train" / "a.txt").rename(folder / "a.txt")
    set_yaml(raw, "train: all\nnames: [cat, dog, owl]\n")
    dataset, defects = read(raw)
    assert (len(dataset.images), len(dataset.annotations)) == (2, 3)
    assert defects == [NoLabelFile("all/c.png", "there is no all/c.txt")]


def test_labels_without_an_image_are_named(raw: Path) -> None:
    (raw / "labels" / "val" / "gone.txt").write_text("0 .5 .5 .1 .1")
    (raw / "labels" / "val" / "classes.txt").write_text("cat\ndog\nowl\n")
    assert LabelWithoutImage("labels/val/gone.txt") in read(raw)[1]
    assert len(read(raw)[1]) == 2


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("cat .5 .5 .1 .1", id="a name as class"),
        pytest.param("0 .5 .5 .1", id="no height"),
        pytest.param("0 .5 .5 .1 .1 .9", id="a confidence"),
        pytest.param("0 0,5 0,5 0,1 0,1", id="decimal commas"),
    ],
)
def test_lines_that_cannot_be_read_are_named_all_at_once(raw: Path, line: str) -> None:
    (raw / "labels" / "val" / "b.txt").write_text(f"\n{line}\n0 .5 .5 .1 .1\n{line}\n")
    dataset, defects = read(raw)
    found = [defect for defect in defects if isinstance(defect, MalformedObject)]
    assert [defect.where for defect in found] == ["images/val/b.png"] * 2
    for defect, number in zip(found, (2, 4), strict=True):
        facts = [f"labels/val/b.txt:{number}", "`class x y width height`", "polygon", f"'{line}'"]
        assert missing_facts(defect.seen, *facts) == []
    assert sum(a.image_id == 3 for a in dataset.annotations) == 1


@pytest.mark.parametrize("kind", ["3", "0.5", "-1", "nan"], ids="class {}".format)
def test_an_unknown_class_is_named(raw: Path, kind: str) -> None:
    (raw / "labels" / "val" / "b.txt").write_text(f"{kind} .5 .5 .1 .1\n1 .5 .5 .1 .1\n")
    dataset, defects = read(raw)
    case = f"labels/val/b.txt:1: class {kind}; data.yaml names the classes 0, 1, 2"
    assert UnknownClass("images/val/b.png", case) in defects
    assert [a.category_id for a in dataset.annotations if a.image_id == 3] == [1]


def test_a_polygon_becomes_the_box_around_it(raw: Path) -> None:
    (raw / "labels" / "val" / "b.txt").write_text("0 .25 .125 .75 .125 .5 .625\n")
    dataset, defects = read(raw)
    assert dataset.annotations[-1].bbox == (0.25, 0.125, 0.5, 0.5)
    assert BoxFromSegment("images/val/b.png", "labels/val/b.txt:1") in defects


def test_an_image_without_a_text_file_is_named(raw: Path) -> None:
    assert read(raw)[1] == [NoLabelFile("images/train/c.png", "there is no labels/train/c.txt")]
    (raw / "labels" / "train" / "c.txt").touch()
    assert read(raw)[1] == []


def test_splits_may_be_lists_of_images(raw: Path) -> None:
    (raw / "all.txt").write_text("./images/train/a.png\r\nimages/val/b.png\n\n")
    set_yaml(raw, "train: all.txt\nnames: [cat, dog, owl]\n")
    dataset, defects = read(raw)
    names = [image.file_name for image in dataset.images]
    assert names == ["images/train/a.png", "images/val/b.png"]
    assert (len(dataset.annotations), defects) == (4, [])


def test_several_folders_a_split(raw: Path) -> None:
    set_yaml(raw, "train: [images/train, images/val]\nnames: [cat, dog, owl]\n")
    assert [image.split for image in read(raw)[0].images] == ["train"] * 3


def test_images_in_no_split(raw: Path) -> None:
    assert {image.split for image in read(raw, images="images")[0].images} == {None}


def test_groups_and_names_by_rules(raw: Path) -> None:
    (raw / "labels" / "val" / "b.txt").rename(raw / "labels" / "val" / "b-boxes.txt")
    (raw / "labels" / "train" / "a.txt").rename(raw / "labels" / "train" / "a-boxes.txt")
    assert LabelWithoutImage("labels/val/b-boxes.txt") in read(raw)[1]
    dataset, _ = read(
        raw, images="images", group="folder", naming={"label": "(.)-boxes", "image": r"\1"}
    )
    assert len(dataset.annotations) == 4
    assert [image.group for image in dataset.images] == ["train", "train", "val"]


def test_a_byte_order_mark_and_a_class_written_as_a_fraction(raw: Path) -> None:
    (raw / "labels" / "val" / "b.txt").write_bytes(b"\xef\xbb\xbf1.0 .5 .5 .5 nan\r\n")
    dataset, _ = read(raw)
    (last,) = (a for a in dataset.annotations if a.image_id == 3)
    assert (dataset.categories[last.category_id], str(last.bbox and last.bbox[3])) == ("dog", "nan")


NO_NAMES = [
    "`names:`",
    "neither",
    "list",
    "map",
]  # what an error says where the names cannot be read


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        pytest.param("train: images/train", NO_NAMES, id="no names"),
        pytest.param("names: []", NO_NAMES, id="an empty list"),
        pytest.param("names: {a: cat}", ["'a'", "no number"], id="a text as number"),
        pytest.param("names: [cat, cat]", ["two classes", "same name"], id="a name twice"),
        pytest.param("names: [1, '1']", ["two classes", "same name"], id="1 and '1'"),
        pytest.param("names: [cat, [dog]]", NO_NAMES, id="a list as name"),
        pytest.param("names: {0: cat, 2: {a: b}}", NO_NAMES, id="a map as name"),
        pytest.param(
            *("names: [cat, ]\nkpt_shape: [17, 3]", ["`kpt_shape`", "poses", "export boxes"]),
            id="poses",
        ),
        pytest.param("{nc: 3, names: [cat]}", ["nc is 3", "1 names"], id="nc of another number"),
        pytest.param("names: [cat]", ["no train, val or test"], id="no split"),
        pytest.param(
            *("{train: [a, b], names: [cat]}", ["train", "no folder a ", "; splits"]),
            id="no such folder",
        ),
        pytest.param("[", ["not valid YAML", "line: 1"], id="not YAML"),
        pytest.param("text", ["no `names:`"], id="a text"),
    ],
)
def test_a_data_yaml_that_is_refused(raw: Path, text: str, facts: list[str]) -> None:
    set_yaml(raw, text)
    with refused(DataError, "data.yaml", *facts):
        read(raw)


def test_one_folder_in_two_splits_is_refused(raw: Path) -> None:
    set_yaml(raw, "train: images/train\nval: images/train\nnames: [cat, dog, owl]\n")
    with refused(DataError, "images/train/a.png", "'train' and 'val'"):
        read(raw)


def test_images_that_differ_in_suffix_alone_share_their_labels(raw: Path) -> None:
    shutil.copy(raw / "images/train/a.png", raw / "images/train/a.jpg")
    dataset, defects = read(raw)
    objects = dataset.by_image()
    boxes = {i.file_name: [a.bbox for a in objects[i.id]] for i in dataset.images}
    assert boxes["images/train/a.jpg"] == boxes["images/train/a.png"] != []
    assert defects == [NoLabelFile("images/train/c.png", "there is no labels/train/c.txt")]


def test_a_suffix_in_capitals_is_one(raw: Path) -> None:
    before, _ = read(raw)
    (raw / "labels/val/b.txt").rename(raw / "labels/val/b.TXT")
    assert read(raw)[0].annotations == before.annotations
    (raw / "labels/val/b.txt").write_text("")
    with refused(DataError, "labels/val/b.TXT", "labels/val/b.txt"):
        read(raw)


def test_classes_from_a_list_of_names_as_cvat_exports_them(raw: Path) -> None:
    (raw / "data.yaml").unlink()
    (raw / "obj.names").write_text("cat\r\ndog\r\n\r\nowl\r\n")
    dataset, _ = read(raw, names="obj.names", splits={"train": "images/train"})
    assert dataset.categories == {0: "cat", 1: "dog", 2: "owl"}
    assert len(dataset.annotations) == 3
    with refused(DataError, "`names`", "`splits` beside `options`", "`images`"):
        read(raw, names="obj.names")
    with refused(DataError, "classes.txt", "no such file"):
        read(raw, names="classes.txt", images="images")
