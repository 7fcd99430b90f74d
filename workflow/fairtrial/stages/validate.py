"""Score the predictions of one run: no model code and no GPU."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairtrial import DataError, dataset

if TYPE_CHECKING:
    from fairtrial.scoring.tables import Row


def validate(
    *,
    settings: dict[str, Any],
    annotations: Path,
    split: Path,
    val: Path,
    test: Path,
    metrics: Path,
    per_class: Path,
    curves: Path,
    confusion: Path,
) -> None:
    """Score the detections in `val` and `test` (COCO results lists) against `annotations`.

    settings: `iou`, the overlap at which a detection matches an object in precision, recall,
    F1, curves and confusion matrix; `max_det`, the detections of an image and class that
    count there. COCO's twelve figures have their own and heed neither. The confidence is
    chosen on val and used on both sides.

    Raises DataError where a file is malformed, a detection is not on its side's images, or
    val has no objects.
    """
    from fairtrial.scoring import predictions, tables
    from fairtrial.scoring.curves import best_confidence

    iou = settings["iou"]
    whole, sides = dataset.read(annotations), dataset.read_json(split)
    measured = {}
    for name, file in (("val", val), ("test", test)):
        truth = _one_side(whole, sides, name, split)
        ids = {image.id for image in truth.images}
        found = predictions.parse(dataset.read_json(file), file, ids, truth.categories)
        measured[name] = tables.measure(truth, found, iou=iou, max_det=settings["max_det"])
    if not measured["val"].classes:
        raise DataError(f"{split}: val has no objects, and the confidence is chosen on val")

    chosen = best_confidence(measured["val"].classes)
    content = {name: tables.metrics(side, chosen) for name, side in measured.items()}
    dataset.write_json(metrics, {"confidence": chosen, "iou": iou, **content})
    _write_csv(per_class, tables.PER_CLASS, tables.per_class_rows(measured, chosen))
    _write_csv(curves, tables.CURVES, tables.curve_rows(measured))
    _write_csv(confusion, tables.CONFUSION, tables.confusion_rows(measured, chosen, iou))


def _one_side(whole: dataset.Dataset, sides: Any, name: str, split: Path) -> dataset.Dataset:
    from fairtrial.scoring.detection import on_images

    if not isinstance(sides, dict) or not isinstance(sides.get(name), list):
        raise DataError(f"{split}: no list of image ids under {name!r}")
    try:
        return on_images(whole, sides[name])
    except DataError as error:
        raise DataError(f"{split}: {name}: {error}") from error


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Row]) -> None:
    with dataset.whole_file(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([f"{v:.10g}" if isinstance(v, float) else v for v in row] for row in rows)
