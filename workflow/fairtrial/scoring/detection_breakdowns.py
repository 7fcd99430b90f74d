"""What stands behind the metrics of detections: rows by kind of error, by size of objects and by
group, and the curves of each class.

Rows are tuples of cells; `validate` writes them. A split without images has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from fairtrial.scoring import curves, error_costs, groups, sizes
from fairtrial.scoring.detection_tables import Splits, with_images
from fairtrial.scoring.error_kinds import DetectionErrors
from fairtrial.scoring.matching import Floats
from fairtrial.scoring.resamples import Resamples, ResamplesFile
from fairtrial.scoring.resampling import UnitDraws
from fairtrial.scoring.scores import Row, Table

ERROR_KINDS = ("split", "kind", "count", "cost")
CLASS_CURVES = ("split", "class", "confidence", "precision", "recall", "f1")
CURVE_STEPS = 50  # between the confidences 0 and 1 of a class's curves


def tables(splits: Splits, confidence: float | None) -> dict[str, Table]:
    """The tables by the name of the file that each is for, without `.csv`."""
    return {
        "error_kinds": Table(ERROR_KINDS, _error_rows(splits)),
        "by_size": Table(sizes.BY_SIZE, _size_rows(splits)),
        "by_group": Table(groups.DETECTION_GROUPS, _group_rows(splits, confidence)),
        "class_curves": Table(CLASS_CURVES, _class_curve_rows(splits)),
    }


def with_error_costs(
    file: ResamplesFile, splits: Splits, draws: Mapping[str, UnitDraws]
) -> ResamplesFile:
    """The resamples of each split, and with them those of what each kind of error costs."""
    resamples = dict(file.splits)
    for name, split in with_images(splits):
        costs = error_costs.costs(split.errors, draws[name].weights)
        named = {error_costs.METRIC.format(kind): values for kind, values in costs.items()}
        known = resamples[name]
        metrics = {**known.metrics, **named}
        resamples[name] = Resamples(known.units, known.unit_name, metrics)
    return ResamplesFile(resamples)


def _error_rows(splits: Splits) -> Iterator[Row]:
    """Rows of ERROR_KINDS; the cost is None where no class has an AP50."""
    for name, split in with_images(splits):
        costs = _costs(split.errors)
        for kind, count in split.errors.counts().items():
            yield name, kind, count, costs[kind]


def _costs(errors: DetectionErrors) -> dict[str, float | None]:
    once: Floats = np.ones((1, len(errors.image_ids)))
    costs = {kind: float(values[0]) for kind, values in error_costs.costs(errors, once).items()}
    return {kind: None if np.isnan(cost) else cost for kind, cost in costs.items()}


def _size_rows(splits: Splits) -> Iterator[Row]:
    for name, split in with_images(splits):
        yield from sizes.size_rows(name, split.truth, split.pairs, split.sizes)


def _group_rows(splits: Splits, confidence: float | None) -> Iterator[Row]:
    """Rows of DETECTION_GROUPS; none without a confidence, on which all but their sizes depends."""
    if confidence is None:
        return
    for name, split in with_images(splits):
        yield from groups.detection_rows(name, split.truth, split.at_one_iou, confidence)


def _class_curve_rows(splits: Splits) -> Iterator[Row]:
    """Rows of CLASS_CURVES: each class that has objects at equally spaced confidences."""
    confidences = np.arange(CURVE_STEPS + 1) / CURVE_STEPS
    for name, split in with_images(splits):
        for category, label in sorted(split.truth.categories.items()):
            if category in split.classes:
                rates = curves.rates(split.classes[category], confidences)
                points = zip(confidences, rates.precision, rates.recall, rates.f1, strict=True)
                for x, precision, recall, f1 in points:
                    yield name, label, float(x), float(precision), float(recall), float(f1)
