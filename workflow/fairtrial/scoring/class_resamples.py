"""The metrics of image classification on resamples of a split.

See `class_metrics` for the metrics, and for the shapes of `truth` and `probabilities`.
"""

from __future__ import annotations

import numpy as np

from fairtrial.scoring import class_metrics, class_spreads
from fairtrial.scoring import weighted_metrics as weighted
from fairtrial.scoring.class_metrics import BINS, Floats, Integers
from fairtrial.scoring.class_spreads import ClassSpreads
from fairtrial.scoring.resamples import Resamples
from fairtrial.scoring.resampling import UnitDraws


def resampled(
    truth: Integers, probabilities: Floats, draws: UnitDraws
) -> tuple[Resamples, ClassSpreads]:
    """All metrics of `class_metrics.metrics` on each resample, and the spreads of those of each
    class."""
    weights, k = draws.weights, probabilities.shape[1]
    predicted = probabilities.argmax(axis=1)
    correct = predicted == truth
    of_image = [
        correct,
        class_metrics.among_first(truth, probabilities, 5),
        class_metrics.losses(truth, probabilities),
    ]
    images = weights.sum(axis=1)
    sums = weighted.sums_by_class(weights, np.stack(of_image, axis=1)) / images[:, None]
    accuracy, top5, log_loss = sums.T
    counts = (
        weighted.sums_by_class(weights, _one_hot(truth, k) * correct[:, None]),
        weighted.sums_by_class(weights, _one_hot(predicted, k)),
        weighted.sums_by_class(weights, _one_hot(truth, k)),
    )
    rates = weighted.macro_rates(*counts)
    confidence = probabilities.max(axis=1)
    gaps = _one_hot(class_metrics.bin_of(confidence), BINS) * (correct - confidence)[:, None]
    ece = np.abs(weighted.sums_by_class(weights, gaps)).sum(axis=1) / images
    metrics = {
        "accuracy": accuracy,
        "top5": top5,
        "precision": rates.precision,
        "recall": rates.recall,
        "f1": rates.f1,
        **dict.fromkeys(("precision_micro", "recall_micro", "f1_micro"), accuracy),
        "log_loss": log_loss,
        "ece": ece,
    }
    of_classes = class_spreads.by_class(*counts)
    spreads = class_spreads.class_spreads(of_classes, _one_hot(truth, k).astype(np.int64), draws)
    return Resamples(draws.units, draws.unit_name, metrics), spreads


def _one_hot(numbers: Integers, count: int) -> Floats:
    """(n, count): 1 in the column of each number."""
    rows = np.zeros((len(numbers), count))
    rows[np.arange(len(numbers)), numbers] = 1
    return rows
