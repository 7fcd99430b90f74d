"""Score the predictions of one run: no model code and no GPU."""

from __future__ import annotations

import csv
import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairtrial import DataError
from fairtrial.data import dataset
from fairtrial.files import folders, jsonfile

if TYPE_CHECKING:
    from fairtrial.scoring.scores import Table


def validate(
    *,
    settings: dict[str, Any],
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
    task = importlib.import_module(f"fairtrial.scoring.{settings['task']}")
    whole, sides = dataset.read(annotations), jsonfile.read_json(split)
    files = {"val": val, "test": test}
    truths = {name: _one_side(whole, sides, name, split) for name in files}
    if not truths["val"].annotations:
        raise DataError(f"{split}: val has no objects, and choices are made on val")
    scored = task.score(truths, files, settings)
    jsonfile.write_json(metrics, scored.metrics)
    _write_csv(per_class, scored.per_class)
    _write_csv(curves, scored.curves)
    _write_csv(confusion, scored.confusion)


def _one_side(whole: dataset.Dataset, sides: Any, name: str, split: Path) -> dataset.Dataset:
    if not isinstance(sides, dict) or not isinstance(sides.get(name), list):
        raise DataError(f"{split}: no list of image ids under {name!r}")
    try:
        return whole.on_images(sides[name])
    except DataError as error:
        raise DataError(f"{split}: {name}: {error}") from error


def _write_csv(path: Path, table: Table) -> None:
    with folders.whole_file(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.header)
        writer.writerows(
            [f"{v:.10g}" if isinstance(v, float) else v for v in row] for row in table.rows
        )
