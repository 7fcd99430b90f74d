"""One finished run: record, history, metrics, curves, confusion matrix, speed.

Each file is read once, when it is first needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from fairtrial.files.checksums import sha256
from fairtrial.files.jsonfile import read_json
from fairtrial.results.breakdowns import Breakdowns
from fairtrial.results.csv_files import read_csv
from fairtrial.results.probes import predictions_on_train
from fairtrial.scoring import error_costs
from fairtrial.scoring.predictions import ImageDetection
from fairtrial.scoring.ranking import FITNESS, RankingRule
from fairtrial.scoring.resamples import Resamples, ResamplesFile, read_resamples
from fairtrial.scoring.scores import (
    DetectionMetricsFile,
    MetricsFile,
    SplitMetrics,
    read_metrics,
)
from fairtrial.settings.probes import TRAIN
from fairtrial.settings.run_name import RunName, without_folds
from fairtrial.training.record import RunRecord, read_record
from fairtrial.training.speed import Speed, read_speed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pandas import DataFrame

METRIC_NAMES = {
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    FITNESS: "Fitness",
    "accuracy": "Accuracy",
    "top5": "Top-5",
    "log_loss": "Log loss",
    "ece": "ECE",
}
REPEATS = ("seed", "replicate", "predictions")  # settings that tell a run from its repetitions
BACKGROUND = "background"


class ProbabilityRow(TypedDict):
    """An image in predictions/<split>.json of the task `classify`: `scores` are the probabilities
    of all categories, in the order of their ids."""

    image_id: int
    scores: list[float]


@dataclass
class FinishedRun:
    """One run of an experiment; `results` is the folder results/<experiment>, `ranking_rule` says
    how the metric `fitness` is computed."""

    name: str
    results: Path
    ranking_rule: RankingRule | None = None

    @property
    def folder(self) -> Path:
        return self.results / "runs" / self.name

    @cached_property
    def record(self) -> RunRecord:
        return read_record(self.folder / "record.json")

    @property
    def configuration(self) -> str:
        return self.record.configuration

    @property
    def seed(self) -> int:
        return self.record.seed

    @property
    def replicate(self) -> int:
        """Which of several runs of equal settings and seed this is, from 1 on."""
        return int(self.record.settings.get("replicate", 1))

    @property
    def dataset(self) -> str:
        return self.record.dataset

    @cached_property
    def settings(self) -> dict[str, object]:
        """The settings of this run without seed and replicate, with `dataset`, `backend` and, where
        it continues another run, `continues`."""
        settings: dict[str, object] = {
            key: value for key, value in self.record.settings.items() if key not in REPEATS
        }
        settings.setdefault("dataset", self.dataset)
        settings.setdefault("backend", self.record.backend)
        if not self.record.elsewhere:
            settings.setdefault("train_share", 1.0)  # which a record leaves out
        if earlier := self.record.continued_from:
            settings["continues"] = without_folds(RunName.parse(earlier).configuration)
        return settings

    @cached_property
    def metrics(self) -> MetricsFile:
        return read_metrics(self.folder / "metrics.json")

    def metrics_of(self, split: str) -> SplitMetrics | None:
        """The metrics of `val` or `test`; None where the split has no images."""
        return self.metrics.val if split == "val" else self.metrics.test

    @property
    def task(self) -> str:
        return "detect" if isinstance(self.metrics, DetectionMetricsFile) else "classify"

    @property
    def confidence(self) -> float | None:
        """The confidence that was chosen on val; None where val was not predicted, and for the task
        `classify`."""
        return self.metrics.confidence if isinstance(self.metrics, DetectionMetricsFile) else None

    @property
    def iou(self) -> float | None:
        """The overlap at which boxes match in precision, recall and F1; None without boxes."""
        return self.metrics.iou if isinstance(self.metrics, DetectionMetricsFile) else None

    @property
    def max_detections(self) -> int | None:
        """How many detections count in AP_max_detections; None where it was not asked for."""
        metrics = self.metrics
        return metrics.max_detections if isinstance(metrics, DetectionMetricsFile) else None

    @cached_property
    def _resamples(self) -> ResamplesFile:
        return read_resamples(self.folder / "resamples.npz")

    def resamples(self, split: str) -> Resamples | None:
        """The metrics on resamples of `val` or `test`; None where the split has no images."""
        return self._resamples.of(split)

    def score(self, split: str, metric: str) -> float | None:
        """One metric of metrics.json, the fitness by the ranking rule, or the cost of a kind of
        error; None where it is undefined or the split is empty."""
        if metric.startswith(error_costs.METRIC.format("")):
            return self.breakdowns.error_costs(split).get(metric)
        metrics = self.metrics_of(split)
        if metrics is None:
            return None
        if metric == FITNESS and self.ranking_rule:
            return self.ranking_rule.score(metrics.by_name())
        return metrics.by_name().get(metric)

    def resampled(self, split: str, metric: str) -> NDArray[np.float64] | None:
        """One metric, or the fitness by the ranking rule, on each resample of the images of a
        split; NaN where it is undefined there. None where it was not resampled."""
        resamples = self.resamples(split)
        if resamples is None:
            return None
        if metric == FITNESS and self.ranking_rule:
            return self.ranking_rule.resampled(resamples.metrics)
        return resamples.metrics.get(metric)

    def equals(self, other: FinishedRun) -> bool:
        """Whether weights and predictions are equal to the byte. (Unequal metrics answer that
        without a look at the predictions, which may be large.)"""
        weights = {self.record.weights_sha256, other.record.weights_sha256}
        if len(weights - {None}) > 1 or self.metrics != other.metrics:
            return False
        return self.predictions_sha256 == other.predictions_sha256

    @cached_property
    def predictions_sha256(self) -> dict[str, str]:
        """The SHA-256 of the predictions by split."""
        files = {s: self.folder / "predictions" / f"{s}.json" for s in ("val", "test")}
        return {split: sha256(file) for split, file in files.items() if file.exists()}

    @cached_property
    def learned(self) -> bool:
        """Whether it finds any object (AP50 above 0.0005), or tells classes better than by calling
        every image what most are; on val or test."""
        if isinstance(self.metrics, DetectionMetricsFile):
            values = [self.score(split, "AP50") for split in ("val", "test")]
            defined = [value for value in values if value is not None]
            return not defined or max(defined) >= 0.0005
        return any(self._beats_the_commonest_class(split) for split in self.per_class)

    def _beats_the_commonest_class(self, split: str) -> bool:
        images = [row["images"] for row in self.per_class[split].values()]
        accuracy = self.score(split, "accuracy")
        if accuracy is None or len(images) < 2:
            return True
        return accuracy * sum(images) > max(images) + 0.5

    @cached_property
    def speed(self) -> Speed | None:
        """speed.json, or None if the time of an image was not measured."""
        path = self.folder / "speed.json"
        return read_speed(path) if path.exists() else None

    @cached_property
    def history(self) -> dict[str, list[float]]:
        """Column → a value an epoch (NaN where the cell is empty); {} after zero epochs, and for
        predictions that were made elsewhere."""
        if self.record.elsewhere:
            return {}
        table = read_csv(self.results / "history" / f"{self.name}.csv")
        return {} if table.empty else {name: table[name].tolist() for name in table.columns}

    @cached_property
    def curves(self) -> dict[tuple[str, str], tuple[list[float], list[float]]]:
        """(split, curve) → x and y of curves.csv; y is NaN where it is undefined."""
        table = read_csv(self.folder / "curves.csv", "split", "curve")
        return {
            (str(split), str(curve)): (rows["x"].tolist(), rows["y"].tolist())
            for (split, curve), rows in table.groupby(["split", "curve"], sort=False)
        }

    @cached_property
    def per_class(self) -> dict[str, dict[str, dict[str, float]]]:
        """split → class → column → value (NaN where undefined) of per_class.csv."""
        table = read_csv(self.folder / "per_class.csv", "split", "class")
        columns = [str(column) for column in table.columns[2:]]
        return {
            str(split): {
                row["class"]: {column: row[column] for column in columns}
                for row in rows.to_dict("records")
            }
            for split, rows in table.groupby("split", sort=False)
        }

    @cached_property
    def confusion(self) -> dict[str, dict[tuple[str, str], int]]:
        """split → (true class, predicted class) → objects (images), of confusion.csv."""
        table = read_csv(self.folder / "confusion.csv", "split", "truth", "predicted")
        matrices: dict[str, dict[tuple[str, str], int]] = {}
        for split, truth, predicted, count in table.itertuples(index=False):
            matrices.setdefault(split, {})[truth, predicted] = int(count)
        return matrices

    @cached_property
    def operating_points(self) -> dict[tuple[str, str], list[dict[str, float]]]:
        """(split, kind) → column → value (NaN where undefined) of operating_points.csv."""
        table = read_csv(self.folder / "operating_points.csv", "split", "kind")
        return {
            (str(split), str(kind)): _records(rows.drop(columns=["split", "kind"]))
            for (split, kind), rows in table.groupby(["split", "kind"], sort=False)
        }

    @cached_property
    def calibration(self) -> dict[str, list[dict[str, float]]]:
        """split → column → value (NaN where undefined) of calibration.csv, a row a bin."""
        table = read_csv(self.folder / "calibration.csv", "split")
        return {
            str(split): _records(rows.drop(columns="split"))
            for split, rows in table.groupby("split", sort=False)
        }

    @cached_property
    def breakdowns(self) -> Breakdowns:
        """Its errors by kind, metrics by size and group, and curves by class."""
        return Breakdowns(self.folder)

    def predictions_file(self, split: str) -> Path:
        """Its predictions on a split; on train those of its probe."""
        if split == TRAIN:
            return predictions_on_train(self.results, self.name)
        return self.folder / "predictions" / f"{split}.json"

    def detections(self, split: str) -> list[ImageDetection]:
        """The detections on one split, in the order of the file."""
        detections = []
        for row in read_json(self.predictions_file(split)) or []:
            x, y, width, height = row["bbox"]
            box = (x, y, width, height)
            detections.append(
                ImageDetection(row["image_id"], row["category_id"], box, row["score"])
            )
        return detections

    def probabilities(self, split: str) -> list[ProbabilityRow]:
        """The probabilities of the images of one split, of the task `classify`."""
        rows: list[ProbabilityRow] = read_json(self.predictions_file(split))
        return rows


def _records(rows: DataFrame) -> list[dict[str, float]]:
    """Rows of numbers as column → value."""
    columns = [str(column) for column in rows.columns]
    return [dict(zip(columns, row, strict=True)) for row in rows.itertuples(index=False)]
