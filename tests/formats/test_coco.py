import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pycocotools.mask
import pytest
from tests.facts import missing_facts, refused

from fairtrial import DataError
from fairtrial.data.dataset import Dataset
from fairtrial.data.defects import (
    BoxFromSegment,
    Defect,
    MalformedImage,
    MalformedObject,
    ObjectWithoutBox,
    OrphanObject,
    UnknownClass,
)
from fairtrial.formats import coco


def content() -> dict[str, Any]:
    return {
        "categories": [{"id": 90, "name": "owl"}, {"id": 3, "name": "cat"}],
        "images": [
            {"id": 7, "file_name": "x.png", "width": 80, "height": 60, "patient": 12},
            {"id": 9, "file_name": "deep/y.png", "patient": "b"},
        ],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 90, "bbox": [1, 2, 3, 4], "area": 5.5},
            {"id": 2, "image_id": 9, "category_id": 3, "bbox": [1, 2, 3, 4], "iscrowd": 1},
        ],
    }


def read(raw: Path, data: object, **options: object) -> Dataset:
    (raw / "annotations.json").write_text(json.dumps(data))
    dataset, defects = coco.read(raw, coco.Settings.model_validate(options))
    assert defects == []
    return dataset


def test_ids_with_gaps_keep_their_names_and_order(tmp_path: Path) -> None:
    dataset = read(tmp_path, content())
    assert dataset.categories == {90: "owl", 3: "cat"}
    canonical = dataset.canonical()
    assert canonical.categories == {1: "cat", 2: "owl"}
    assert [(a.image_id, a.category_id) for a in canonical.annotations] == [(1, 1), (2, 2)]


def test_crowds_and_areas_are_kept(tmp_path: Path) -> None:
    first, second = read(tmp_path, content()).annotations
    assert (first.iscrowd, first.area) == (False, 5.5)
    assert (second.iscrowd, second.area) == (True, 12)


def test_a_size_that_is_not_stated_is_zero(tmp_path: Path) -> None:
    sizes = [(image.width, image.height) for image in read(tmp_path, content()).images]
    assert sizes == [(80, 60), (0, 0)]


def test_groups_by_the_key_that_names_them(tmp_path: Path) -> None:
    assert [image.group for image in read(tmp_path, content()).images] == [None, None]
    images = read(tmp_path, content(), group="patient").images
    assert [image.group for image in images] == ["12", "b"]


def spoilt(path: str, value: object) -> dict[str, Any]:
    """The content with one place set to another value, or removed if that is `...`."""
    data = content()
    *steps, last = path.split(".")
    at: Any = data
    for step in steps:
        at = at[int(step) if isinstance(at, list) else step]
    if value is ...:
        del at[last]
    else:
        at[int(last) if isinstance(at, list) else last] = value
    return data


@pytest.mark.parametrize(
    ("path", "value", "facts"),
    [
        pytest.param("categories", ..., ["no `categories`"], id="no categories"),
        pytest.param("images.1.id", 7, ["two images", "id 7"], id="two images with one id"),
        pytest.param(
            *("images.1.file_name", "../../x.png", ["file_name", "../../x.png"]),
            id="a file outside the folder",
        ),
        pytest.param(
            *("images.1.patient", ..., ["deep/y.png", "'patient'", "options: group"]),
            id="no group",
        ),
        pytest.param(
            "categories.0.name", "cat", ["category ids", "same name"], id="two ids of one name"
        ),
        pytest.param(
            *("categories.0.id", 3, ["category 3", "'cat'", "'owl'"]), id="two names of one id"
        ),
    ],
)
def test_what_is_refused(tmp_path: Path, path: str, value: object, facts: list[str]) -> None:
    with refused(DataError, "annotations.json", *facts):
        read(tmp_path, spoilt(path, value), group="patient")


FILE, IMAGE = "annotations.json", "images/x.png"


