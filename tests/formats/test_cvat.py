"""CVAT's XML: shapes other than boxes, exports of projects, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image as images
from tests.facts import missing_facts, refused

from fairtrial import DataError
from fairtrial.data.dataset import Dataset
from fairtrial.data.defects import (
    BoxFromSegment,
    Defect,
    MalformedImage,
    MalformedObject,
    MissingImage,
    ObjectWithoutBox,
)
from fairtrial.formats import cvat


def read(
    folder: Path, body: str, meta: str = "", options: cvat.Settings | None = None
) -> tuple[Dataset, list[Defect]]:
    (folder / "annotations.xml").write_text(
        f"<annotations><meta>{meta}</meta>{body}</annotations>", encoding="utf-8"
    )
    return cvat.read(folder, options or cvat.Settings())


def image(shapes: str, more: str = 'name="a.png" width="80" height="60"') -> str:
    return f'<image id="7" {more}>{shapes}</image>'


@pytest.mark.parametrize(
    ("shape", "box", "area"),
    [
        pytest.param(
            '<polygon label="cat" points="10,10;30,10;10,50"/>',
            (10, 10, 20, 40),
            400,
            id="polygon",
        ),
        pytest.param(
            '<box label="cat" xtl="10" ytl="20" xbr="30" ybr="30" rotation="90"/>',
            (15, 15, 10, 20),
            200,
            id="box turned by a quarter",
        ),
        pytest.param(
            '<box label="cat" xtl="10" ytl="10" xbr="20" ybr="20" rotation="315.0"/>',
            (15 - 50**0.5, 15 - 50**0.5, 200**0.5, 200**0.5),
            100,
            id="square turned by 45 degrees",
        ),
        pytest.param(
            '<ellipse label="cat" cx="30" cy="30" rx="10" ry="5" rotation="90"/>',
            (25, 20, 10, 20),
            200,
            id="ellipse on its end",
        ),
        pytest.param(
            '<mask label="cat" rle="1,2,3" left="4" top="5" width="6" height="7"/>',
            (4, 5, 6, 7),
            42,
            id="mask",
        ),
    ],
)
def test_a_shape_becomes_the_box_around_it(
    shape: str, box: tuple[float, ...], area: float, tmp_path: Path
) -> None:
    dataset, defects = read(tmp_path, image(shape))
    (found,) = dataset.annotations
    assert found.bbox == pytest.approx(box)
    assert found.area == pytest.approx(area)
    assert defects == [BoxFromSegment("images/a.png", defects[0].seen)]
    assert "image 7" in defects[0].seen


@pytest.mark.parametrize("shape", ["polyline", "points", "cuboid", "skeleton", "tag"])
def test_what_has_no_box_beside_boxes_is_a_defect(shape: str, tmp_path: Path) -> None:
    box = '<box label="cat" xtl="1" ytl="2" xbr="3" ybr="5"/>'
    dataset, defects = read(tmp_path, image(f'{box}<{shape} label="cat"/>'))
    assert [a.bbox for a in dataset.annotations] == [(1, 2, 2, 3)]
    assert [type(defect) for defect in defects] == [ObjectWithoutBox]


def test_tags_alone_are_classes_of_whole_images(tmp_path: Path) -> None:
    dataset, defects = read(tmp_path, image('<tag label="cat" source="manual"/>'))
    assert dataset.task == "classify"
    assert [dataset.categories[a.category_id] for a in dataset.annotations] == ["cat"]
    assert defects == []


def test_declared_labels_are_classes_even_without_an_object(tmp_path: Path) -> None:
    """And the parts of a skeleton, which have a parent, are none."""
    names = "<name>owl</name>", "<name>cat</name>", "<name>1</name><parent>cat</parent>"
    labels = "".join(f"<label>{name}</label>" for name in names)
    meta = f"<project><labels>{labels}</labels></project>"
    dataset, _ = read(tmp_path, image('<tag label="cat"/>'), meta)
    assert dataset.categories == {1: "cat", 2: "owl"}


def test_images_of_a_project_lie_in_a_folder_a_subset(tmp_path: Path) -> None:
    (tmp_path / "images/Train").mkdir(parents=True)
    images.new("RGB", (80, 60)).save(tmp_path / "images/Train/a.png")
    row = image("", 'name="a.png" subset="Train" width="80" height="60"')
    dataset, defects = read(tmp_path, row, options=cvat.Settings(subsets="given"))
    assert [(i.file_name, i.split) for i in dataset.images] == [("images/Train/a.png", "train")]
    assert not [defect for defect in defects if isinstance(defect, MissingImage)]


@pytest.mark.parametrize(
    ("body", "facts"),
    [
        pytest.param("", ["annotations.xml", "<image>"], id="no image"),
        pytest.param('<track id="0"/>', ["track", "CVAT for images"], id="a video"),
        pytest.param("<image", ["annotations.xml", "XML"], id="no XML"),
    ],
)
def test_what_cannot_be_read_is_named(body: str, facts: list[str], tmp_path: Path) -> None:
    with refused(DataError, *facts):
        read(tmp_path, body)


def test_images_and_shapes_that_cannot_be_read_are_defects(tmp_path: Path) -> None:
    shapes = '<box label="" xtl="1"/><polygon label="cat" points="1,2;3,4"/>'
    body = '<image id="3"/>' + image("", 'name="../a.png"') + image(shapes, 'name="b.png"')
    dataset, defects = read(tmp_path, body)
    expected = [
        (MalformedImage, "annotations.xml", ["image 3", "name"]),
        (MalformedImage, "annotations.xml", ["image 7", "../a.png"]),
        (MalformedObject, "images/b.png", ["image 7", "box 1", "label"]),
        (MalformedObject, "images/b.png", ["image 7", "polygon 2", "`points`"]),
    ]
    assert [(type(defect), defect.where) for defect in defects] == [row[:2] for row in expected]
    pairs = zip(defects, expected, strict=True)
    assert [missing_facts(defect.seen, *facts) for defect, (_, _, facts) in pairs] == [[]] * 4
    assert [i.file_name for i in dataset.images] == ["images/b.png"]


def test_an_image_of_no_split_or_no_group_or_named_twice_is_wrong(tmp_path: Path) -> None:
    rows = image("", 'name="a.png" subset="batch 3"') + image("", 'name="b.png" subset="test"')
    options = cvat.Settings(subsets="given", group="(b)")
    dataset, defects = read(tmp_path, rows * 2, options=options)
    assert [(type(defect), defect.where) for defect in defects] == [
        (MalformedImage, "images/a.png"),
        (MalformedImage, "images/b.png"),
    ]
    assert missing_facts(defects[0].seen, "image 7", "'batch 3'", "`group`") == []
    assert missing_facts(defects[1].seen, "image 7", "second time") == []
    assert len(dataset.images) == 2
