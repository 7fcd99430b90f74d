"""validate: the scores of one run's predictions, without code of its backend and without a GPU."""

from __future__ import annotations

import csv
import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from fairtrial import DataError
from fairtrial.data import dataset
from fairtrial.data.certificate import read_certificate
from fairtrial.data.dataset import Dataset, Splits
from fairtrial.files import folders, modelfile
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
) -> None:
    """Score the predictions of one run.

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

    Raises:
        DataError: a file is malformed, or a prediction is not on an image of its split
    """
    scorer = importlib.import_module(f"fairtrial.scoring.{settings.task}")
    whole, splits = dataset.read(annotations), read_certificate(split).splits
    files = {"val": val, "test": test}
    truths = {name: _on_split(whole, splits, name, split) for name in files}
    if not truths["val"].annotations:
        raise DataError(f"{split}: val has no objects, so nothing can be chosen on val")
    scores: Scores = scorer.score(truths, files, **settings.model_dump(exclude={"task"}))
    modelfile.write_model(metrics, scores.metrics)
    _write_csv(per_class, scores.per_class)
    _write_csv(curves, scores.curves)
    _write_csv(confusion, scores.confusion)


def _on_split(whole: Dataset, splits: Splits, name: str, file: Path) -> Dataset:
    """The images of one split and their annotations; `file` is the certificate's."""
    try:
        return whole.on_images(splits[name])
    except DataError as error:
        raise DataError(f"{file}: {name}: {error}") from error


def _write_csv(path: Path, table: Table) -> None:
    with folders.whole_file(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.header)
        writer.writerows(
            [f"{cell:.10g}" if isinstance(cell, float) else cell for cell in row]
            for row in table.rows
        )
