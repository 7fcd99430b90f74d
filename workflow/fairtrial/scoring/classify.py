"""The task `classify`: one class an image, scored on the probabilities of all classes.

The predictions of a side are a list of {"image_id", "scores"}, the scores a probability for
each category in the order of the category ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fairtrial import DataError
from fairtrial.data.dataset import Dataset
from fairtrial.files.jsonfile import read_json
from fairtrial.scoring import class_metrics as measures
from fairtrial.scoring.scores import Row, Scores, Table

PER_CLASS = ("split", "class", "images", "precision", "recall", "f1")
CURVES = ("split", "curve", "x", "y")
CONFUSION = ("split", "truth", "predicted", "count")
OFF_ONE = 1e-3  # by which the probabilities of an image may miss 1 (half precision, rounding)


@dataclass(frozen=True)
class SplitScores:
    """One side: class numbers (n,) and probabilities (n, k), and the names of the classes."""

    truth: measures.Integers
    likely: measures.Floats
    names: list[str]


def score(
    truths: Mapping[str, Dataset], files: Mapping[str, Path], settings: dict[str, Any]
) -> Scores:
    """Score the probabilities of each side; the most probable class is the prediction.

    There are no settings. Raises DataError where a file is malformed, or an image of the side
    has no class, several, or no probabilities.
    """
    sides = {side: _side(truth, files[side]) for side, truth in truths.items()}
    return Scores(
        {side: _metrics(found) for side, found in sides.items()},
        Table(PER_CLASS, _per_class(sides)),
        Table(CURVES, _curves(sides)),
        Table(CONFUSION, _confusion(sides)),
    )


def _side(truth: Dataset, file: Path) -> SplitScores:
    numbers = {category: n for n, category in enumerate(sorted(truth.categories))}
    classes = _classes(truth, file)
    likely = parse(read_json(file), file, list(classes), len(numbers))
    names = [name for _, name in sorted(truth.categories.items())]
    return SplitScores(
        np.array([numbers[c] for c in classes.values()], dtype=np.int64), likely, names
    )


def _classes(truth: Dataset, file: Path) -> dict[int, int]:
    """The category of each image, by image id."""
    found = {}
    for image, objects in sorted(truth.by_image().items()):
        if len(objects) != 1:
            raise DataError(f"{file}: image {image} has {len(objects)} classes instead of one")
        found[image] = objects[0].category_id
    return found


def parse(content: Any, where: object, images: list[int], classes: int) -> measures.Floats:
    """The probabilities (n, k) of `images` (ids, in order), each row adding up to 1.

    Raises DataError, naming `where`, if the content is not a list with one entry an image.
    """
    if not isinstance(content, list):
        raise DataError(f"{where}: expected a list, found {type(content).__name__}")
    rows = {}
    for number, entry in enumerate(content):
        try:
            rows[entry["image_id"]] = np.array(entry["scores"], dtype=np.float64)
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{where}: entry {number}: no image_id and scores ({error})") from error
    if sorted(rows) != sorted(images) or len(rows) != len(content):
        raise DataError(f"{where}: not one entry for each of the {len(images)} images of this side")
    if not images:
        return np.zeros((0, classes))
    if any(rows[image].shape != (classes,) for image in images):
        raise DataError(f"{where}: the scores are not probabilities of {classes} classes")
    likely: measures.Floats = np.array([rows[image] for image in images])
    sums: measures.Floats = likely.sum(axis=1)
    if not (abs(sums - 1) < OFF_ONE).all():
        raise DataError(f"{where}: the scores of an image are not probabilities: they miss 1")
    if not (likely >= 0).all():
        raise DataError(f"{where}: a probability is below 0")
    return likely / sums[:, None]


def _metrics(side: SplitScores) -> dict[str, float | int] | None:
    if not len(side.truth):
        return None
    n = len(side.truth)
    return {**measures.metrics(side.truth, side.likely), "images": n, "objects": n}


def _per_class(sides: Mapping[str, SplitScores]) -> Iterator[Row]:
    for name, side in sides.items():
        found = measures.per_class(measures.confusion(side.truth, side.likely))
        for n, label in enumerate(side.names if len(side.truth) else []):
            rates = (found.precision[n], found.recall[n], found.f1[n])
            defined = map(float, rates) if found.images[n] else (None, None, None)
            yield (name, label, int(found.images[n]), *defined)


def _curves(sides: Mapping[str, SplitScores]) -> Iterator[Row]:
    """Accuracy over confidence, and the share of images in each bin of confidence."""
    for name, side in sides.items():
        if not len(side.truth):
            continue
        found = measures.reliability(side.truth, side.likely)
        for n in np.flatnonzero(found.images):
            yield name, "reliability", float(found.confidence[n]), float(found.accuracy[n])
        for number, share in enumerate(found.images / len(side.truth)):
            yield name, "confidence", (number + 0.5) / measures.BINS, float(share)


def _confusion(sides: Mapping[str, SplitScores]) -> Iterator[Row]:
    for name, side in sides.items():
        counts = measures.confusion(side.truth, side.likely)
        for (row, column), count in np.ndenumerate(counts if len(side.truth) else counts[:0]):
            yield name, side.names[row], side.names[column], int(count)
