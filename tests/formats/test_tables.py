"""Tables: of boxes in other columns and units, of Open Images, and with a column a class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.facts import missing_facts, refused

from fairtrial import DataError
from fairtrial.data.dataset import Dataset
from fairtrial.data.defects import (
    Defect,
    MalformedImage,
    MalformedObject,
    ObjectWithoutBox,
    UnannotatedImage,
    UnknownClass,
)
from fairtrial.formats import box_csv, one_hot_csv, open_images


def boxes_of(folder: Path, text: str, **options: Any) -> Dataset:
    (folder / "annotations.csv").write_text(text, encoding="utf-8")
    dataset: Dataset = box_csv.read(folder, box_csv.Settings(**options))[0]
    return dataset


XYXY = "filename,class,xmin,ymin,xmax,ymax\n"


@pytest.mark.parametrize(
    ("text", "options", "box"),
    [
        pytest.param(XYXY + "a.jpg,cat,10,20,30,60", {}, (10, 20, 20, 40), id="edges"),
        pytest.param(
            XYXY + "a.jpg,cat,10,20,30,60",
            {"coordinates": "pixels"},
            (9, 19, 21, 41),
            id="pixels from 1",
        ),
        pytest.param(
            XYXY + "a.jpg,cat,0.1,0.2,0.3,0.6",
            {"coordinates": "shares"},
            (0.1, 0.2, 0.2, 0.4),
            id="shares",
        ),
        pytest.param(
            "image_name;x;y;w;h;species\na;10;20;20;40;cat",
            {
                "delimiter": ";",
                "image": "image_name",
                "suffix": ".jpg",
                "label": "species",
                "box": ["x", "y", "w", "h"],
                "box_is": "corner_and_size",
            },
            (10, 20, 20, 40),
            id="corner and size",
        ),
        pytest.param(
            XYXY + "a.jpg,cat,20,40,20,40",
            {"box_is": "centre_and_size"},
            (10, 20, 20, 40),
            id="centre and size",
        ),
        pytest.param(
            ".\\a.jpg,10,20,30,60,cat",
            {"columns": ["filename", "xmin", "ymin", "xmax", "ymax", "class"]},
            (10, 20, 20, 40),
            id="no header, as RetinaNet has it",
        ),
    ],
)
def test_a_box_is_read_from_its_columns(
    text: str, options: dict[str, Any], box: tuple[float, ...], tmp_path: Path
) -> None:
    dataset = boxes_of(tmp_path, text, **options)
    assert [image.file_name for image in dataset.images] == ["a.jpg"]
    assert [a.bbox for a in dataset.annotations] == [pytest.approx(box)]
    assert dataset.images[0].relative == (options.get("coordinates") == "shares")


def test_columns_give_split_group_and_size(tmp_path: Path) -> None:
    text = "filename,class,xmin,ymin,xmax,ymax,w,h,side,patient\n"
    text += "a.jpg,cat,1,2,3,4,80,60,train,p1\nb.jpg,,,,,,40,,test,p2\n"
    options = {"width": "w", "height": "h", "split": "side", "group": "patient"}
    a, b = boxes_of(tmp_path, text, **options).images
    assert (a.width, a.height, a.split, a.group) == (80, 60, "train", "p1")
    assert (b.width, b.height, b.split, b.group) == (40, 0, "test", "p2")


def test_a_class_without_box_and_an_image_without_row_are_defects(tmp_path: Path) -> None:
    (tmp_path / "b.jpg").touch()
    (tmp_path / "annotations.csv").write_text(XYXY + "a.jpg,cat,,,,")
    dataset, defects = box_csv.read(tmp_path, box_csv.Settings())
    assert {type(defect) for defect in defects} == {ObjectWithoutBox, UnannotatedImage}
    assert [image.file_name for image in dataset.images] == ["a.jpg", "b.jpg"]


def test_malformed_rows_are_defects_of_what_they_name(tmp_path: Path) -> None:
    rows = ["a.jpg,cat,1,2,3,4,train", ",cat,1,2,3,4,train", "b.jpg,,1,2,3,4,train"]
    rows += ["a.jpg,cat,1,2,3,4,test", "c.jpg,cat,1,2,3,4,holdout", "../d.jpg,cat,1,2,3,4,val"]
    rows += ["a.jpg,cat,5,6,7,8,test", "a.jpg,dog,1,2,3,4,train"]
    (tmp_path / "annotations.csv").write_text("\n".join([XYXY.strip() + ",side", *rows]))
    dataset, defects = box_csv.read(tmp_path, box_csv.Settings(split="side"))
    found = sorted((type(defect).name, defect.where, defect.seen) for defect in defects)
    expected = [
        ("malformed_image", "a.jpg", ["csv:5", "csv:8", "split train", "test here"]),
        ("malformed_image", "c.jpg", ["csv:6", "`holdout`"]),
        ("malformed_object", "annotations.csv", ["csv:3", "`filename`"]),
        ("malformed_object", "annotations.csv", ["csv:7", "../d.jpg"]),
        ("malformed_object", "b.jpg", ["csv:4", "`class`"]),
    ]
    assert [row[:2] for row in found] == [row[:2] for row in expected]
    assert [missing_facts(f[2], *e[2]) for f, e in zip(found, expected, strict=True)] == [[]] * 5
    assert [image.file_name for image in dataset.images] == ["a.jpg", "b.jpg", "c.jpg"]
    assert str(tmp_path) not in str(found)


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        pytest.param("filename,class,xmin,ymin,xmax\n", ["`ymax`", "xmin"], id="column"),
        pytest.param(XYXY, ["names no image"], id="no row"),
        pytest.param("\xff", ["UTF-8"], id="no text"),
    ],
)
def test_a_table_that_is_none_is_refused(text: str, facts: list[str], tmp_path: Path) -> None:
    (tmp_path / "annotations.csv").write_bytes(text.encode("latin-1"))
    with refused(DataError, "annotations.csv", *facts):
        box_csv.read(tmp_path, box_csv.Settings())


OPEN_IMAGES = "ImageID,LabelName,XMin,XMax,YMin,YMax\n"


def test_rows_of_open_images_that_cannot_be_read_are_defects(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    rows = ["a,/m/1,0,1,0,1", "a,/m/2,0,1,0,1", ",/m/1,0,1,0,1", "a,,0,1,0,1", "b,,0,1,0,1"]
    (tmp_path / "boxes.csv").write_text(OPEN_IMAGES + "\n".join(rows))
    (tmp_path / "names.csv").write_text("/m/1,Cat\n")
    options = open_images.Settings(
        tables=(open_images.OpenImagesTable(boxes="boxes.csv"),), names="names.csv"
    )
    dataset, defects = open_images.read(tmp_path, options)
    assert defects == [
        UnknownClass("a.jpg", "boxes.csv:3: the table of names has no `/m/2`"),
        MalformedObject("boxes.csv", "boxes.csv:4: `ImageID` is empty"),
        MalformedObject("a.jpg", "boxes.csv:5: the column `LabelName` is empty"),
    ]
    assert len(dataset.annotations) == 1
    ids = options.model_copy(update={"names": None})
    assert open_images.read(tmp_path, ids)[0].categories == {1: "/m/1", 2: "/m/2"}


def test_open_images_without_any_of_its_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "boxes.csv").write_text(OPEN_IMAGES + "a,/m/1,0,1,0,1\n")
    options = {"tables": [{"boxes": "boxes.csv"}], "names": None}
    with refused(DataError, "boxes.csv", "folder"):
        open_images.read(tmp_path, open_images.Settings(**options))


def one_hot(folder: Path, text: str, **options: Any) -> tuple[Dataset, list[Defect]]:
    (folder / "_classes.csv").write_text(text, encoding="utf-8")
    return one_hot_csv.read(folder, one_hot_csv.Settings(**options))


def test_a_column_a_class_as_isic_has_it(tmp_path: Path) -> None:
    text = "image,MEL,NV,lesion\na,0.0,1.0,l1\nb,1.0,0.0,l2\n"
    dataset, _ = one_hot(tmp_path, text, image="image", suffix=".jpg", group="lesion")
    assert [(i.file_name, i.group) for i in dataset.images] == [("a.jpg", "l1"), ("b.jpg", "l2")]
    assert dataset.categories == {1: "MEL", 2: "NV"}
    assert [a.category_id for a in dataset.annotations] == [2, 1]


def test_rows_with_no_class_or_several_are_defects_of_their_image(tmp_path: Path) -> None:
    text = (
        "filename,cat,dog\na.jpg,1,0\nb.jpg,1,1\nc.jpg,0,0\nd.jpg,0.5,1\n,1,0\ne.jpg,1,0\ne.jpg,0,1"
    )
    dataset, defects = one_hot(tmp_path, text)
    facts = {
        "_classes.csv": ["csv:6", "`filename`"],
        "b.jpg": ["csv:3", "`cat` and `dog`"],
        "c.jpg": ["csv:4", "no class"],
        "d.jpg": ["csv:5", "'0.5'"],
        "e.jpg": ["csv:8", "second time"],
    }
    assert [defect.where for defect in defects] == list(facts)
    assert all(isinstance(defect, MalformedImage) for defect in defects)
    assert [missing_facts(d.seen, *facts[d.where]) for d in defects] == [[]] * len(facts)
    assert len(dataset.annotations) == 2  # of a.jpg and the first of e.jpg
