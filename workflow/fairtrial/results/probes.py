"""The files of probes: a run's scores on train, or at another image size."""

from __future__ import annotations

from pathlib import Path

from fairtrial.files.modelfile import FileModel, read_model
from fairtrial.scoring.scores import ClassificationMetrics, DetectionMetrics, SplitMetrics
from fairtrial.settings.probes import TRAIN, ProbeName
from fairtrial.training.speed import Speed


class ProbeScores(FileModel):
    """probes/<run>@<probe>.json. `confidence`: chosen on val at this size, None for classes;
    `train` of the probe `train`, `val` and `test` and the time of an image of a size."""

    imgsz: int
    confidence: float | None
    train: DetectionMetrics | ClassificationMetrics | None = None
    val: DetectionMetrics | ClassificationMetrics | None = None
    test: DetectionMetrics | ClassificationMetrics | None = None
    speed: Speed | None = None

    def of(self, split: str) -> SplitMetrics | None:
        """The metrics of one split; None where it was not scored."""
        scored: SplitMetrics | None = getattr(self, split)
        return scored


def read_probe(results: Path, run: str, probe: str) -> ProbeScores:
    """The scores of one probe. Raises DataError where they are not there."""
    return read_model(results / "probes" / f"{ProbeName(run, probe)}.json", ProbeScores)


def predictions_on_train(results: Path, run: str) -> Path:
    """The predictions of a run on train."""
    return results / "probes" / f"{ProbeName(run, TRAIN)}.predictions.json"
