"""What the scorer of a task returns: metrics.json, tables of CSV files, and resamples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from fairtrial.files.jsonfile import read_json
from fairtrial.files.modelfile import FileModel, read_model
from fairtrial.scoring.resamples import ResamplesFile

Cell = str | int | float | None
Row = tuple[Cell, ...]
Count = Annotated[int, Field(ge=0)]
Metric = float | None  # None: undefined, since there are no such objects

# The headers that both tasks share.
CURVES = ("split", "curve", "x", "y")
CONFUSION = ("split", "truth", "predicted", "count")


def _is_none(value: object) -> bool:
    return value is None


class SplitMetrics(FileModel):
    """The metrics of one split, and the number of its images and objects (no crowds)."""

    images: Count
    objects: Count

    def by_name(self) -> dict[str, float | None]:
        """The metrics, without the two numbers; None where one is undefined."""
        return {
            name: getattr(self, name)
            for name in type(self).model_fields
            if name not in SplitMetrics.model_fields
        }


class DetectionMetrics(SplitMetrics):
    """The task `detect`: COCO's twelve metrics, and three at the chosen confidence. All 0..1."""

    AP: Metric
    AP50: Metric
    AP75: Metric
    AP_small: Metric
    AP_medium: Metric
    AP_large: Metric
    AR_1: Metric
    AR_10: Metric
    AR_100: Metric
    AR_small: Metric
    AR_medium: Metric
    AR_large: Metric
    precision: Metric
    recall: Metric
    f1: Metric
    # AP, AP50 and AR where another number of detections counts than COCO's 100, if one is asked for
    AP_max_detections: Metric = Field(default=None, exclude_if=_is_none)
    AP50_max_detections: Metric = Field(default=None, exclude_if=_is_none)
    AR_max_detections: Metric = Field(default=None, exclude_if=_is_none)


class ClassificationMetrics(SplitMetrics):
    """The task `classify`: see `class_metrics.metrics`. All 0..1 but the log loss (≥ 0)."""

    accuracy: float
    top5: float
    precision: float
    recall: float
    f1: float
    precision_micro: float
    recall_micro: float
    f1_micro: float
    log_loss: float
    ece: float


class DetectionMetricsFile(FileModel):
    """metrics.json of a run of the task `detect`; `test` is None where the split is empty. `val`
    and `confidence` are None where val was not predicted; then so are precision, recall and F1."""

    confidence: float | None  # at which precision, recall and F1 count; chosen on val
    iou: float  # at which a detection matches an object in precision, recall and F1
    # How many detections of an image and class count in AP_max_detections and the like.
    max_detections: int | None = Field(default=None, exclude_if=_is_none)
    val: DetectionMetrics | None
    test: DetectionMetrics | None

    @model_validator(mode="after")
    def _chosen_on_val(self) -> DetectionMetricsFile:
        if (self.val is None) != (self.confidence is None):
            raise ValueError("`val` and `confidence` must both have a value, or neither")
        return self

    def of(self, split: str) -> DetectionMetrics | None:
        """The metrics of `val` or `test`."""
        return self.val if split == "val" else self.test


class ClassificationMetricsFile(FileModel):
    """metrics.json of a run of the task `classify`; `test` is None where the split is empty."""

    val: ClassificationMetrics
    test: ClassificationMetrics | None

    def of(self, split: str) -> ClassificationMetrics | None:
        """The metrics of `val` or `test`."""
        return self.val if split == "val" else self.test


MetricsFile = DetectionMetricsFile | ClassificationMetricsFile


def read_metrics(path: Path) -> MetricsFile:
    """metrics.json of one run. Raises DataError, naming file and key, where it does not fit."""
    content = read_json(path)
    if isinstance(content, dict) and "confidence" in content:
        return read_model(path, DetectionMetricsFile)
    return read_model(path, ClassificationMetricsFile)


@dataclass(frozen=True)
class Table:
    """The header and the rows of a CSV file; an undefined cell is None."""

    header: Sequence[str]
    rows: Iterable[Row]


@dataclass(frozen=True)
class Scores:
    """metrics.json, resamples.npz, and the tables of the CSV files of the same names. A table that
    the task does not have is without rows."""

    metrics: MetricsFile
    per_class: Table
    curves: Table
    confusion: Table
    resamples: ResamplesFile
    error_kinds: Table
    by_size: Table
    by_group: Table
    class_curves: Table
    operating_points: Table
    calibration: Table