@pytest.mark.parametrize(
    ("path", "value", "kind", "where", "facts"),
    [
        pytest.param(
            *("images.1", 1, MalformedImage, FILE, ["row 2", "not an image", "1"]), id="a number"
        ),
        pytest.param(
            *("images.1.file_name", ..., MalformedImage, FILE, ["row 2", "no `file_name`"]),
            id="an image without file name",
        ),
        pytest.param(
            *("images.1.width", "wide", MalformedImage, FILE, ["row 2", "width", "'wide'"]),
            id="a width that is no number",
        ),
        pytest.param(
            *("annotations.0.image_id", 1, OrphanObject, FILE, ["annotation 1", "the id 1"]),
            id="an annotation of no image",
        ),
        pytest.param(
            *(
                "annotations.0.bbox",
                [1, 2, 3],
                MalformedObject,
                IMAGE,
                ["annotation 1", "3 val"],
            ),
            id="a box of three numbers",
        ),
        pytest.param(
            *("annotations.0.bbox", [1, 2, 3, 4, 5], MalformedObject, IMAGE, ["5 values"]),
            id="a box of five numbers",
        ),
        pytest.param(
            *("annotations.0.bbox", {"x": 1}, MalformedObject, IMAGE, ["{'x': 1}"]),
            id="a box as mapping",
        ),
        pytest.param(
            *("annotations.0.bbox", "1 2 3 4", MalformedObject, IMAGE, ["'1 2 3 4'"]),
            id="a box as text",
        ),
        pytest.param(
            *("annotations.0.bbox", [1, 2, 3, "four"], MalformedObject, IMAGE, ["'four'"]),
            id="a word in a box",
        ),
        pytest.param(
            *("annotations.0.iscrowd", "maybe", MalformedObject, IMAGE, ["iscrowd", "'maybe'"]),
            id="a flag that is none",
        ),
        pytest.param(
            *("annotations.0", [7], MalformedObject, FILE, ["row 1", "[7]"]),
            id="a list as annotation",
        ),
        pytest.param(
            *("annotations.0.category_id", "owl", MalformedObject, IMAGE, ["category_id", "'owl'"]),
            id="a word as class",
        ),
    ],
)
def test_rows_that_cannot_be_read_are_defects_and_the_others_are_read(
    tmp_path: Path,
    path: str,
    value: object,
    kind: type[Defect],
    where: str,
    facts: list[str],
) -> None:
    (tmp_path / "annotations.json").write_text(json.dumps(spoilt(path, value)))
    dataset, defects = coco.read(tmp_path, coco.Settings())
    defect = defects[0]
    assert (type(defect), defect.where) == (kind, where)
    assert missing_facts(defect.seen, *facts) == []
    assert len(dataset.annotations) == 1


@pytest.mark.parametrize(
    ("segmentation", "fact"),
    [
        pytest.param([1, 2, 3, 4, 5, 6], "flat list", id="a flat polygon"),
        pytest.param([[]], "three corners", id="an empty polygon"),
        pytest.param({"size": [60, 80], "counts": {}}, "run lengths", id="no run lengths"),
        pytest.param({"counts": [1, 2]}, "run lengths", id="run lengths without size"),
        pytest.param({"size": [6, 8], "counts": [0, 900]}, "longer", id="run lengths too long"),
    ],
)
def test_a_segment_that_cannot_be_read_is_a_defect(
    tmp_path: Path, segmentation: object, fact: str
) -> None:
    data = spoilt("annotations.0.bbox", ...)
    data["annotations"][0]["segmentation"] = segmentation
    (tmp_path / "annotations.json").write_text(json.dumps(data))
    _, (defect,) = coco.read(tmp_path, coco.Settings())
    assert (type(defect), defect.where) == (MalformedObject, IMAGE)
    assert missing_facts(defect.seen, "annotation 1", "segmentation", fact) == []


@pytest.mark.parametrize(
    ("flag", "crowd"),
    [("0", False), ("false", False), (0.0, False), (None, False), ("1", True), (True, True)],
    ids=repr,
)
def test_a_crowd_is_what_its_flag_says(tmp_path: Path, flag: object, crowd: bool) -> None:
    first, _ = read(tmp_path, spoilt("annotations.0.iscrowd", flag)).annotations
    assert first.iscrowd is crowd


def test_ids_as_texts_or_floats_are_the_same_ids(tmp_path: Path) -> None:
    data = content()
    expected = read(tmp_path, data)
    for row in data["annotations"]:
        row |= {"image_id": str(row["image_id"]), "category_id": float(row["category_id"])}
    data["categories"][0]["id"] = "90"
    assert read(tmp_path, data) == expected


@pytest.mark.parametrize(
    ("value", "group"),
    [(12.0, "12"), (" 12 ", "12"), ("12.0", "12"), ("", None), (float("nan"), None)],
    ids=repr,
)
def test_one_group_has_one_name(tmp_path: Path, value: object, group: str | None) -> None:
    data = spoilt("images.0.patient", value)
    assert read(tmp_path, data, group="patient").images[0].group == group


