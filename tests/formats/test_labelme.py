"""LabelMe's JSON: shapes other than rectangles, where an image is, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.facts import missing_facts, refused

from fairtrial import DataError
from fairtrial.data.defects import (
    BoxFromSegment,
    LabelWithoutImage,
    MalformedImage,
    MalformedObject,
    ObjectWithoutBox,
)
from fairtrial.formats import labelme

SQUARE = [[10, 10], [10, 20], [20, 20], [20, 10]]


def write(folder: Path, file: str, *shapes: object, **more: Any) -> None:
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    content = {"shapes": list(shapes), "imageWidth": 80, "imageHeight": 60, **more}
    (folder / file).write_text(json.dumps(content), encoding="utf-8")


def shape(kind: str | None, points: object) -> dict[str, object]:
    content = {"label": "cat", "points": points}
    return content | ({"shape_type": kind} if kind else {})


@pytest.mark.parametrize(
    ("row", "box", "area", "drawn"),
    [
        pytest.param(shape(None, SQUARE), (10, 10, 10, 10), 100, True, id="old: no type"),
        pytest.param(
            shape("polygon", [[0, 0], [10, 0], [0, 20]]), (0, 0, 10, 20), 100, True, id="polygon"
        ),
        pytest.param(
            shape("circle", [[30, 30], [33, 34]]), (25, 25, 10, 10), 100, True, id="circle"
        ),
        pytest.param(shape("mask", [[1, 2], [5, 9]]), (1, 2, 4, 7), 28, True, id="mask"),
        pytest.param(
            shape("rectangle", SQUARE), (10, 10, 10, 10), 100, False, id="rectangle of four points"
        ),
    ],
)
def test_a_shape_becomes_the_box_around_it(
    row: dict[str, object], box: tuple[float, ...], area: float, drawn: bool, tmp_path: Path
) -> None:
    write(tmp_path, "a.json", row, imagePath="a.jpg")
    (tmp_path / "a.jpg").touch()
    dataset, defects = labelme.read(tmp_path, labelme.Settings())
    (found,) = dataset.annotations
    assert found.bbox == pytest.approx(box)
    assert found.area == pytest.approx(area)
    assert [type(defect) for defect in defects] == ([BoxFromSegment] if drawn else [])


@pytest.mark.parametrize("kind", labelme.WITHOUT_BOX)
def test_points_and_lines_have_no_box(kind: str, tmp_path: Path) -> None:
    write(tmp_path, "a.json", shape(kind, [[1, 2]]), imagePath="a.jpg")
    (tmp_path / "a.jpg").touch()
    dataset, defects = labelme.read(tmp_path, labelme.Settings())
    assert dataset.annotations == []
    assert [type(defect) for defect in defects] == [ObjectWithoutBox]


@pytest.mark.parametrize(
    ("file", "named", "there", "options"),
    [
        pytest.param("a.json", "a.jpg", "a.jpg", {}, id="beside"),
        pytest.param("a.json", "C:\\lab\\a.jpg", "a.jpg", {}, id="path of another machine"),
        pytest.param("p/json/a.json", "..\\img\\b.jpg", "p/img/b.jpg", {}, id="as it says"),
        pytest.param("a.json", "renamed.jpg", "a.png", {}, id="of its own name"),
        pytest.param(
            "json/p/a.json",
            "a.jpg",
            "img/p/a.jpg",
            {"annotations": "json", "images": "img"},
            id="two trees",
        ),
    ],
)
def test_the_image_of_a_file_is_found(
    file: str, named: str, there: str, options: dict[str, str], tmp_path: Path
) -> None:
    write(tmp_path, file, shape("rectangle", [[1, 2], [3, 5]]), imagePath=named)
    (tmp_path / there).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / there).touch()
    dataset, defects = labelme.read(tmp_path, labelme.Settings(**options))
    assert [(i.file_name, i.width, i.height) for i in dataset.images] == [(there, 80, 60)]
    assert defects == []


def test_splits_by_the_folders_of_images(tmp_path: Path) -> None:
    for place in ("a/x", "b/y"):
        write(tmp_path, f"{place}.json", shape("rectangle", [[1, 2], [3, 5]]), imagePath="")
        (tmp_path / f"{place}.jpg").touch()
    splits = {"train": "a", "val": "b"}
    dataset, _ = labelme.read(tmp_path, labelme.Settings(splits=splits))
    assert [image.split for image in dataset.images] == ["train", "val"]
    with refused(DataError, "splits", "b/y.jpg", "no split"):
        labelme.read(tmp_path, labelme.Settings(splits={"train": "a"}))
    with refused(DataError, "splits", "no image in c"):
        labelme.read(tmp_path, labelme.Settings(splits=splits | {"test": "c"}))


def test_an_image_inside_its_file_is_named_as_such(tmp_path: Path) -> None:
    write(tmp_path, "a.json", imagePath="a.jpg", imageData="aGVsbG8=")
    write(tmp_path, "b.json", imagePath="b.jpg")
    (tmp_path / "b.jpg").touch()
    (defect,) = labelme.read(tmp_path, labelme.Settings())[1]
    assert isinstance(defect, LabelWithoutImage)
    assert defect.where == "a.json" and "itself" in defect.seen


def test_files_and_shapes_that_cannot_be_read_are_defects(tmp_path: Path) -> None:
    write(tmp_path, "a.json", shape("rectangle", [[1, 2]]), {"points": SQUARE}, imagePath="a.jpg")
    (tmp_path / "a.jpg").touch()
    (tmp_path / "b.json").write_text("[1, 2]")
    (tmp_path / "c.json").write_text("{")
    write(tmp_path, "d.json", shape("polygon", [[1, "x"], 3]), imagePath="a.jpg")
    (tmp_path / "c.jpg").touch()  # the image of a file that is no JSON
    dataset, defects = labelme.read(tmp_path, labelme.Settings())
    found = sorted((type(defect).name, defect.where, defect.seen) for defect in defects)
    expected = [
        (MalformedImage, "a.jpg", ["d.json", "second time"]),
        (MalformedImage, "b.json", ["`shapes`"]),
        (MalformedImage, "c.jpg", ["c.json", "JSON"]),
        (MalformedObject, "a.jpg", ["a.json: shape 1", "rectangle"]),
        (MalformedObject, "a.jpg", ["a.json: shape 2", "label"]),
        (MalformedObject, "a.jpg", ["d.json: shape 1", "`points`"]),
    ]
    assert [row[:2] for row in found] == [(kind.name, where) for kind, where, _ in expected]
    pairs = zip(found, expected, strict=True)
    assert [missing_facts(row[2], *facts) for row, (_, _, facts) in pairs] == [[]] * 6
    assert str(tmp_path) not in str(found)
    assert [image.file_name for image in dataset.images] == ["a.jpg", "c.jpg"]


def test_two_images_of_one_name_are_not_guessed(tmp_path: Path) -> None:
    write(tmp_path, "a.json", imagePath="other.jpg")
    (tmp_path / "a.jpg").touch()
    (tmp_path / "a.png").touch()
    first, second = labelme.read(tmp_path, labelme.Settings())[1]
    assert [type(first), type(second)] == [MalformedImage] * 2
    assert [first.where, second.where] == ["a.jpg", "a.png"]
    assert missing_facts(first.seen, "a.json", "a.jpg, a.png") == []
