"""The figures on val after an epoch: losses, and the scorer's own precision, recall and AP."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from fairtrial.backends import _retinanet_images as pictures
from fairtrial.backends import _retinanet_model as model
from fairtrial.backends._retinanet_processes import Process
from fairtrial.data.dataset import SplitDataset
from fairtrial.scoring import coco_metrics, curves, predictions

# As in params.yaml's `predict:` and `validate:`, which a training does not see.
CONF, IOU, MAX_DET = 0.001, 0.7, 300
HIT_IOU, HIT_MAX_DET = 0.5, 100


def evaluate(
    net: Any, view: SplitDataset, settings: dict[str, Any], process: Process
) -> dict[str, float]:
    """Losses and figures of `net` on val; the same in every process."""
    images = pictures.Images(view, "val", settings, augment=False)
    batches = pictures.in_order(images.images, settings["batch"])[process.rank :: process.world]
    model.limit(net, CONF, IOU, MAX_DET)
    net.eval()
    found, losses = [], []
    with torch.no_grad():
        for loaded, targets in process.load(images, batches, settings["workers"]):
            loss, boxes = net.judge(*process.take(loaded, targets))
            losses += [(len(loaded), float(loss["bbox_regression"]), float(loss["classification"]))]
            found += [row for t, b in zip(targets, boxes, strict=True) for row in _rows(t, b, view)]
    counts = np.array(process.gather(losses))
    box, cls = counts[:, 0] @ counts[:, 1:] / counts[:, 0].sum()
    figures = _figures(process.gather(found), view)
    return {"val/box_loss": float(box), "val/cls_loss": float(cls)} | figures


def _rows(
    target: dict[str, Any], found: dict[str, Any], view: SplitDataset
) -> list[dict[str, Any]]:
    """Detections as entries of a COCO results list, rounded as `predict` rounds them."""
    numbers = sorted(view.dataset.categories)
    rows = in_pixels(found, target["back"])
    return [
        {
            "image_id": target["image_id"],
            "category_id": numbers[label],
            "bbox": [round(value, 3) for value in bbox],
            "score": round(score, 6),
        }
        for label, bbox, score in rows
    ]


def in_pixels(
    found: dict[str, Any], back: tuple[float, float]
) -> list[tuple[int, tuple[float, float, float, float], float]]:
    """Label, (x, y, width, height) in pixels of the file, and confidence of each detection.

    `back`: the factors from the network's pixels to the file's.
    """
    x, y = back
    boxes = [
        (x1 * x, y1 * y, (x2 - x1) * x, (y2 - y1) * y)
        for x1, y1, x2, y2 in found["boxes"].double().tolist()
    ]
    return list(zip(found["labels"].tolist(), boxes, found["scores"].tolist(), strict=True))


def _figures(rows: list[dict[str, Any]], view: SplitDataset) -> dict[str, float]:
    """AP, AP50, and precision and recall at the confidence that maximises F1."""
    truth = view.dataset.on_images(view.splits["val"])
    ids = {image.id for image in truth.images}
    found = predictions.parse(rows, "val", ids, truth.categories)
    classes = curves.ranked(coco_metrics.at_one_iou(truth, found, HIT_IOU, HIT_MAX_DET))
    mean = curves.macro(classes, np.array([curves.best_confidence(classes)]))
    figures = coco_metrics.metrics(coco_metrics.standard(truth, found))
    return {
        "val/precision": float(mean.precision[0]),
        "val/recall": float(mean.recall[0]),
        "val/AP50": figures["AP50"] or 0.0,
        "val/AP": figures["AP"] or 0.0,
    }