def test_a_coordinate_that_is_null_is_not_a_number(tmp_path: Path) -> None:
    dataset = read(tmp_path, spoilt("annotations.0.bbox", [1, None, 3, 4]))
    assert dataset.annotations[0].bbox is not None
    assert str(dataset.annotations[0].bbox[1]) == "nan"


POLYGONS = [[10, 10, 30, 10, 30, 25], [40, 20, 50, 20, 50, 45]]


@pytest.mark.parametrize(
    ("segmentation", "box"),
    [
        pytest.param(POLYGONS, (10, 10, 40, 35), id="two polygons"),
        pytest.param(
            *({"size": [60, 80], "counts": [601, 2, 58, 2, 4137]}, (10, 1, 2, 2)),
            id="run lengths",
        ),
        pytest.param(None, None, id="no segment"),
        pytest.param([], None, id="an empty segment"),
    ],
)
def test_a_box_that_lacks_comes_from_the_segment(
    tmp_path: Path, segmentation: object, box: tuple[float, ...] | None
) -> None:
    data = spoilt("annotations.0.bbox", ...)
    data["annotations"][0]["segmentation"] = segmentation
    (tmp_path / "annotations.json").write_text(json.dumps(data))
    dataset, defects = coco.read(tmp_path, coco.Settings())
    kind = BoxFromSegment if box else ObjectWithoutBox
    assert defects == [kind("images/x.png", "annotation 1")]
    assert [a.bbox for a in dataset.annotations] == ([box] if box else []) + [(1, 2, 3, 4)]


def test_compressed_run_lengths_give_the_same_box(tmp_path: Path) -> None:
    mask = np.zeros((60, 80), np.uint8, order="F")
    mask[20:30, 5:50] = 1
    coded = pycocotools.mask.encode(mask)
    data = spoilt("annotations.0.bbox", [])
    data["annotations"][0]["segmentation"] = coded | {"counts": coded["counts"].decode()}
    (tmp_path / "annotations.json").write_text(json.dumps(data))
    dataset, _ = coco.read(tmp_path, coco.Settings())
    assert dataset.annotations[0].bbox == (5, 20, 45, 10)


def test_an_unknown_class_is_named(tmp_path: Path) -> None:
    data = spoilt("annotations.0.category_id", 1)
    (tmp_path / "annotations.json").write_text(json.dumps(data))
    dataset, defects = coco.read(tmp_path, coco.Settings())
    case = "annotation 1: there is no category with the id 1"
    assert defects == [UnknownClass("images/x.png", case)]
    assert len(dataset.annotations) == 1


def test_the_parts_may_come_in_any_order(tmp_path: Path) -> None:
    expected = read(tmp_path, content())
    for order in itertools.permutations(content()):
        assert read(tmp_path, {key: content()[key] for key in order}) == expected


@pytest.mark.data
def test_tiny_coco_has_80_images_a_split_and_80_classes(real_data: Path) -> None:
    files = [
        {"annotations": f"annotations/instances_{s}2017.json", "images": f"{s}2017", "split": s}
        for s in ("train", "val")
    ]
    raw = real_data / "coco2017_tiny_json"
    dataset, _ = coco.read(raw, coco.Settings.model_validate({"files": files}))
    splits = [image.split for image in dataset.images]
    assert (splits.count("train"), splits.count("val")) == (80, 80)
    assert len(dataset.categories) == 80
    assert max(dataset.categories) == 90
    assert any(a.iscrowd for a in dataset.annotations)
    contents = [json.loads((raw / file["annotations"]).read_text()) for file in files]
    assert len(dataset.annotations) == sum(len(content["annotations"]) for content in contents)


def test_a_parent_category_as_roboflow_writes_it_is_kept_or_dropped(tmp_path: Path) -> None:
    """One that has objects itself, or that is its own parent, is a class like any other."""
    data = content()
    data["categories"] = [
        {"id": 0, "name": "animals", "supercategory": "none"},
        {"id": 3, "name": "cat", "supercategory": "animals"},
        {"id": 4, "name": "dog", "supercategory": "dog"},
        {"id": 90, "name": "owl", "supercategory": "animals"},
        {"id": 91, "name": "barn owl", "supercategory": "owl"},
    ]
    assert len(read(tmp_path, data).categories) == 5
    kept = read(tmp_path, data, parents="drop").categories
    assert kept == {3: "cat", 4: "dog", 90: "owl", 91: "barn owl"}
