"""The text of a submission: a COCO results list, or a table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from fairtrial import DataError
from fairtrial.commands._submission_images import Predicted, PredictedImage
from fairtrial.commands._submission_template import CocoTemplate, TableTemplate
from fairtrial.data.dataset import Detection
from fairtrial.scoring.predictions import coco_row

_DETECTIONS = {
    "image_id": "id",
    "file_name": "file",
    "class": "class",
    "category_id": "class_id",
    "x": "x",
    "y": "y",
    "width": "width",
    "height": "height",
    "confidence": "confidence",
}
_CLASSES = {"image_id": "id", "file_name": "file", "class": "class", "confidence": "confidence"}


def as_coco(predicted: Predicted, template: CocoTemplate | None) -> str:
    """A COCO results list. Raises DataError for classes of whole images, which it cannot hold.

    Without template an image has its source's id, or else, as Ultralytics writes it, the number
    that its name is; or its name.
    """
    if predicted.task != "detect":
        raise DataError("classes of whole images make no COCO results list; write a .csv")
    numbers = template.classes if template else _own_numbers(predicted)
    lines = []
    for image in predicted.images:
        key = _key(image)
        for box in image.boxes:
            row: dict[str, object] = {**coco_row(0, box)}
            number = numbers[predicted.classes[box.category_id]]
            lines.append(json.dumps(row | {"image_id": key, "category_id": number}))
    return "[" + ",\n".join(lines) + "]\n"


def _key(image: PredictedImage) -> int | str:
    if image.own_id is not None:
        return image.own_id
    stem = PurePosixPath(image.name).stem
    return int(stem) if stem.isascii() and stem.isdigit() else stem


def _own_numbers(predicted: Predicted) -> dict[str, int]:
    """The source's ids of the classes by name. Raises DataError for a class that has none there."""
    numbers: dict[str, int] = {}
    for number, name in predicted.classes.items():
        own = predicted.own_classes[number]
        if own is None:
            raise DataError(f"{name}: no class of the source by itself; give a --template with ids")
        numbers[name] = int(own) if own.isascii() and own.isdigit() else number
    return numbers


def as_table(predicted: Predicted, template: TableTemplate | None) -> str:
    """A table: a row a detection, or a row an image with its class."""
    detects = predicted.task == "detect"
    columns = template.columns if template else _DETECTIONS if detects else _CLASSES
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for image in predicted.images:
        rows = _boxes(predicted, image) if detects else _class(predicted, image)
        for row in rows:
            writer.writerow([_cell(row, holds) for holds in columns.values()])
    return text.getvalue()


def _cell(row: Mapping[str, object], holds: str) -> object:
    if holds not in row:
        raise DataError(f"the template asks for {holds!r}, which these predictions do not have")
    return row[holds]


def _image(image: PredictedImage) -> dict[str, object]:
    return {"id": _key(image), "file": image.name}


def _boxes(predicted: Predicted, image: PredictedImage) -> Iterator[dict[str, object]]:
    for box in image.boxes:
        yield _image(image) | _box(predicted, box)


def _box(predicted: Predicted, box: Detection) -> dict[str, object]:
    x, y, width, height = coco_row(0, box)["bbox"]
    own = predicted.own_classes[box.category_id]
    return {
        "class": predicted.classes[box.category_id],
        "class_id": own if own is not None and own.isdigit() else box.category_id,
        "x": x,
        "y": y,
        "width": width,
        "height": height,
        "right": round(x + width, 3),
        "bottom": round(y + height, 3),
        "confidence": round(box.confidence, 6),
    }


def _class(predicted: Predicted, image: PredictedImage) -> Iterator[dict[str, object]]:
    names = list(predicted.classes.values())
    best = max(range(len(names)), key=lambda at: image.probabilities[at])
    values = {
        f"class:{name}": value for name, value in zip(names, image.probabilities, strict=True)
    }
    yield (
        _image(image)
        | values
        | {
            "class": names[best],
            "class_id": list(predicted.classes)[best],
            "confidence": image.probabilities[best],
        }
    )
