"""Rows, elements and files that cannot be read, through `convert`: refused at once, or left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from raw_source import convert_folder
from tests.facts import refused

from fairtrial import DataError

BOXES = "filename,class,xmin,ymin,xmax,ymax\n"
SHAPE = {"label": "cat", "shape_type": "rectangle", "points": [[10, 10], [40, 30]]}
CVAT_BOX = '<box label="{}" xtl="10" ytl="10" xbr="40" ybr="30"/>'


def labelme(*shapes: object, of: str) -> str:
    return json.dumps({"shapes": shapes, "imagePath": of})


def cvat(*images: str) -> str:
    rows = (f'<image id="{at}" {image}</image>' for at, image in enumerate(images))
    return f"<annotations>{''.join(rows)}</annotations>"


def voc(difficult: str) -> str:
    box = "<xmin>10</xmin><ymin>10</ymin><xmax>40</xmax><ymax>30</ymax>"
    row = f"<name>cat</name><difficult>{difficult}</difficult><bndbox>{box}</bndbox>"
    return f"<annotation><object>{row}</object></annotation>"


# Of each format: its files, in which bad.png has an object that cannot be read, good.png one that
# can, and where that is.
OBJECTS = {
    "box_csv": (
        {"annotations.csv": BOXES + "good.png,cat,10,10,40,30\nbad.png,,10,10,40,30"},
        "annotations.csv:3",
    ),
    "cvat": (
        {
            "annotations.xml": cvat(
                f'name="good.png">{CVAT_BOX.format("cat")}',
                f'name="bad.png">{CVAT_BOX.format("")}',
            )
        },
        "image 1, box 1",
    ),
    "labelme": (
        {
            "good.json": labelme(SHAPE, of="good.png"),
            "bad.json": labelme(SHAPE | {"points": [1]}, of="bad.png"),
        },
        "bad.json: shape 1",
    ),
    "open_images": (
        {
            "boxes.csv": "ImageID,LabelName,XMin,XMax,YMin,YMax\n"
            "good,cat,0.1,0.4,0.1,0.3\nbad,,0.1,0.4,0.1,0.3"
        },
        "boxes.csv:3",
    ),
    "voc": ({"good.xml": voc("0"), "bad.xml": voc("perhaps")}, "bad.xml: object 1"),
}
# Likewise, but it is bad.png itself that cannot be used.
IMAGES = {
    "box_csv": (
        {
            "annotations.csv": BOXES.replace("\n", ",side\n") + "good.png,cat,10,10,40,30,train\n"
            "bad.png,cat,10,10,40,30,train\nbad.png,cat,20,20,40,30,test"
        },
        "annotations.csv:4",
    ),
    "class_csv": ({"labels.csv": "file,label\ngood.png,cat\nbad.png,"}, "labels.csv:3"),
    "one_hot_csv": (
        {"_classes.csv": "filename,cat,dog\ngood.png,1,0\nbad.png,1,1"},
        "_classes.csv:3",
    ),
    "cvat": (
        {
            "annotations.xml": cvat(
                f'name="good.png" subset="train">{CVAT_BOX.format("cat")}',
                f'name="bad.png" subset="other">{CVAT_BOX.format("cat")}',
            )
        },
        "image 1",
    ),
    "labelme": ({"good.json": labelme(SHAPE, of="good.png"), "bad.json": "{"}, "bad.json"),
    "voc": ({"good.xml": voc("0"), "bad.xml": "<annotation>"}, "bad.xml"),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "box_csv": {},
    "class_csv": {},
    "one_hot_csv": {},
    "cvat": {"images": "."},
    "labelme": {},
    "open_images": {"tables": [{"boxes": "boxes.csv"}], "names": None},
    "voc": {"annotations": ".", "images": ".", "difficult": "crowd"},
}


def put(raw: Path, files: dict[str, str]) -> Path:
    raw.mkdir()
    for number, name in enumerate(("good.png", "bad.png")):
        blots = np.random.default_rng(number).integers(0, 256, (60, 80, 3), np.uint8)
        Image.fromarray(blots).save(raw / name)
    for file, text in files.items():
        (raw / file).write_text(text, encoding="utf-8")
    return raw


@pytest.mark.parametrize("name", OBJECTS)
def test_an_object_that_cannot_be_read_is_refused_or_left_out_with_its_image(
    tmp_path: Path, name: str
) -> None:
    """For an image that has lost its only object is no negative."""
    files, where = OBJECTS[name]
    settings = {"format": name, "options": OPTIONS[name], "max_dropped": 0.5}
    raw = put(tmp_path / "raw", files)
    with refused(DataError, "malformed_object, 1 times", "bad.png", where, "`drop_box`"):
        convert_folder(raw, tmp_path / "clean", **settings)
    actions = {"malformed_object": "drop_box"}
    dataset, quality = convert_folder(raw, tmp_path / "clean", **settings, defects=actions)
    assert [image.file_name for image in dataset.images] == ["good.png"]
    assert (quality["read"], quality["images"], quality["negatives"]) == (2, 1, 0)
    assert set(quality["defects"]) >= {"malformed_object", "lost_boxes"}


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_that_cannot_be_used_is_refused_or_left_out(tmp_path: Path, name: str) -> None:
    files, where = IMAGES[name]
    more = {"box_csv": {"split": "side"}, "cvat": {"subsets": "given"}}.get(name, {})
    settings = {"format": name, "options": OPTIONS[name] | more}
    raw = put(tmp_path / "raw", files)
    with refused(DataError, "malformed_image, 1 times", "bad.png", where, "`drop_image`"):
        convert_folder(raw, tmp_path / "clean", **settings)
    # kept where nothing is annotated: it must not come back as an image without objects
    settings["defects"] = {"malformed_image": "drop_image", "unannotated_image": "keep"}
    with refused(DataError, "1 of 2 images", "max_dropped"):
        convert_folder(raw, tmp_path / "clean", **settings, max_dropped=0.4)
    dataset, quality = convert_folder(raw, tmp_path / "clean", **settings, max_dropped=0.5)
    assert [image.file_name for image in dataset.images] == ["good.png"]
    assert (quality["read"], quality["images"]) == (2, 1)
