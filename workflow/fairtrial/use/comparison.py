"""What an export costs: the metrics of the original and of the exported model on the same images,
their differences with intervals over images by paired resamples, and the times of an image."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fairtrial.data.dataset import Dataset
from fairtrial.files.csvfile import write_rows
from fairtrial.files.folders import whole_file
from fairtrial.files.modelfile import FileModel, write_model
from fairtrial.scoring import classify, predictions
from fairtrial.scoring.intervals import interval
from fairtrial.scoring.matching import COCO_IOUS, match
from fairtrial.scoring.resampling import UnitDraws
from fairtrial.scoring.variance_parts import Sample
from fairtrial.scoring.weighted_metrics import (
    average_precisions,
    mean_over_classes,
    sums_by_class,
)
from fairtrial.training.contract import Milliseconds

Floats = NDArray[np.float64]
LEAST_TOLERANCE, MOST_TOLERANCE = 0.002, 0.02
ALL = "all"  # in place of a class


class ComparedMetric(FileModel):
    """One metric of both models; `difference`: exported minus original, `low` and `high` its 95 %
    interval over images. None where it is undefined."""

    of_class: str
    original: float | None
    exported: float | None
    difference: float | None
    low: float | None
    high: float | None


class ImageTime(FileModel):
    """Milliseconds of one image at a time, the median over images, by model."""

    original: float
    exported: float


class ExportCheck(FileModel):
    """The check of an exported file. metric: `AP` or `accuracy`, of single classes `AP` or
    `recall`; split: on whose images, as many as `images`, and as many independent units. rows:
    that of all classes first. tolerance: how much the metric may fall."""

    file: str
    original: str
    dataset: str
    split: str
    images: int
    units: int
    metric: str
    tolerance: float
    passed: bool
    rows: tuple[ComparedMetric, ...]
    milliseconds: ImageTime
    device: str
    threads: int

    @property
    def loss(self) -> float:
        """By how much the metric falls; 0 where it is undefined."""
        return -(self.rows[0].difference or 0.0)


@dataclass(frozen=True)
class Outcome:
    """What one model said of all images: the rows of a prediction file, and the times of each
    image."""

    rows: Sequence[Mapping[str, object]]
    times: Sequence[Milliseconds]

    @property
    def milliseconds(self) -> float:
        """Of one image, the median."""
        return round(statistics.median(sum(parts.values()) for parts in self.times), 3)


def compared(
    truth: Dataset, draws: UnitDraws, original: Outcome, exported: Outcome
) -> tuple[ComparedMetric, ...]:
    """The metrics of both models on `truth`: of all classes, then of each."""
    values = [_values(truth, outcome, draws) for outcome in (original, exported)]
    names = [ALL, *(name for _, name in sorted(truth.categories.items()))]
    return tuple(
        _compared(name, values[0][:, number], values[1][:, number], draws.units)
        for number, name in enumerate(names)
    )


def _compared(name: str, original: Floats, exported: Floats, units: int) -> ComparedMetric:
    """`original`, `exported` (1 + B,): the metric on all images, and on each resample."""
    if not np.isfinite([original[0], exported[0]]).all():
        return ComparedMetric(
            of_class=name, original=None, exported=None, difference=None, low=None, high=None
        )
    differences = exported - original
    sample = Sample((float(differences[0]),), (0,), differences[1:])
    low, high = interval(sample, units, "linear") or (None, None)
    return ComparedMetric(
        of_class=name,
        original=_rounded(original[0]),
        exported=_rounded(exported[0]),
        difference=_rounded(differences[0]),
        low=_rounded(low),
        high=_rounded(high),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 6) + 0.0


def _values(truth: Dataset, outcome: Outcome, draws: UnitDraws) -> Floats:
    """(1 + B, 1 + C): on all images and on each resample, of all classes and of each."""
    weights = np.concatenate([np.ones_like(draws.weights[:1]), draws.weights])
    if truth.task == "classify":
        return _recalls(truth, outcome, weights)
    ids = {image.id for image in truth.images}
    detections = predictions.parse(list(outcome.rows), "predictions", ids, truth.categories)
    by_iou = average_precisions(match(truth, detections, ious=COCO_IOUS), weights)
    by_class: Floats = by_iou.mean(axis=1)
    mean = mean_over_classes(by_class, ~np.isnan(by_class))
    return np.column_stack([mean, by_class])


def _recalls(truth: Dataset, outcome: Outcome, weights: NDArray[np.int32]) -> Floats:
    """Accuracy, and the recall of each class."""
    of_image = {
        image_id: rows[0].category_id for image_id, rows in sorted(truth.by_image().items())
    }
    numbers = {category: number for number, category in enumerate(sorted(truth.categories))}
    classes = np.array([numbers[category] for category in of_image.values()])
    parsed = classify.parse(list(outcome.rows), "predictions", list(of_image), len(numbers))
    right = (parsed.argmax(axis=1) == classes).astype(float)
    members = np.zeros((len(classes), len(numbers)))
    members[np.arange(len(classes)), classes] = 1
    hits, images = (sums_by_class(weights, m) for m in (members * right[:, None], members))
    undefined = np.full_like(hits, np.nan)
    recalls = np.divide(hits, images, out=undefined, where=images > 0)
    return np.column_stack([hits.sum(axis=1) / images.sum(axis=1), recalls])


def default_tolerance(overall: ComparedMetric) -> float:
    """What the interval over images allows: half its width, but 0.002 at least (one box of a small
    set moves AP by more), and 0.02 at most."""
    if overall.low is None or overall.high is None:
        return LEAST_TOLERANCE
    half = (overall.high - overall.low) / 2
    return round(min(MOST_TOLERANCE, max(LEAST_TOLERANCE, half)), 6)


def write_check(check: ExportCheck, file: Path) -> None:
    """Write the check beside the exported `file`, as JSON and as a table."""
    write_model(file.with_name(f"{file.name}.check.json"), check)
    fields = tuple(ComparedMetric.model_fields)
    with whole_file(file.with_name(f"{file.name}.check.csv")) as table:
        rows = ([getattr(row, field) for field in fields] for row in check.rows)
        write_rows(table, ["class", *fields[1:]], rows)
