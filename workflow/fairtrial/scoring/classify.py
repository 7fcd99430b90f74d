"""The task `classify`: one class an image, scored on the probabilities of all classes.

The predictions of a split are a list of {"image_id", "scores"}, the scores a probability for
each category in the order of the category ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fairtrial import DataError
from fairtrial.data.dataset import Dataset
from fairtrial.files.jsonfile import read_json
from fairtrial.scoring import (
    class_metrics,
    class_resamples,
    class_spreads,
    detection_breakdowns,
    groups,
    sizes,
)
from fairtrial.scoring.class_spreads import ClassSpreads
from fairtrial.scoring.detection_calibration import CALIBRATION, ConfidenceBins, bin_rows
from fairtrial.scoring.operating_points import OPERATING_POINTS
from fairtrial.scoring.resamples import ResamplesFile
from fairtrial.scoring.resampling import UnitDraws
from fairtrial.scoring.scores import (
    CONFUSION,
    CURVES,
    ClassificationMetrics,
    ClassificationMetricsFile,
    Row,
    Scores,
    Table,
)

CLASS_METRICS = ("precision", "recall", "f1")
PER_CLASS = ("split", "class", "images", *CLASS_METRICS, *class_spreads.columns(CLASS_METRICS))
TOLERANCE = 1e-3  # by which the sum of an image's probabilities may differ from 1 (half precision)


@dataclass(frozen=True)
class SplitPredictions:
    """One split: true class numbers (n,), probabilities (n, k) and the names of the k classes."""

    truth: class_metrics.Integers
    probabilities: class_metrics.Floats
    names: list[str]


def score(
    truths: Mapping[str, Dataset], files: Mapping[str, Path], draws: Mapping[str, UnitDraws]
) -> Scores:
    """Score the probabilities of val and test; the most probable class is the prediction.

    `truths` has the ground truth, `files` the predictions and `draws` the resamples of both splits
    (a split without images needs none). Raises DataError
    where a file is malformed, val has no image, or an image has no probabilities or not exactly
    one class.
    """
    splits = {split: _read(truth, files[split]) for split, truth in truths.items()}
    val = _metrics(splits["val"])
    if val is None:
        raise DataError(f"{files['val']}: val has no images")
    resampled = {
        name: class_resamples.resampled(split.truth, split.probabilities, draws[name])
        for name, split in _with_images(splits)
    }
    return Scores(
        ClassificationMetricsFile(val=val, test=_metrics(splits.get("test"))),
        Table(PER_CLASS, _per_class(splits, {name: s for name, (_, s) in resampled.items()})),
        Table(CURVES, _curves(splits)),
        Table(CONFUSION, _confusion(splits)),
        ResamplesFile({name: resamples for name, (resamples, _) in resampled.items()}),
        error_kinds=Table(detection_breakdowns.ERROR_KINDS, []),
        by_size=Table(sizes.BY_SIZE, []),
        by_group=Table(groups.CLASSIFICATION_GROUPS, _groups(splits, truths)),
        class_curves=Table(detection_breakdowns.CLASS_CURVES, []),
        operating_points=Table(OPERATING_POINTS, []),
        calibration=Table(CALIBRATION, _calibration(splits)),
    )


def _read(truth: Dataset, file: Path) -> SplitPredictions:
    numbers = {category: number for number, category in enumerate(sorted(truth.categories))}
    categories = _categories(truth, file)
    probabilities = parse(read_json(file), file, list(categories), len(numbers))
    names = [name for _, name in sorted(truth.categories.items())]
    classes = np.array([numbers[category] for category in categories.values()], dtype=np.int64)
    return SplitPredictions(classes, probabilities, names)


def _categories(truth: Dataset, file: Path) -> dict[int, int]:
    """The category id of each image, by image id."""
    categories = {}
    for image_id, objects in sorted(truth.by_image().items()):
        if len(objects) != 1:
            raise DataError(f"{file}: image {image_id} has {len(objects)} classes instead of one")
        categories[image_id] = objects[0].category_id
    return categories


def parse(
    content: object, where: object, image_ids: list[int], classes: int
) -> class_metrics.Floats:
    """The probabilities (n, k) of the images, in the order of `image_ids`; rows add up to 1.

    `content` is a parsed file of predictions, `classes` the number k. Raises DataError, naming
    `where`, if it is not a list with one entry an image.
    """
    if not isinstance(content, list):
        raise DataError(f"{where}: expected a list, found {type(content).__name__}")
    rows: dict[int, class_metrics.Floats] = {}
    for number, entry in enumerate(content):
        try:
            rows[entry["image_id"]] = np.array(entry["scores"], dtype=np.float64)
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{where}: entry {number}: no image_id and scores ({error})") from error
    if sorted(rows) != sorted(image_ids) or len(rows) != len(content):
        raise DataError(
            f"{where}: not one entry for each of the {len(image_ids)} images of this split"
        )
    if not image_ids:
        return np.zeros((0, classes))
    if any(rows[image_id].shape != (classes,) for image_id in image_ids):
        raise DataError(f"{where}: the scores are not probabilities of {classes} classes")
    return _normalised(np.array([rows[image_id] for image_id in image_ids]), where)


def _normalised(probabilities: class_metrics.Floats, where: object) -> class_metrics.Floats:
    """Probabilities (n, k) whose rows add up to 1. Raises DataError where they miss that by more
    than TOLERANCE, or one is negative."""
    sums: class_metrics.Floats = probabilities.sum(axis=1)
    if not (abs(sums - 1) < TOLERANCE).all():
        raise DataError(
            f"{where}: the scores of an image are not probabilities: they do not add up to 1"
        )
    if not (probabilities >= 0).all():
        raise DataError(f"{where}: a probability is below 0")
    return probabilities / sums[:, None]


def _metrics(split: SplitPredictions | None) -> ClassificationMetrics | None:
    """The metrics of a split; None for one without images or without labels."""
    if split is None or not len(split.truth):
        return None
    count = len(split.truth)
    metrics = class_metrics.metrics(split.truth, split.probabilities)
    return ClassificationMetrics.model_validate({**metrics, "images": count, "objects": count})


def _with_images(
    splits: Mapping[str, SplitPredictions],
) -> Iterator[tuple[str, SplitPredictions]]:
    return ((name, split) for name, split in splits.items() if len(split.truth))


def _per_class(
    splits: Mapping[str, SplitPredictions], spreads: Mapping[str, ClassSpreads]
) -> Iterator[Row]:
    for name, split in _with_images(splits):
        classes = class_metrics.per_class(class_metrics.confusion(split.truth, split.probabilities))
        for number, label in enumerate(split.names):
            images = int(classes.images[number])
            rates = (classes.precision[number], classes.recall[number], classes.f1[number])
            defined = map(float, rates) if images else (None, None, None)
            yield (name, label, images, *defined, *spreads[name].cells(number))


def _curves(splits: Mapping[str, SplitPredictions]) -> Iterator[Row]:
    """Accuracy over confidence, and the share of images in each bin of confidence."""
    for name, split in _with_images(splits):
        bins = class_metrics.reliability(split.truth, split.probabilities)
        for index in np.flatnonzero(bins.images):
            confidence, accuracy = bins.confidence[index], bins.accuracy[index]
            yield name, "reliability", float(confidence), float(accuracy)
        for number, share in enumerate(bins.images / len(split.truth)):
            yield name, "confidence", (number + 0.5) / class_metrics.BINS, float(share)


def _calibration(splits: Mapping[str, SplitPredictions]) -> Iterator[Row]:
    """A row a bin of confidence; its `precision` is the accuracy."""
    for name, split in _with_images(splits):
        bins = class_metrics.reliability(split.truth, split.probabilities)
        yield from bin_rows(name, ConfidenceBins(bins.images, bins.confidence, bins.accuracy))


def _confusion(splits: Mapping[str, SplitPredictions]) -> Iterator[Row]:
    for name, split in _with_images(splits):
        matrix = class_metrics.confusion(split.truth, split.probabilities)
        for (true, predicted), count in np.ndenumerate(matrix):
            yield name, split.names[true], split.names[predicted], int(count)


def _groups(splits: Mapping[str, SplitPredictions], truths: Mapping[str, Dataset]) -> Iterator[Row]:
    for name, split in _with_images(splits):
        image_ids = np.array(sorted(image.id for image in truths[name].images), dtype=np.int64)
        right = split.probabilities.argmax(axis=1) == split.truth
        yield from groups.classification_rows(name, truths[name], image_ids, right)
