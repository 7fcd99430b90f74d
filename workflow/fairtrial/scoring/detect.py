"""The task `detect`: boxes, scored by pycocotools, and at the confidence that is best on val."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fairtrial import DataError
from fairtrial.data.dataset import Dataset
from fairtrial.files.jsonfile import read_json
from fairtrial.scoring import detection_tables, predictions
from fairtrial.scoring.curves import best_confidence
from fairtrial.scoring.scores import Scores, Table


def score(
    truths: Mapping[str, Dataset], files: Mapping[str, Path], settings: dict[str, Any]
) -> Scores:
    """Score the detections of each side (COCO results lists, in `files`) against its truth.

    settings: `iou`, the overlap at which a detection matches an object in precision, recall,
    F1, curves and confusion matrix; `max_det`, the detections of an image and class that
    count there. COCO's twelve figures have their own and heed neither. The confidence is
    chosen on val and used on both sides. Raises DataError where a file is malformed, a
    detection is not on its side's images, or val has crowds alone.
    """
    iou, measured = settings["iou"], {}
    for side, truth in truths.items():
        if truth.task != "detect":
            raise DataError(f"{files[side]}: the images have classes without boxes to detect")
        ids = {image.id for image in truth.images}
        found = predictions.parse(read_json(files[side]), files[side], ids, truth.categories)
        measured[side] = detection_tables.measure(
            truth, found, iou=iou, max_det=settings["max_det"]
        )
    if not measured["val"].classes:
        raise DataError(
            f"{files['val']}: val has crowds alone, and the confidence is chosen on val"
        )
    chosen = best_confidence(measured["val"].classes)
    figures = {side: detection_tables.metrics(found, chosen) for side, found in measured.items()}
    return Scores(
        {"confidence": chosen, "iou": iou, **figures},
        Table(detection_tables.PER_CLASS, detection_tables.per_class_rows(measured, chosen)),
        Table(detection_tables.CURVES, detection_tables.curve_rows(measured)),
        Table(detection_tables.CONFUSION, detection_tables.confusion_rows(measured, chosen, iou)),
    )
