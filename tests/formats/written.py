"""The same small set of images, written in each format of boxes, and what each can express.

A new format needs a `Writer` here; the tests of every format ask it what to expect.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fairtrial.data.defects import (
    BoxOutside,
    BoxOverEdge,
    BoxWithoutArea,
    Defect,
    InvertedBox,
    NoLabelFile,
    UnannotatedImage,
)

Box = tuple[float, float, float, float]


@dataclass
class Scene:
    """Images of 80×60 and 40×100 pixels, and objects as (image, class, box).

    crowds: which of the objects are crowd regions, by their place in the list.
    """

    images: dict[str, tuple[int, int]] = field(
        default_factory=lambda: {"a": (80, 60), "b": (40, 100), "c": (80, 60)}
    )
    splits: dict[str, str] = field(default_factory=lambda: {"a": "train", "b": "val", "c": "train"})
    classes: tuple[str, ...] = ("cat", "dog", "owl")
    objects: list[tuple[str, str, Box]] = field(
        default_factory=lambda: [
            ("a", "owl", (8.0, 6.0, 16.0, 12.0)),
            ("a", "cat", (0.0, 0.0, 80.0, 60.0)),
            ("a", "cat", (40.0, 30.0, 20.0, 15.0)),
            ("b", "dog", (10.0, 25.0, 5.0, 50.0)),
        ]
    )

    crowds: frozenset[int] = frozenset()

    def on(self, name: str) -> list[tuple[str, Box, bool]]:
        """Class and box of each object on an image, and whether it is a crowd region."""
        rows = enumerate(self.objects)
        return [(kind, box, at in self.crowds) for at, (image, kind, box) in rows if image == name]

    def draw(self, name: str, path: Path) -> None:
        width, height = self.images[name]
        rng = np.random.default_rng(ord(name[0]))
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8)).save(path)


# A box of each kind of defect, on an image of 80×60 pixels.
BROKEN: dict[type[Defect], Box] = {
    BoxWithoutArea: (10.0, 10.0, 0.0, 5.0),
    InvertedBox: (10.0, 10.0, -4.0, 5.0),
    BoxOverEdge: (-10.0, 50.0, 40.0, 40.0),
    BoxOutside: (500.0, 500.0, 4.0, 4.0),
}


@dataclass(frozen=True)
class Writer:
    """How a scene is written in one format, and what that format can express.

    `write` fills a folder and returns the options that read it. `splits`: whether the format says
    in which split an image is. `broken`: the kinds of broken boxes that can be written in it and
    are defects there (where any two corners make a box, none is inverted). `reports`: the defects
    that reading a good scene gives all the same. `crowds`: whether it has crowd regions.
    """

    write: Callable[[Scene, Path], dict[str, Any]]
    splits: bool = True
    broken: frozenset[type[Defect]] = frozenset(BROKEN)
    reports: frozenset[type[Defect]] = frozenset()
    crowds: bool = False


def write_voc(scene: Scene, folder: Path) -> dict[str, Any]:
    (folder / "Annotations").mkdir(parents=True)
    (folder / "ImageSets" / "Main").mkdir(parents=True)
    for name, (width, height) in scene.images.items():
        scene.draw(name, folder / "JPEGImages" / f"{name}.png")
        objects = "".join(
            # children in another order than usual, and a part with a box of its own
            f"<object><bndbox><ymax>{y + h}</ymax><xmax>{x + w}</xmax><ymin>{y + 1}</ymin>"
            f"<xmin>{x + 1}</xmin></bndbox><part><name>ear</name><bndbox><xmin>1</xmin>"
            f"</bndbox></part><name>{kind}</name><difficult>{crowd:d}</difficult></object>"
            for kind, (x, y, w, h), crowd in scene.on(name)
        )
        size = f"<size><height>{height}</height><width>{width}</width></size>"
        text = f"<annotation>{objects}{size}<filename>{name}.png</filename></annotation>"
        (folder / "Annotations" / f"{name}.xml").write_text(text)
    for split in ("train", "val"):
        stems = [name for name, on in scene.splits.items() if on == split]
        (folder / "ImageSets" / "Main" / f"{split}.txt").write_text("\r\n".join([*stems, ""]))
    return {"image_sets": "ImageSets/Main", "classes": scene.classes, "difficult": "crowd"}


def write_coco(scene: Scene, folder: Path) -> dict[str, Any]:
    ids = {kind: 7 * number + 3 for number, kind in enumerate(scene.classes)}  # 3, 10, 17
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for split in ("train", "val"):
        names = [name for name, on in scene.splits.items() if on == split]
        for name in names:
            scene.draw(name, folder / f"{split}2017" / f"{name}.png")
        content = {
            "categories": [{"id": number, "name": kind} for kind, number in ids.items()],
            "images": [
                {
                    "id": 500 - number,
                    "file_name": f"{name}.png",
                    "width": scene.images[name][0],
                    "height": scene.images[name][1],
                }
                for number, name in enumerate(names)
            ],
            "annotations": [
                {
                    "id": number,
                    "image_id": 500 - names.index(image),
                    "category_id": ids[kind],
                    "bbox": box,
                    "area": box[2] * box[3],
                    "iscrowd": int(number in scene.crowds),
                }
                for number, (image, kind, box) in enumerate(scene.objects)
                if image in names
            ],
        }
        (folder / f"{split}.json").write_text(json.dumps(content))
        files.append({"annotations": f"{split}.json", "images": f"{split}2017", "split": split})
    return {"files": files}


def write_yolo(scene: Scene, folder: Path) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    for name, (width, height) in scene.images.items():
        split = scene.splits[name]
        scene.draw(name, folder / "images" / split / f"{name}.png")
        lines = [
            f"{scene.classes.index(kind)} {(x + w / 2) / width} {(y + h / 2) / height} "
            f"{w / width} {h / height}\n"
            for image, kind, (x, y, w, h) in scene.objects
            if image == name
        ]
        if lines:  # an image without objects has no text file
            label = folder / "labels" / split / f"{name}.txt"
            label.parent.mkdir(parents=True, exist_ok=True)
            label.write_text("".join(lines))
    names = json.dumps(list(scene.classes))
    (folder / "data.yaml").write_text(f"train: images/train\nval: images/val\nnames: {names}\n")
    return {}


def write_cadica(scene: Scene, folder: Path) -> dict[str, Any]:
    """Each image is the one frame of a video of its own; b has no lesion unless a box is on it."""
    patient = folder / "selectedVideos" / "p1"
    videos: dict[bool, list[str]] = {True: [], False: []}
    for name in scene.images:
        video = patient / f"v{name}"
        scene.draw(name, video / "input" / f"{name}.png")
        boxes = [
            f"{x} {y} {w} {h} {kind}"
            for image, kind, (x, y, w, h) in scene.objects
            if image == name
        ]
        videos[bool(boxes)].append(video.name)
        (video / f"p1_{video.name}_selectedFrames.txt").write_bytes(f"{name}\r\n".encode())
        if boxes:
            (video / "groundtruth").mkdir()
            (video / "groundtruth" / f"{name}.txt").write_text("\r\n".join(boxes))
    (patient / "lesionVideos.txt").write_text("\r\n".join(videos[True]))
    (patient / "nonlesionVideos.txt").write_text("\n".join([*videos[False], ""]))
    return {"classes": scene.classes}


def write_contributors(scene: Scene, folder: Path) -> dict[str, Any]:
    """An image a contributor, in three formats, with names that need care."""
    writers = {"Ana García": "voc", "jörg weiß 2": "yolo", "Zoë O'Neil": "coco"}
    parts = []
    for name, (who, form) in zip(scene.images, writers.items(), strict=True):
        part = Scene(
            {name: scene.images[name]},
            {name: scene.splits[name]},
            scene.classes,
            [placed for placed in scene.objects if placed[0] == name],
        )
        options = WRITERS[form].write(part, folder / who)
        if form == "coco":
            options["files"] = [f for f in options["files"] if f["split"] == scene.splits[name]]
        split = scene.splits[name]
        splits = {split: f"images/{split}"} if form == "yolo" else None
        parts.append({"folder": who, "format": form, "options": options, "splits": splits})
    return {"parts": parts}


def write_box_csv(scene: Scene, folder: Path) -> dict[str, Any]:
    """A table a split, as exports for TensorFlow; an image without objects has a row of its own."""
    tables = []
    for split in ("train", "val"):
        lines = ["filename,width,height,class,xmin,ymin,xmax,ymax"]
        for name in (name for name, on in scene.splits.items() if on == split):
            scene.draw(name, folder / split / f"{name}.png")
            size = "{},{}".format(*scene.images[name])
            lines += [
                f"{name}.png,{size},{kind},{x},{y},{x + w},{y + h}"
                for kind, (x, y, w, h), _ in scene.on(name)
            ] or [f"{name}.png,{size},,,,,"]
        (folder / split / "_annotations.csv").write_text("\r\n".join(lines))
        tables.append({"table": f"{split}/_annotations.csv", "images": split, "split": split})
    return {"tables": tables, "classes": scene.classes, "width": "width", "height": "height"}


def write_open_images(scene: Scene, folder: Path) -> dict[str, Any]:
    """A table a split. An image without boxes has no row, so what is on it is unknown."""
    ids = {kind: f"/m/0{number}" for number, kind in enumerate(scene.classes)}
    tables = []
    for split in ("train", "val"):
        lines = ["ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsGroupOf"]
        for name in (name for name, on in scene.splits.items() if on == split):
            scene.draw(name, folder / split / f"{name}.png")
            width, height = scene.images[name]
            lines += [
                f"{name},xclick,{ids[kind]},1,{x / width},{(x + w) / width},{y / height},"
                f"{(y + h) / height},0,{crowd:d}"
                for kind, (x, y, w, h), crowd in scene.on(name)
            ]
        lines.append(f"elsewhere,xclick,{ids['cat']},1,0.1,0.2,0.1,0.2,0,0")
        (folder / f"{split}.csv").write_text("\n".join(lines))
        tables.append({"boxes": f"{split}.csv", "images": split, "split": split})
    names = "".join(f"{number},{kind}\n" for kind, number in ids.items())
    (folder / "names.csv").write_text(names)
    return {"tables": tables, "names": "names.csv", "classes": scene.classes}


def write_cvat(scene: Scene, folder: Path) -> dict[str, Any]:
    labels = "".join(f"<label><name>{kind}</name></label>" for kind in scene.classes)
    rows = []
    for number, (name, (width, height)) in enumerate(scene.images.items()):
        subset = {"train": "Train", "val": "Validation"}[scene.splits[name]]
        scene.draw(name, folder / "images" / f"{name}.png")
        boxes = "".join(
            f'<box label="{kind}" xtl="{x}" ytl="{y}" xbr="{x + w}" ybr="{y + h}" z_order="0">'
            '<attribute name="label">box</attribute></box>'
            for kind, (x, y, w, h), _ in scene.on(name)
        )
        image = f'id="{number}" name="{name}.png" subset="{subset}"'
        rows.append(f'<image {image} width="{width}" height="{height}">{boxes}</image>')
    meta = f"<meta><task><labels>{labels}</labels></task></meta>"
    text = f"<annotations><version>1.1</version>{meta}{''.join(rows)}</annotations>"
    (folder / "annotations.xml").write_text(text)
    return {"subsets": "given"}


def write_labelme(scene: Scene, folder: Path) -> dict[str, Any]:
    """JSON files beside their folder of images, as on Windows; corners in any order."""
    (folder / "json").mkdir(parents=True)
    for name, (width, height) in scene.images.items():
        scene.draw(name, folder / "img" / f"{name}.png")
        shapes = [
            {
                "label": kind,
                "points": [[x + w, y], [x, y + h]],
                "shape_type": "rectangle",
                "group_id": None,
            }
            for kind, (x, y, w, h), _ in scene.on(name)
        ]
        size = {"imageWidth": width, "imageHeight": height, "imageData": None}
        content = {"version": "5.4.1", "imagePath": f"..\\img\\{name}.png", "shapes": shapes}
        (folder / "json" / f"{name}.json").write_text(json.dumps(content | size))
    return {"annotations": "json", "images": "img", "classes": scene.classes}


WRITERS = {
    "box_csv": Writer(write_box_csv),
    "cadica": Writer(write_cadica, splits=False),
    "coco": Writer(write_coco, crowds=True),
    "contributors": Writer(write_contributors, reports=frozenset({NoLabelFile}), crowds=False),
    "cvat": Writer(write_cvat),
    # two corners in any order make a box
    "labelme": Writer(write_labelme, splits=False, broken=frozenset(BROKEN) - {InvertedBox}),
    "open_images": Writer(write_open_images, reports=frozenset({UnannotatedImage}), crowds=True),
    "voc": Writer(write_voc, crowds=True),
    "yolo": Writer(write_yolo, reports=frozenset({NoLabelFile})),  # an image without objects
}
