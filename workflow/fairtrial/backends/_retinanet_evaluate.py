"""Losses on val after an epoch, and precision, recall and AP by fairtrial's scorer."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch

from fairtrial.backends import _retinanet_images as pictures
from fairtrial.backends import _retinanet_model as model
from fairtrial.backends._retinanet_processes import Process
from fairtrial.data.boxes import Box
from fairtrial.data.dataset import Detection, SplitDataset
from fairtrial.scoring import coco_metrics, curves, matching, predictions
from fairtrial.scoring.predictions import CocoRow, coco_row
from fairtrial.training.contract import HistoryRow

# The values with which params.yaml ships in `predict:` and `validate:`; a training has no access to
# these sections.
CONF, IOU, MAX_DET = 0.001, 0.7, 300
HIT_IOU, HIT_MAX_DET = 0.5, 100


def evaluate(
    net: model.Net,
    data: SplitDataset,
    batches: Iterable[tuple[list[torch.Tensor], list[pictures.Target]]],
    process: Process,
) -> HistoryRow:
    """Losses and metrics of `net` on val, of which `batches` are this process's; the same in every
    process."""
    model.set_limits(net, CONF, IOU, MAX_DET)
    net.eval()
    rows: list[CocoRow] = []
    losses: list[tuple[int, float, float]] = []  # of each batch: images, box loss, class loss
    with torch.no_grad():
        for loaded, targets in batches:
            loss, outputs = net.loss_and_detections(*process.to_device(loaded, targets))
            box, cls = float(loss["bbox_regression"]), float(loss["classification"])
            losses.append((len(loaded), box, cls))
            for target, output in zip(targets, outputs, strict=True):
                rows += _rows(target, output, data)
    counts = np.array(process.gather(losses))
    box_loss, cls_loss = counts[:, 0] @ counts[:, 1:] / counts[:, 0].sum()
    metrics = _metrics(process.gather(rows), data)
    return {"val/box_loss": float(box_loss), "val/cls_loss": float(cls_loss)} | metrics


def _rows(target: pictures.Target, output: model.Output, data: SplitDataset) -> list[CocoRow]:
    """Detections as entries of a COCO results list."""
    numbers = sorted(data.dataset.categories)
    return [
        coco_row(target["image_id"], Detection(numbers[label], bbox, score))
        for label, bbox, score in in_pixels(output, target["to_file"])
    ]


def in_pixels(output: model.Output, to_file: tuple[float, float]) -> list[tuple[int, Box, float]]:
    """Label, (x, y, width, height) in pixels of the file, and confidence of each detection.

    `to_file`: the factors of x and y from the network's pixels to the file's.
    """
    x, y = to_file
    boxes = [
        (x1 * x, y1 * y, (x2 - x1) * x, (y2 - y1) * y)
        for x1, y1, x2, y2 in output["boxes"].double().tolist()
    ]
    return list(zip(output["labels"].tolist(), boxes, output["scores"].tolist(), strict=True))


def _metrics(rows: list[CocoRow], data: SplitDataset) -> HistoryRow:
    """AP, AP50, and precision and recall at the confidence that maximises F1."""
    truth = data.dataset.on_images(data.splits["val"])
    ids = {image.id for image in truth.images}
    detections = predictions.parse(rows, "val", ids, truth.categories)
    pairs = matching.overlaps(truth, detections)
    classes = curves.ranked(matching.match_pairs(pairs, [HIT_IOU], max_det=HIT_MAX_DET))
    mean = curves.macro(classes, np.array([curves.best_confidence(classes)]))
    metrics = coco_metrics.metrics(coco_metrics.evaluate(matching.by_size(pairs)))
    return {
        "val/precision": float(mean.precision[0]),
        "val/recall": float(mean.recall[0]),
        "val/AP50": metrics["AP50"] or 0.0,
        "val/AP": metrics["AP"] or 0.0,
    }
