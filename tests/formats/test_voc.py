import shutil
from pathlib import Path

import pytest
from pydantic import ValidationError
from tests.facts import refused
from written import Scene, write_voc

from fairtrial import DataError
from fairtrial.data.boxes import fit
from fairtrial.data.dataset import Dataset
from fairtrial.data.defects import (
    BoxWithoutArea,
    Defect,
    InvertedBox,
    LabelWithoutImage,
    MalformedImage,
    ObjectWithoutBox,
    OtherFilename,
    UnannotatedImage,
    UnknownClass,
)
from fairtrial.formats import voc


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    write_voc(Scene(), tmp_path)
    return tmp_path


def read(raw: Path, **options: object) -> tuple[Dataset, list[Defect]]:
    return voc.read(raw, voc.Settings.model_validate(options))


def put(raw: Path, inside: str, name: str = "a") -> None:
    (raw / "Annotations" / f"{name}.xml").write_text(f"<annotation>{inside}</annotation>")


def box(xmin: object, ymin: object, xmax: object, ymax: object, name: str = "cat") -> str:
    return (
        f"<object><name>{name}</name><bndbox><xmin>{xmin}</xmin><ymin>{ymin}</ymin>"
        f"<xmax>{xmax}</xmax><ymax>{ymax}</ymax></bndbox></object>"
    )


@pytest.mark.parametrize(
    ("coordinates", "expected"),
    [
        pytest.param("pixels", (0, 1, 10, 4), id="pixels"),
        pytest.param("edges", (1, 2, 9, 3), id="edges"),
    ],
)
def test_what_coordinates_mean(raw: Path, coordinates: str, expected: tuple[float, ...]) -> None:
    put(raw, box(1, 2, 10, 5))
    dataset, _ = read(raw, coordinates=coordinates)
    assert dataset.annotations[0].bbox == expected


@pytest.mark.parametrize(
    "size",
    [
        pytest.param("", id="no size"),
        pytest.param("<size/>", id="an empty size"),
        pytest.param("<size><width>0</width><height>0</height></size>", id="zeros"),
        pytest.param("<size><width/></size>", id="a width without a number"),
    ],
)
def test_a_size_that_is_not_stated_is_zero(raw: Path, size: str) -> None:
    put(raw, size)
    dataset, _ = read(raw)
    assert (dataset.images[0].width, dataset.images[0].height) == (0, 0)


def test_a_coordinate_that_is_missing_is_not_a_number(raw: Path) -> None:
    put(raw, "<object><name>cat</name><bndbox><xmin>1</xmin><ymin/></bndbox></object>")
    dataset, _ = read(raw)
    assert dataset.annotations[0].bbox is not None
    assert str(dataset.annotations[0].bbox[3]) == "nan"


def test_names_are_trimmed_and_sorted_where_no_classes_are_given(raw: Path) -> None:
    put(raw, box(1, 1, 2, 2, "\n yak ") + box(1, 1, 2, 2, "ant"))
    assert list(read(raw)[0].categories.values()) == ["ant", "dog", "yak"]


BOMB = '<!DOCTYPE a [<!ENTITY b "boom">]><annotation>&b;</annotation>'


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        pytest.param("<annotation><object>", "not valid XML", id="an element that is not closed"),
        pytest.param("<annotation/>text", "not valid XML", id="text behind the end"),
        pytest.param(BOMB, "EntitiesForbidden", id="an entity bomb"),
        pytest.param("<svg/>", "<annotation>", id="another root"),
    ],
)
def test_what_is_no_such_xml_is_named_and_refused(raw: Path, text: str, seen: str) -> None:
    for stem in "ab":
        (raw / "Annotations" / f"{stem}.xml").write_text(text)
    dataset, defects = read(raw, classes=["cat", "dog", "owl"])
    found = [defect for defect in defects if isinstance(defect, MalformedImage)]
    assert [defect.where for defect in found] == ["JPEGImages/a.png", "JPEGImages/b.png"]
    assert [defect.seen[:7] for defect in found] == ["a.xml: ", "b.xml: "]
    assert all(seen in defect.seen for defect in found)
    assert next(iter(MalformedImage.actions)) == "refuse"
    assert dataset.annotations == []


