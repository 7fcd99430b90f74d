"""A small COCO as its server has it: a zip of annotations, and JPEGs one by one."""

import hashlib
import io
import json
import zipfile
from typing import Any

from PIL import Image
from web import Web

ARCHIVE = "annotations/annotations_trainval2017.zip"
PERSON, CAR, MOTORCYCLE = 1, 3, 4  # COCO's own numbers
# The classes on each image; its number in COCO is 100 more. The first eight are train2017's.
HELD = [[PERSON]] * 6 + [[MOTORCYCLE], [PERSON, MOTORCYCLE], [CAR], [], [PERSON, CAR], [MOTORCYCLE]]
TRAIN = 8


def jpeg(number: int) -> bytes:
    """A JPEG of 40 + number × 30 pixels, with some content."""
    image = Image.linear_gradient("L").resize((40 + number, 30)).convert("RGB")
    file = io.BytesIO()
    image.save(file, "JPEG", comment=bytes([65 + number]) * 900)
    return file.getvalue()


def path_of(number: int) -> str:
    return f"{'train' if number < TRAIN else 'val'}2017/{number + 100:012}.jpg"


def annotations(numbers: range) -> dict[str, Any]:
    """COCO JSON with a polygon an object, and a crowd of persons on the first image."""
    images = [
        {"id": n + 100, "file_name": path_of(n).partition("/")[2], "width": 40 + n, "height": 30}
        | {"license": 3}
        for n in numbers
    ]
    objects = [
        {"id": 10 * n + k, "image_id": n + 100, "category_id": k, "bbox": [1.5, 2, 3, 4]}
        | {"area": 6.5, "iscrowd": int(n == 0), "segmentation": [[1, 2, 4, 2, 4, 6]]}
        for n in numbers
        for k in HELD[n]
    ]
    names = {PERSON: "person", 2: "bicycle", CAR: "car", MOTORCYCLE: "motorcycle"}
    categories = [{"id": k, "name": v, "supercategory": "any"} for k, v in names.items()]
    return {
        "info": {"year": 2017},
        "licenses": [{"id": 3, "name": "some"}],
        "images": images,
        "annotations": objects,
        "categories": categories,
    }


def archive(parts: dict[str, str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as opened:
        for name, text in parts.items():
            opened.writestr(name, text)
    return file.getvalue()


def serve(web: Web) -> dict[str, Any]:
    """Put it onto a server; the settings of the source that fetches it from there."""
    parts = {"train": range(TRAIN), "val": range(TRAIN, len(HELD))}
    texts = {
        f"annotations/instances_{split}2017.json": json.dumps(annotations(numbers))
        for split, numbers in parts.items()
    }
    web.files = {path_of(n): jpeg(n) for n in range(len(HELD))} | {ARCHIVE: archive(texts)}
    sha256 = hashlib.sha256(web.files[ARCHIVE]).hexdigest()
    names = ["person", "motorcycle"]
    return {"base": web.address, "sha256": sha256, "classes": names, "images": 8, "wait": 0}
