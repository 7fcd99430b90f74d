"""submission: predictions of a run in the names and ids of others, checked against a template."""

from __future__ import annotations

from pathlib import Path

from fairtrial import DataError, SettingsError
from fairtrial.commands._submission_images import (
    Predicted,
    predicted_images,
    predicted_split,
    run_of,
)
from fairtrial.commands._submission_rows import as_coco, as_table
from fairtrial.commands._submission_template import CocoTemplate, TableTemplate, read_template
from fairtrial.files.folders import whole_file
from fairtrial.files.text import counted


def submission(
    *,
    run: str,
    to: Path,
    split: str | None = None,
    images: Path | None = None,
    template: Path | None = None,
    confidence: float = 0.001,
    threads: int = 1,
) -> None:
    """Write the predictions of a finished run for others to score.

    Of val or test of its data set, in the source's own file names and ids; or of images without
    labels, as of a competition. A JSON is a COCO results list, a CSV a table. With a template the
    file has its ids, classes and columns, and what does not match is refused.

    Args:
        run: <experiment>/<run>, a folder in results/
        to: the file to write, .json or .csv
        split: val or test, whose stored predictions are written
        images: a folder of images, or a text file that lists some relative to itself, which are
            predicted now
        template: COCO JSON with the images and categories that are asked for, or a CSV with a row
            an image and the columns that are asked for
        confidence: least confidence of a detection that is written
        threads: CPU threads
    """
    if (split is None) == (images is None):
        raise SettingsError("name the images by --split or by --images, and not by both")
    if to.suffix not in (".json", ".csv"):
        raise SettingsError(f"--to: {to}: must end in .json or .csv")
    asked = read_template(template) if template is not None else None
    expected = {".json": CocoTemplate, ".csv": TableTemplate}[to.suffix]
    if asked is not None and not isinstance(asked, expected):
        raise SettingsError(f"--template: {template} is of another kind than --to {to}")
    finished = run_of(run)
    if split is not None:
        predicted = predicted_split(finished, split)
    else:
        assert images is not None
        predicted = predicted_images(finished, images, confidence, threads)
    predicted = predicted.above(confidence)
    if asked is not None:
        predicted = asked.checked(predicted, str(template))
    _write(predicted, asked, to)


def _write(predicted: Predicted, asked: CocoTemplate | TableTemplate | None, to: Path) -> None:
    if to.exists():
        raise DataError(f"--to: {to} exists; nothing is overwritten")
    if to.suffix == ".json":
        text = as_coco(predicted, asked if isinstance(asked, CocoTemplate) else None)
    else:
        text = as_table(predicted, asked if isinstance(asked, TableTemplate) else None)
    with whole_file(to) as file:
        file.write(text)
    rows = sum(len(image.boxes) for image in predicted.images)
    what = counted(rows, "detection") if predicted.task == "detect" else "a class each"
    print(f"{to}: {counted(len(predicted.images), 'image')}, {what}")