@pytest.mark.parametrize(
    ("inside", "defect"),
    [
        pytest.param(
            box(1, 1, 2, 2, "cow"),
            UnknownClass("JPEGImages/a.png", "a.xml: object 1: 'cow'; there are cat, dog, owl"),
            id="an unknown class",
        ),
        pytest.param(
            box(1, 1, 2, 2, ""),
            UnknownClass("JPEGImages/a.png", "a.xml: object 1: ''; there are cat, dog, owl"),
            id="an empty class",
        ),
        pytest.param(
            "<object><name>cat</name></object>",
            ObjectWithoutBox("JPEGImages/a.png", "a.xml: object 1"),
            id="an object without box",
        ),
        pytest.param(
            "<filename>x/c.png</filename>",
            OtherFilename("JPEGImages/a.png", "a.xml names x/c.png"),
            id="the name of another image",
        ),
    ],
)
def test_what_is_named(raw: Path, inside: str, defect: Defect) -> None:
    put(raw, inside)
    dataset, defects = read(raw, classes=["cat", "dog", "owl"])
    assert defects == [defect]
    assert {a.image_id for a in dataset.annotations} == {2}, "only those of b.xml"


def test_a_filename_that_no_image_has_does_not_matter(raw: Path) -> None:
    put(raw, "<filename>export/frame-0001.jpeg</filename>")
    assert read(raw)[1] == []


def test_a_coordinate_that_is_no_number_is_left_to_convert(raw: Path) -> None:
    put(raw, box("x", 1, 2, 2))
    assert str(read(raw)[0].annotations[0].bbox) == "(nan, 0.0, nan, 2.0)"


def test_names_that_differ_are_matched_by_a_stated_rule_only(raw: Path) -> None:
    for path in (raw / "Annotations").iterdir():
        path.rename(path.with_name(f"{path.stem}_label.xml"))
    dataset, defects = read(raw)
    assert not dataset.annotations
    assert {type(defect) for defect in defects} == {LabelWithoutImage, UnannotatedImage}
    dataset, defects = read(raw, naming={"label": r"(.*)_label", "image": r"\1"})
    assert (len(dataset.annotations), defects) == (4, [])


@pytest.mark.parametrize(
    ("label", "image", "error", "facts"),
    [
        pytest.param("(.*)", "a", DataError, ["naming", "a and b", "both"], id="two labels of one"),
        pytest.param("(.*)", r"\2", DataError, ["naming", "image", "group"], id="no such group"),
        pytest.param(
            *("(", "a", ValidationError, ["naming.label", "regular expression", "'('"]),
            id="no regular expression",
        ),
    ],
)
def test_a_rule_of_names_that_cannot_be_right(
    raw: Path, label: str, image: str, error: type[Exception], facts: list[str]
) -> None:
    with refused(error, *facts):
        read(raw, naming={"label": label, "image": image})


def test_the_group_is_the_folder_or_a_part_of_the_name(raw: Path) -> None:
    for kind in ("Annotations", "JPEGImages"):
        (raw / kind / "p7").mkdir()
        for path in [path for path in (raw / kind).iterdir() if path.is_file()]:
            path.rename(raw / kind / "p7" / f"v3_{path.name}")
    for option in ("folder", r"^(p\d+)/"):
        assert {image.group for image in read(raw, group=option)[0].images} == {"p7"}
    assert {image.group for image in read(raw, group=r"(v\d+)_")[0].images} == {"v3"}
    with refused(DataError, "p7/v3_a.png", "`group`", "x(.)"):
        read(raw, group="x(.)")
    with refused(ValidationError, "group", "`folder`", "( )", "'x'"):
        read(raw, group="x")


def test_an_image_without_xml_and_an_xml_without_image_are_named(raw: Path) -> None:
    (raw / "JPEGImages" / "b.png").rename(raw / "JPEGImages" / "z.png")
    dataset, defects = read(raw)
    assert [image.file_name for image in dataset.images] == [
        "JPEGImages/a.png",
        "JPEGImages/c.png",
        "JPEGImages/z.png",
    ]
    assert defects == [LabelWithoutImage("Annotations/b.xml"), UnannotatedImage("JPEGImages/z.png")]


def test_of_two_images_with_one_stem_the_named_one_is_taken(raw: Path) -> None:
    (raw / "JPEGImages" / "a.jpg").write_bytes(b"")
    dataset, _ = read(raw)
    assert dataset.images[0].file_name == "JPEGImages/a.png"
    put(raw, "<filename>a</filename>")
    with refused(DataError, "a.xml", "a.jpg", "a.png"):
        read(raw)


