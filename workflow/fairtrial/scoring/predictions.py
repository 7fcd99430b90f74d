"""The COCO results list of one split, checked and put into one order."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypedDict, TypeGuard

import numpy as np
from numpy.typing import NDArray

from fairtrial import DataError
from fairtrial.data.dataset import Detection
from fairtrial.files.folders import whole_file
from fairtrial.files.jsonfile import collector_paused


class ImageDetection(NamedTuple):
    """One detection: its box (x, y, width, height) in pixels, its confidence in 0..1."""

    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    confidence: float


def parse(
    content: object, where: object, image_ids: Collection[int], categories: Collection[int]
) -> list[ImageDetection]:
    """The detections of a parsed results list: by image, best first.

    pycocotools ranks equal confidences by their order in the list, so that metrics depend on it.
    Here the larger box comes first, and the order depends on the detections alone. Errors name
    `where` (the file) and the number of the entry, from 0.

    Raises DataError where the content is not a list, or an entry is not a detection on one
    of the images of this split (`image_ids`) of one of `categories` (ids).
    """
    if not isinstance(content, list):
        raise DataError(f"{where}: expected a COCO results list, found {type(content).__name__}")
    detections = []
    with collector_paused():
        for number, entry in enumerate(content):
            try:
                detections.append(_detection(entry, image_ids, categories))
            except (ValueError, OverflowError) as error:
                raise DataError(f"{where}: entry {number}: {error}") from error
        return [detections[place] for place in _ranked(detections).tolist()]


def strongest(detections: Sequence[ImageDetection], max_det: int) -> list[ImageDetection]:
    """The first `max_det` detections of each image and class, as pycocotools counts them."""
    counts: Counter[tuple[int, int]] = Counter()
    first = []
    for detection in detections:
        key = (detection.image_id, detection.category_id)
        counts[key] += 1
        if counts[key] <= max_det:
            first.append(detection)
    return first


def _ranked(detections: Sequence[ImageDetection]) -> NDArray[np.int64]:
    """The order by image, confidence (highest first), class, area (largest first), box."""
    x, y, w, h = np.array([d.bbox for d in detections], dtype=np.float64).reshape(-1, 4).T
    image, category, confidence = (
        np.array([d[part] for d in detections], dtype=kind)
        for part, kind in ((0, np.int64), (1, np.int64), (3, np.float64))
    )
    return np.lexsort((h, w, y, x, -w * h, category, -confidence, image))


def _detection(
    entry: object, image_ids: Collection[int], categories: Collection[int]
) -> ImageDetection:
    if not isinstance(entry, dict):
        raise ValueError(f"expected an object with image_id, category_id, bbox, score: {entry!r}")
    if missing := {"image_id", "category_id", "bbox", "score"} - set(entry):
        raise ValueError(f"no {', '.join(sorted(missing))}")
    image_id, category_id = entry["image_id"], entry["category_id"]
    if not _is_id(image_id) or image_id not in image_ids:
        raise ValueError(f"image_id {image_id!r} is not an image of this split")
    if not _is_id(category_id) or category_id not in categories:
        raise ValueError(f"category_id {category_id!r} is not one of {sorted(categories)}")
    return ImageDetection(
        image_id, category_id, pixel_box(entry["bbox"]), confidence_of(entry["score"])
    )


def pixel_box(value: object) -> tuple[float, float, float, float]:
    """[x, y, width, height] of an entry. Raises ValueError for what is no box."""
    if not isinstance(value, list) or len(value) != 4 or not all(map(_is_number, value)):
        raise ValueError(f"bbox {value!r} is not four finite numbers [x, y, width, height]")
    x, y, width, height = map(float, value)
    if width < 0 or height < 0:
        raise ValueError(f"bbox {value!r} has a negative width or height")
    return x, y, width, height


def confidence_of(value: object) -> float:
    """The score of an entry. Raises ValueError for what is no number from 0 to 1."""
    if not _is_number(value) or not 0 <= value <= 1:
        raise ValueError(f"score {value!r} is not a number from 0 to 1")
    return float(value)


def _is_id(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


class CocoRow(TypedDict):
    """An entry of a COCO results list: box [x, y, width, height] in pixels of the file."""

    image_id: int
    category_id: int
    bbox: list[float]
    score: float


def coco_row(image_id: int, detection: Detection) -> CocoRow:
    """A detection as an entry of a COCO results list: boxes to 0.001 pixels, confidence to six
    digits."""
    return {
        "image_id": image_id,
        "category_id": detection.category_id,
        "bbox": [round(value, 3) for value in detection.bbox],
        "score": round(detection.confidence, 6),
    }


def write_predictions(rows: Sequence[Mapping[str, object]] | None, path: Path) -> None:
    """Write predictions/<split>.json: a row a line; `null` where nothing was predicted on the
    split."""
    with whole_file(path) as file:
        if rows is None:
            file.write("null\n")
            return
        file.write("[" + ",\n".join(map(json.dumps, rows)) + "]\n")
