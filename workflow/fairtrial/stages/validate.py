"""validate: the scores of one run's predictions, without code of its backend and without a GPU."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from fairtrial import DataError
from fairtrial.data import dataset
from fairtrial.data.certificate import SplitCertificate, read_certificate
from fairtrial.data.dataset import Dataset, Splits
from fairtrial.data.ground_truth import ground_truth_sha256
from fairtrial.files import folders, modelfile
from fairtrial.files.csvfile import write_rows
from fairtrial.scoring.metric_log import metric_log
from fairtrial.scoring.resamples import write_resamples
from fairtrial.scoring.resampling import UnitDraws, draw
from fairtrial.settings.stages import ValidateSettings

if TYPE_CHECKING:
    from fairtrial.scoring.scores import Scores, Table


def validate(
    *,
    settings: ValidateSettings,
    annotations: Path,
    split: Path,
    val: Path,
    test: Path,
    metrics: Path,
    per_class: Path,
    curves: Path,
    confusion: Path,
    operating_points: Path,
    calibration: Path,
    resamples: Path,
    error_kinds: Path,
    by_size: Path,
    by_group: Path,
    class_curves: Path,
) -> None:
    """Score the predictions of one run.

    The metrics are printed too: of boxes as pycocotools prints them. Images without labels, which
    are only predicted, have none.

    Args:
        settings: JSON of the resolved settings, or @FILE with it
        annotations: the data set's annotations
        split: the data set's split certificate
        val: the predictions on val
        test: the predictions on test
        metrics: file to write: all metrics
        per_class: file to write: a row a class
        curves: file to write: precision and recall by confidence
        confusion: file to write: the confusion matrix
        operating_points: file to write: recall at a precision and the like, and false alarms
        calibration: file to write: how often predictions of a confidence are right
        resamples: file to write: all metrics on resamples of the images
        error_kinds: file to write: number and cost of each kind of error
        by_size: file to write: metrics by the size of objects
        by_group: file to write: a row a group of images
        class_curves: file to write: the curves of each class

    Raises:
        DataError: a file is malformed, or a prediction is not on an image of its split
    """
    scorer = importlib.import_module(f"fairtrial.scoring.{settings.task}")
    whole, certificate = dataset.read(annotations), read_certificate(split)
    files = {"val": val} if certificate.predict_only else {"val": val, "test": test}
    truths = {name: _on_split(whole, certificate.splits, name, split) for name in files}
    draws = {name: _draws(truth, certificate) for name, truth in truths.items()}
    scores: Scores = scorer.score(truths, files, draws, **settings.model_dump(exclude={"task"}))
    modelfile.write_model(metrics, scores.metrics)
    _write_csv(per_class, scores.per_class)
    _write_csv(curves, scores.curves)
    _write_csv(confusion, scores.confusion)
    _write_csv(operating_points, scores.operating_points)
    _write_csv(calibration, scores.calibration)
    write_resamples(resamples, scores.resamples)
    _write_csv(error_kinds, scores.error_kinds)
    _write_csv(by_size, scores.by_size)
    _write_csv(by_group, scores.by_group)
    _write_csv(class_curves, scores.class_curves)
    print(metric_log(scores.metrics))


def _on_split(whole: Dataset, splits: Splits, name: str, file: Path) -> Dataset:
    """The images of one split and their annotations; `file` is the certificate's."""
    try:
        return whole.on_images(splits[name])
    except DataError as error:
        raise DataError(f"{file}: {name}: {error}") from error


def _draws(truth: Dataset, certificate: SplitCertificate) -> UnitDraws:
    """The resamples of one split."""
    sha256 = ground_truth_sha256(truth, truth.images)
    return draw(truth.images, certificate.units, certificate.unit_name, sha256)


def _write_csv(path: Path, table: Table) -> None:
    with folders.whole_file(path) as file:
        write_rows(file, table.header, table.rows, digits=10)