def test_lists_of_splits_under_other_names_are_understood(raw: Path) -> None:
    lists = raw / "ImageSets" / "Main"
    (lists / "val.txt").rename(lists / "valid.txt")
    (lists / "Test.txt").write_text("")
    dataset, _ = read(raw, image_sets="ImageSets/Main")
    splits = {Path(image.file_name).stem: image.split for image in dataset.images}
    assert splits == {"a": "train", "b": "val", "c": "train"}


def test_an_image_in_no_list_has_no_split(raw: Path) -> None:
    (raw / "ImageSets" / "Main" / "val.txt").write_text("\n")
    dataset, _ = read(raw, image_sets="ImageSets/Main")
    assert [image.split for image in dataset.images] == ["train", None, "train"]


@pytest.mark.parametrize(
    ("split", "text", "fact"),
    [
        pytest.param("val", "a\n", "a is in the split 'train'", id="an image in two splits"),
        pytest.param("test", "gone\n", "gone", id="an image without XML file"),
    ],
)
def test_lists_that_cannot_be_right(raw: Path, split: str, text: str, fact: str) -> None:
    (raw / "ImageSets" / "Main" / f"{split}.txt").write_text(text)
    with refused(DataError, "ImageSets/Main", fact):
        read(raw, image_sets="ImageSets/Main")


def test_no_list_at_all(raw: Path) -> None:
    (raw / "ImageSets/Empty").mkdir()
    with refused(DataError, "ImageSets/Empty", "train.txt", "val.txt", "test.txt"):
        read(raw, image_sets="ImageSets/Empty")
    with refused(DataError, "ImageSets/Layout", "image_sets", "ImageSets/Main"):
        read(raw, image_sets="ImageSets/Layout")


@pytest.mark.data
def test_bccd_has_the_published_counts(real_data: Path) -> None:
    options = {"image_sets": "ImageSets/Main", "coordinates": "edges"}
    dataset, defects = read(real_data / "bccd", **options)
    assert not defects
    assert len(dataset.images) == 364
    names = [dataset.categories[a.category_id] for a in dataset.annotations]
    assert {name: names.count(name) for name in sorted(set(names))} == {
        "Platelets": 361,
        "RBC": 4155,
        "WBC": 372,
    }
    splits = [image.split for image in dataset.images]
    assert [splits.count(split) for split in ("train", "val", "test", None)] == [205, 87, 72, 0]
    flat = [a for a in dataset.annotations if a.bbox is not None and 0 in a.bbox[2:]]
    stems = {image.id: Path(image.file_name).stem for image in dataset.images}
    assert [stems[a.image_id] for a in flat] == ["BloodImage_00338", "BloodImage_00343"]


@pytest.mark.data
def test_degenerate_faces_are_all_found(real_data: Path, tmp_path: Path) -> None:
    source = real_data / "messy_annotations" / "wider_face_voc_degenerate"
    shutil.copytree(
        source,
        tmp_path / "Annotations",
        ignore=lambda _, names: {name for name in names if not name.endswith(".xml")},
    )
    (tmp_path / "JPEGImages").mkdir()
    for path in (tmp_path / "Annotations").iterdir():  # only the names matter here
        (tmp_path / "JPEGImages" / f"{path.stem}.jpg").touch()
    dataset, _ = read(tmp_path, coordinates="edges")
    sizes = {image.id: (image.width, image.height) for image in dataset.images}
    kinds = [fit(a.bbox, *sizes[a.image_id])[1] for a in dataset.annotations if a.bbox is not None]
    assert kinds.count(BoxWithoutArea) == 39
    assert kinds.count(InvertedBox) == 3


def test_a_suffix_in_capitals_is_one(raw: Path) -> None:
    before, _ = read(raw)
    (raw / "Annotations/a.xml").rename(raw / "Annotations/a.XML")
    assert read(raw)[0] == before


def test_what_is_difficult_is_an_object_unless_told_otherwise(raw: Path) -> None:
    difficult = box(1, 1, 9, 9).replace("<bndbox>", "<difficult> 1 </difficult><bndbox>")
    put(raw, difficult + box(11, 11, 19, 19))
    crowds = {
        said: [a.iscrowd for a in read(raw, difficult=said)[0].annotations if a.image_id == 1]
        for said in ("object", "crowd")
    }
    assert crowds == {"object": [False, False], "crowd": [True, False]}
