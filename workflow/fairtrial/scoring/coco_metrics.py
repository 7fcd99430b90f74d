"""Detection figures, all of them pycocotools' own.

Two evaluations are run. The standard one (ten IoU thresholds, four ranges of area, 1, 10
and 100 detections) gives the twelve COCO figures and AP by class, and no setting reaches
it. The other, at one IoU and one number of detections, gives the matches from which
precision, recall and F1 over confidence are counted.
"""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairtrial.data.dataset import Dataset
from fairtrial.scoring.predictions import ImageDetection

# In pycocotools' order, which COCOeval.stats has, too.
METRICS = (
    *("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large"),
    *("AR_1", "AR_10", "AR_100", "AR_small", "AR_medium", "AR_large"),
)


def standard(truth: Dataset, detections: Sequence[ImageDetection]) -> Any:
    """pycocotools' COCOeval of COCO's own protocol, evaluated and accumulated."""
    return _accumulated(_coco_eval(truth, detections))


def at_one_iou(
    truth: Dataset, detections: Sequence[ImageDetection], iou: float, max_det: int
) -> Any:
    """COCOeval at one IoU threshold, all areas, `max_det` detections an image and class."""
    evaluation = _coco_eval(truth, detections)
    evaluation.params.iouThrs = np.array([iou])
    evaluation.params.maxDets = [max_det]
    evaluation.params.areaRng = evaluation.params.areaRng[:1]
    evaluation.params.areaRngLbl = ["all"]
    return _accumulated(evaluation)


def metrics(evaluation: Any) -> dict[str, float | None]:
    """The twelve figures of a `standard` evaluation, 0..1; None where COCO has -1 (no such
    object)."""
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.summarize()
    return {name: defined(value) for name, value in zip(METRICS, evaluation.stats, strict=True)}


def metrics_by_class(evaluation: Any) -> dict[int, dict[str, float | None]]:
    """AP and AP50 by category id from a `standard` evaluation; None without objects."""
    # precision: IoU thresholds × recalls × classes × areas (0: all) × detections (-1: 100)
    precision = evaluation.eval["precision"][..., 0, -1]
    return {
        int(category): {
            "AP": defined(precision[:, :, k].mean()),
            "AP50": defined(precision[0, :, k].mean()),
        }
        for k, category in enumerate(evaluation.params.catIds)
    }


def precision_over_recall(evaluation: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The 101 recalls 0..1 and COCO's interpolated precision at each, of an `at_one_iou`
    evaluation; mean over the classes that have objects, NaN if none has."""
    precision = evaluation.eval["precision"][0, :, :, 0, 0]
    # A class without objects is -1 at every recall.
    seen = precision[:, (precision > -1).all(axis=0)]
    mean = seen.mean(axis=1) if seen.size else np.full(len(precision), np.nan)
    return evaluation.params.recThrs, mean


def defined(value: float) -> float | None:
    """A figure, or None where pycocotools says -1 or a mean over no class says NaN."""
    return None if value < 0 or math.isnan(value) else float(value)


def _coco_eval(truth: Dataset, detections: Sequence[ImageDetection]) -> Any:
    from pycocotools.cocoeval import COCOeval

    # Numbered here from 1: pycocotools takes an object with id 0 for "no match".
    objects = [
        _box_row(number, a.image_id, a.category_id, a.bbox)
        | {"area": a.area, "iscrowd": int(a.iscrowd)}
        for number, a in enumerate(truth.annotations, 1)
        if a.bbox is not None
    ]
    # As COCO.loadRes would make them, but that fails on an empty list.
    found = [
        _box_row(number, d.image_id, d.category_id, d.bbox)
        | {"area": d.bbox[2] * d.bbox[3], "iscrowd": 0, "score": d.score}
        for number, d in enumerate(detections, 1)
    ]
    return COCOeval(_coco(truth, objects), _coco(truth, found), "bbox")


def _box_row(
    number: int, image_id: int, category_id: int, bbox: tuple[float, float, float, float]
) -> dict[str, Any]:
    return {"id": number, "image_id": image_id, "category_id": category_id, "bbox": list(bbox)}


def _coco(truth: Dataset, annotations: list[dict[str, Any]]) -> Any:
    from pycocotools.coco import COCO

    coco = COCO()
    coco.dataset = {
        "images": [{"id": image.id} for image in truth.images],
        "categories": [{"id": k, "name": name} for k, name in truth.categories.items()],
        "annotations": annotations,
    }
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
    return coco


def _accumulated(evaluation: Any) -> Any:
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation
