"""The task `detect`: boxes, scored by COCO's protocol and at the confidence that is best on val."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from fairtrial import DataError
from fairtrial.data.dataset import Dataset
from fairtrial.files.jsonfile import read_json
from fairtrial.scoring import (
    detection_breakdowns,
    detection_calibration,
    detection_tables,
    operating_points,
    predictions,
)
from fairtrial.scoring.curves import best_confidence
from fairtrial.scoring.pooled_detections import pooled
from fairtrial.scoring.resampling import UnitDraws
from fairtrial.scoring.scores import CONFUSION, CURVES, DetectionMetricsFile, Scores, Table


def score(
    truths: Mapping[str, Dataset],
    files: Mapping[str, Path],
    draws: Mapping[str, UnitDraws],
    *,
    iou: float,
    max_det: int,
    at_precision: Sequence[float],
    at_recall: Sequence[float],
    max_detections: int | None = None,
) -> Scores:
    """Score the detections of val and test (COCO results lists, in `files`) against `truths`, and
    on the resamples `draws` of both (a split without images needs none).

    `iou` is the overlap at which a detection matches an object in precision, recall, F1, curves
    and confusion matrix; `max_det` the number of detections of an image and class that count
    there. COCO's twelve metrics have thresholds of their own and depend on neither;
    `max_detections` adds AP and AR at another number of detections than theirs. The
    confidence is chosen on val and used on both splits, as are those of operating points, which
    `at_precision` and `at_recall` ask for. Where the file of val is `null`, nothing was predicted
    on it: no confidence is chosen, and what depends on one stays empty. Raises DataError where a
    file is malformed, a detection is not on an image of its split, or val has no objects but crowd
    regions.
    """
    splits = {}
    for split, truth in truths.items():
        if truth.task != "detect":
            raise DataError(f"{files[split]}: the images have classes without boxes to detect")
        ids = {image.id for image in truth.images}
        content = read_json(files[split])
        if content is None and split == "val":
            continue
        detections = predictions.parse(content, files[split], ids, truth.categories)
        splits[split] = detection_tables.measure(
            truth, detections, iou=iou, max_det=max_det, max_detections=max_detections
        )
    confidence = _chosen(splits, files["val"])
    metrics = {
        name: detection_tables.metrics(split, confidence)
        for name, split in detection_tables.with_images(splits)
    }
    resamples, spreads = detection_tables.resampled(splits, confidence, draws)
    per_class = detection_tables.per_class_rows(splits, confidence, spreads)
    every = {name: pooled(split.at_one_iou) for name, split in splits.items()}
    points = operating_points.rows(every, at_precision, at_recall)
    return Scores(
        DetectionMetricsFile(
            confidence=confidence,
            iou=iou,
            max_detections=max_detections,
            val=metrics.get("val"),
            test=metrics.get("test"),
        ),
        Table(detection_tables.PER_CLASS, per_class),
        Table(CURVES, detection_tables.curve_rows(splits)),
        Table(CONFUSION, detection_tables.confusion_rows(splits, confidence, iou)),
        detection_breakdowns.with_error_costs(resamples, splits, draws),
        **detection_breakdowns.tables(splits, confidence),
        operating_points=Table(operating_points.OPERATING_POINTS, points),
        calibration=Table(detection_calibration.CALIBRATION, detection_calibration.rows(every)),
    )


def _chosen(splits: detection_tables.Splits, file: Path) -> float | None:
    """The confidence that is best on val; None where val was not predicted. `file`: that of val."""
    if "val" not in splits:
        return None
    if not splits["val"].classes:
        raise DataError(
            f"{file}: val has no objects (crowd regions are none), so that no confidence can be "
            "chosen on it"
        )
    return best_confidence(splits["val"].classes)
