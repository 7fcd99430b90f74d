"""What `validate` prints: COCO's twelve lines for boxes, and a table for classes of images."""

from __future__ import annotations

from fairtrial.scoring.scores import (
    ClassificationMetrics,
    DetectionMetrics,
    DetectionMetricsFile,
    MetricsFile,
)
from fairtrial.scoring.task_metrics import TASK_METRICS

# The IoU, the range of areas and the number of detections that pycocotools prints of each metric.
COCO_LINES = {
    "AP": ("0.50:0.95", "all", 100),
    "AP50": ("0.50", "all", 100),
    "AP75": ("0.75", "all", 100),
    "AP_small": ("0.50:0.95", "small", 100),
    "AP_medium": ("0.50:0.95", "medium", 100),
    "AP_large": ("0.50:0.95", "large", 100),
    "AR_1": ("0.50:0.95", "all", 1),
    "AR_10": ("0.50:0.95", "all", 10),
    "AR_100": ("0.50:0.95", "all", 100),
    "AR_small": ("0.50:0.95", "small", 100),
    "AR_medium": ("0.50:0.95", "medium", 100),
    "AR_large": ("0.50:0.95", "large", 100),
}


def metric_log(file: MetricsFile) -> str:
    """The metrics of val and test as a text for a log."""
    parts = []
    for split in ("val", "test"):
        metrics = file.of(split)
        if isinstance(metrics, DetectionMetrics) and isinstance(file, DetectionMetricsFile):
            rates = _rates(metrics, file)
            parts.append(f"{split}: {metrics.images} images, {metrics.objects} objects\n{rates}")
        elif isinstance(metrics, ClassificationMetrics):
            parts.append(f"{split}: {metrics.images} images\n{_table(metrics)}")
    return "\n".join(parts)


def coco_lines(metrics: DetectionMetrics) -> str:
    """The twelve metrics as `COCOeval.summarize` prints them: -1.000 where one is undefined."""
    values = metrics.by_name()
    lines = []
    for name, (iou, area, max_det) in COCO_LINES.items():
        kind = (
            ("Average Precision", "(AP)") if name.startswith("AP") else ("Average Recall", "(AR)")
        )
        value = values[name]
        where = f"IoU={iou:<9} | area={area:>6} | maxDets={max_det:>3}"
        lines.append(
            f" {kind[0]:<18} {kind[1]} @[ {where} ] = {-1 if value is None else value:.3f}"
        )
    return "".join(f"{line}\n" for line in lines)


def _rates(metrics: DetectionMetrics, file: DetectionMetricsFile) -> str:
    lines = coco_lines(metrics) + _own_number(metrics, file.max_detections)
    if file.confidence is None:
        return f"{lines} no confidence was chosen: no predictions on val\n"
    rates = (f"{name} {_number(metrics.by_name()[name])}" for name in ("precision", "recall", "f1"))
    at = f"confidence {file.confidence:.3f} (chosen on val), IoU {file.iou:.2f}"
    return f"{lines} {', '.join(rates)} at {at}\n"


def _own_number(metrics: DetectionMetrics, count: int | None) -> str:
    if count is None:
        return ""
    own = {"AP": metrics.AP_max_detections, "AP50": metrics.AP50_max_detections}
    own["AR"] = metrics.AR_max_detections
    values = ", ".join(f"{name} {_number(value)}" for name, value in own.items())
    return f" with up to {count} detections of an image and class: {values}\n"


def _table(metrics: ClassificationMetrics) -> str:
    values = metrics.by_name()
    names = TASK_METRICS["classify"].in_tables
    return "".join(f" {name:<10} {_number(values[name])}\n" for name in names)


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"
