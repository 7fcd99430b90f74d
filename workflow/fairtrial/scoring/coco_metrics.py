"""Detection metrics, computed by pycocotools.

Two evaluations are run. The standard one (ten IoU thresholds, four ranges of area, 1, 10
and 100 detections) gives the twelve COCO metrics and AP by class, and depends
on no setting. The other, at one IoU and one number of detections, gives the matches from which
precision, recall and F1 over confidence are counted.
"""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, TypedDict

import numpy as np
from numpy.typing import NDArray

from fairtrial.data.dataset import Annotation, Dataset
from fairtrial.scoring.predictions import ImageDetection

if TYPE_CHECKING:
    from pycocotools.coco import COCO

# In pycocotools' order, which COCOeval.stats has, too.
METRICS = (
    *("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large"),
    *("AR_1", "AR_10", "AR_100", "AR_small", "AR_medium", "AR_large"),
)


class BoxRow(TypedDict):
    """An annotation as pycocotools takes it: `bbox` is [x, y, width, height] in pixels."""

    id: int
    image_id: int
    category_id: int
    bbox: list[float]
    area: float
    iscrowd: int


class DetectionRow(BoxRow):
    """A detection as pycocotools takes it."""

    score: float  # the confidence


class ImageMatches(TypedDict):
    """pycocotools' matches on one image for one class and range of area: d detections, g objects,
    T IoU thresholds."""

    category_id: int
    dtScores: list[float]  # d
    dtMatches: NDArray[np.float64]  # (T, d): the id of the matched object, 0 for none
    dtIgnore: NDArray[np.bool_]  # (T, d)
    gtIgnore: NDArray[np.int64]  # g


class Parameters(Protocol):
    """The thresholds of an evaluation."""

    iouThrs: NDArray[np.float64]
    recThrs: NDArray[np.float64]
    maxDets: list[int]
    areaRng: list[list[float]]
    areaRngLbl: list[str]
    catIds: list[int]


class Evaluation(Protocol):
    """The part of pycocotools' COCOeval that is used here."""

    params: Parameters
    eval: dict[str, NDArray[np.float64]]  # precision: IoUs × recalls × classes × areas × numbers
    evalImgs: list[ImageMatches | None]
    stats: NDArray[np.float64]

    def evaluate(self) -> None: ...
    def accumulate(self) -> None: ...
    def summarize(self) -> None: ...


def standard(truth: Dataset, detections: Sequence[ImageDetection]) -> Evaluation:
    """pycocotools' COCOeval of COCO's own protocol, evaluated and accumulated."""
    return _accumulated(_coco_eval(truth, detections))


def at_one_iou(
    truth: Dataset, detections: Sequence[ImageDetection], iou: float, max_det: int
) -> Evaluation:
    """COCOeval at one IoU threshold, all areas, `max_det` detections an image and class."""
    evaluation = _coco_eval(truth, detections)
    evaluation.params.iouThrs = np.array([iou])
    evaluation.params.maxDets = [max_det]
    evaluation.params.areaRng = evaluation.params.areaRng[:1]
    evaluation.params.areaRngLbl = ["all"]
    return _accumulated(evaluation)


def metrics(evaluation: Evaluation) -> dict[str, float | None]:
    """The twelve metrics of a `standard` evaluation, 0..1; None where COCO has -1 (no such
    object). Calls `evaluation.summarize`."""
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.summarize()
    return {name: defined(value) for name, value in zip(METRICS, evaluation.stats, strict=True)}


class ClassAP(TypedDict):
    """AP and AP50 of one class, 0..1; None where it has no objects."""

    AP: float | None
    AP50: float | None


def metrics_by_class(evaluation: Evaluation) -> dict[int, ClassAP]:
    """AP and AP50 by category id from a `standard` evaluation."""
    # precision: IoU thresholds × recalls × classes × areas (0: all) × detections (-1: 100)
    precision = evaluation.eval["precision"][..., 0, -1]
    return {
        int(category): {
            "AP": defined(precision[:, :, k].mean()),
            "AP50": defined(precision[0, :, k].mean()),
        }
        for k, category in enumerate(evaluation.params.catIds)
    }


def precision_over_recall(
    evaluation: Evaluation,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The 101 recalls 0..1 and COCO's interpolated precision at each, of an `at_one_iou`
    evaluation; mean over the classes that have objects, NaN if none has."""
    precision = evaluation.eval["precision"][0, :, :, 0, 0]
    # A class without objects is -1 at every recall.
    with_objects = precision[:, (precision > -1).all(axis=0)]
    mean = with_objects.mean(axis=1) if with_objects.size else np.full(len(precision), np.nan)
    return evaluation.params.recThrs, mean


def defined(value: float) -> float | None:
    """`value`; None where pycocotools has -1 (undefined), or the mean over no class is NaN."""
    return None if value < 0 or math.isnan(value) else float(value)


def _coco_eval(truth: Dataset, detections: Sequence[ImageDetection]) -> Evaluation:
    from pycocotools.cocoeval import COCOeval

    # Numbered here from 1: pycocotools takes an object with id 0 for "no match".
    objects = [
        _box_row(number, a, a.bbox, a.area, int(a.iscrowd))
        for number, a in enumerate(truth.annotations, 1)
        if a.bbox is not None
    ]
    # What COCO.loadRes makes of them; that fails on an empty list.
    results: list[DetectionRow] = [
        {**_box_row(number, d, d.bbox, d.bbox[2] * d.bbox[3], 0), "score": d.confidence}
        for number, d in enumerate(detections, 1)
    ]
    evaluation: Evaluation = COCOeval(_coco(truth, objects), _coco(truth, results), "bbox")
    return evaluation


def _box_row(
    number: int,
    box: Annotation | ImageDetection,
    bbox: tuple[float, float, float, float],
    area: float,
    iscrowd: int,
) -> BoxRow:
    return {
        "id": number,
        "image_id": box.image_id,
        "category_id": box.category_id,
        "bbox": list(bbox),
        "area": area,
        "iscrowd": iscrowd,
    }


def _coco(truth: Dataset, rows: Sequence[BoxRow]) -> COCO:
    """An index of `rows` over the images and categories of `truth`."""
    from pycocotools.coco import COCO

    coco = COCO()
    coco.dataset = {
        "images": [{"id": image.id} for image in truth.images],
        "categories": [{"id": k, "name": name} for k, name in truth.categories.items()],
        "annotations": list(rows),
    }
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
    return coco


def _accumulated(evaluation: Evaluation) -> Evaluation:
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation
