"""probe: one run's weights once more, on train or at another image size, and their scores."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

from fairtrial.data.certificate import SplitCertificate, read_certificate
from fairtrial.data.dataset import Dataset, Splits
from fairtrial.data.ground_truth import ground_truth_sha256
from fairtrial.data.seen_images import with_unchanged_images
from fairtrial.data.split_dataset import read_split_dataset, read_training_splits
from fairtrial.files import checksums
from fairtrial.files.jsonfile import read_json
from fairtrial.files.modelfile import write_model
from fairtrial.results.probes import ProbeScores
from fairtrial.scoring.predictions import write_predictions
from fairtrial.scoring.resampling import UnitDraws, draw
from fairtrial.scoring.scores import DetectionMetricsFile, MetricsFile
from fairtrial.settings.probes import ProbeSettings
from fairtrial.stages.predict import device_name, predict_split, predictor, times_of
from fairtrial.training.speed import Speed, speed_of
from fairtrial.training.unpickling import trusting

RESAMPLES = 2  # as few as the scorer takes: no interval comes of them


def probe(
    *,
    settings: ProbeSettings,
    weights: Path,
    images: Path,
    annotations: Path,
    split: Path,
    val: Path,
    threads: int,
    scores: Path,
    predictions: Path,
) -> None:
    """Predict once more with a run's weights: on train, or at another size.

    The predictions are scored; nothing is trained. On train the confidence is that chosen on val;
    at another size it is chosen there, on val.

    Args:
        settings: JSON of the resolved settings, or @FILE with it
        weights: the run's weights.pt
        images: the folder of images
        annotations: the data set's annotations
        split: the data set's split certificate
        val: the run's predictions on val
        threads: CPU threads
        scores: file to write: metrics, and of a size the time that an image takes
        predictions: file to write: predictions on train, or on test at that size

    Raises:
        DataError: an image was changed since `convert` wrote it
    """
    data = with_unchanged_images(read_split_dataset(annotations, split, images))
    trusted = checksums.sha256(weights) if settings.predict.trusted else None
    with (
        trusting(trusted),
        predictor(settings.predict, weights, data, threads) as model,
        tempfile.TemporaryDirectory(prefix="fairtrial-") as folder,
    ):
        if settings.of == "train":
            predict_split(model, data, "train", settings.predict.batch, predictions)
            files = {"val": val, "test": predictions}
            speed = None
        else:
            files = {"val": Path(folder, "val.json"), "test": predictions}
            for name, path in files.items():
                predict_split(model, data, name, settings.predict.batch, path)
            times = times_of(model, data, settings.predict.speed_images)
            speed = speed_of(times, settings.predict.imgsz, device_name(), threads)
        certificate = read_certificate(split)
        ids = certificate.splits
        if settings.of == "train":
            learned = read_training_splits(annotations, split, settings.train_share)["train"]
            files["test"] = _of_images(predictions, learned, Path(folder, "train.json"))
            ids = {"val": certificate.val, "test": learned}
        elif certificate.predict_only:
            del files["test"]
        found = _scored(data.dataset, ids, certificate, files, settings)
    write_model(scores, _content(found, settings, speed))


def _of_images(predictions: Path, ids: Collection[int], path: Path) -> Path:
    """Write the predictions on some images into another file, whose path is returned."""
    inside = set(ids)
    rows = [row for row in read_json(predictions) if row["image_id"] in inside]
    write_predictions(rows, path)
    return path


def _scored(
    whole: Dataset,
    ids: Splits,
    certificate: SplitCertificate,
    files: Mapping[str, Path],
    settings: ProbeSettings,
) -> MetricsFile:
    """The metrics of the images `ids` by split; what is no `val` stands as `test`."""
    scorer = importlib.import_module(f"fairtrial.scoring.{settings.scoring.task}")
    truths = {name: whole.on_images(ids[name]) for name in files}
    draws = {name: _draws(truth, certificate) for name, truth in truths.items()}
    keys = settings.scoring.model_dump(exclude={"task"})
    metrics: MetricsFile = scorer.score(truths, files, draws, **keys).metrics
    return metrics


def _draws(truth: Dataset, certificate: SplitCertificate) -> UnitDraws:
    sha256 = ground_truth_sha256(truth, truth.images)
    return draw(truth.images, certificate.units, certificate.unit_name, sha256, RESAMPLES)


def _content(found: MetricsFile, settings: ProbeSettings, speed: Speed | None) -> ProbeScores:
    confidence = found.confidence if isinstance(found, DetectionMetricsFile) else None
    imgsz = settings.predict.imgsz
    if settings.of == "train":
        return ProbeScores(imgsz=imgsz, confidence=confidence, train=found.test)
    of_splits = {"val": found.val, "test": found.test}
    return ProbeScores(imgsz=imgsz, confidence=confidence, speed=speed, **of_splits)
