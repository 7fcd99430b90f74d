"""Predictions from elsewhere, read from COCO results lists or from YOLO's text files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fairtrial import DataError
from fairtrial.data.dataset import Detection, Image
from fairtrial.data.defect_actions import listed
from fairtrial.files.jsonfile import read_json
from fairtrial.files.text import counted
from fairtrial.scoring.foreign_names import ForeignImages
from fairtrial.scoring.predictions import CocoRow, coco_row, confidence_of, pixel_box

NAMELESS = (
    "class ids alone do not say which classes they are; name them in the run, such as "
    "`class_ids: {0: cell, 1: null}`, where null is what is no class of the data set"
)
Found = tuple[int, Detection] | None  # an image's id and a box; None: no class of the data set


@dataclass(frozen=True)
class ForeignNames:
    """How a file of predictions names things: images, and classes by id where the run states them
    (`stated`) or the source has ids of its own (`own`)."""

    images: ForeignImages
    stated: Mapping[int, int | None] | None
    own: Mapping[int, int | None]


def read(path: Path, names: ForeignNames) -> tuple[list[CocoRow], int]:
    """The detections of one split in the form of predictions/<split>.json, and how many were left
    out since their class is none of the data set.

    Images come in the order of the data set, their boxes best first. A file is a COCO results list,
    as Ultralytics saves it, too; a folder holds a text file an image, with `class x y w h
    confidence` in shares of the image. Raises DataError that lists all entries that do not fit.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file or folder")
    rows = _of_texts(path, names) if path.is_dir() else _of_list(path, names)
    found, problems = [], []
    for where, make in rows:
        try:
            found.append(make())
        except (ValueError, OverflowError) as error:
            problems.append(f"{where}: {error}")
    if problems:
        raise DataError(
            f"{path}: {counted(len(problems), 'row')} cannot be taken:\n{listed(problems)}"
        )
    return _ordered([item for item in found if item], names.images), found.count(None)


def _ordered(found: list[tuple[int, Detection]], images: ForeignImages) -> list[CocoRow]:
    by_image: dict[int, list[CocoRow]] = {number: [] for number in images.inside}
    for number, detection in found:
        by_image[number].append(coco_row(number, detection))
    return [
        row
        for rows in by_image.values()
        for row in sorted(rows, key=lambda row: (-row["score"], row["category_id"], row["bbox"]))
    ]


Rows = Iterator[tuple[str, Callable[[], Found]]]  # the place of a row, and what reads it


def _of_list(path: Path, names: ForeignNames) -> Rows:
    content = read_json(path)
    if not isinstance(content, list):
        raise DataError(f"{path}: expected a COCO results list, found {type(content).__name__}")
    classes = names.stated
    if classes is None:
        tool_of_its_own = any(isinstance(row, dict) and "file_name" in row for row in content)
        classes = {} if tool_of_its_own else names.own
    if not classes:
        raise DataError(f"{path}: {NAMELESS}")
    for number, entry in enumerate(content):
        yield f"entry {number}", partial(_entry, entry, names.images, classes)


def _entry(entry: object, images: ForeignImages, classes: Mapping[int, int | None]) -> Found:
    if not isinstance(entry, dict):
        raise ValueError(f"expected an object with image_id, category_id, bbox, score: {entry!r}")
    if missing := {"image_id", "category_id", "bbox", "score"} - set(entry):
        raise ValueError(f"no {', '.join(sorted(missing))}")
    image = images.image(entry.get("file_name", entry["image_id"]))
    box, confidence = pixel_box(entry["bbox"]), confidence_of(entry["score"])
    category = _category(entry["category_id"], classes)
    return None if category is None else (image.id, Detection(category, box, confidence))


def _category(number: object, classes: Mapping[int, int | None]) -> int | None:
    if not isinstance(number, int) or isinstance(number, bool) or number not in classes:
        known = ", ".join(map(str, sorted(classes)))
        raise ValueError(f"class {number!r} is none of the known ids {known}")
    return classes[number]


def _of_texts(folder: Path, names: ForeignNames) -> Rows:
    classes = names.stated
    if classes is None:
        raise DataError(f"{folder}: {NAMELESS}")
    files = sorted(folder.rglob("*.txt"))
    if not files:
        raise DataError(f"{folder}: no .txt file; expected one an image with detections")
    for file in files:
        name = file.relative_to(folder).as_posix()
        try:
            image = _image_of(name.removesuffix(".txt"), names.images)
            lines = file.read_text(encoding="utf-8").splitlines()
        except ValueError as error:
            yield name, partial(_refused, error)
            continue
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield f"{name}:{number}", partial(_line, line, image, classes)


def _refused(error: ValueError) -> Found:
    raise error


def _image_of(name: str, images: ForeignImages) -> Image:
    """By the path below the folder, else by the name alone."""
    try:
        return images.image(name)
    except ValueError:
        if "/" not in name:
            raise
        return images.image(name.rpartition("/")[2])


def _line(line: str, image: Image, classes: Mapping[int, int | None]) -> Found:
    cells = line.split()
    if len(cells) != 6:
        hint = "; five lack the confidence, which `save_conf` adds" if len(cells) == 5 else ""
        raise ValueError(f"{len(cells)} values, expected `class x y w h confidence`{hint}")
    try:
        number = int(cells[0])
        x, y, width, height, confidence = map(float, cells[1:])
    except ValueError:
        raise ValueError(f"{line.strip()!r} is not a class id and five numbers") from None
    shares = pixel_box([x, y, width, height])
    if any(not 0 <= share <= 1 for share in shares):
        raise ValueError("x, y, w and h must be shares of the image, from 0 to 1")
    box = (
        (x - width / 2) * image.width,
        (y - height / 2) * image.height,
        width * image.width,
        height * image.height,
    )
    category = _category(number, classes)
    detection_confidence = confidence_of(confidence)
    return None if category is None else (image.id, Detection(category, box, detection_confidence))
