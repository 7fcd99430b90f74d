"""Metrics of image classification, from the probabilities that a model gives to each class.

Throughout, `truth` is an array (n,) of class numbers 0 … k-1, one an image, and `probabilities`
one (n, k) whose rows add up to 1. Of equally probable classes the lower number comes first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

BINS = 15  # of confidence, equally wide
SMALLEST = 1e-15  # a probability of 0 would make the log loss infinite


@dataclass(frozen=True)
class PerClass:
    """For each class: images (k,), and precision, recall and F1 (k,), each 0 where undefined."""

    images: Integers
    precision: Floats
    recall: Floats
    f1: Floats


@dataclass(frozen=True)
class Reliability:
    """For each bin of confidence: images (BINS,), mean confidence and accuracy (NaN if empty)."""

    images: Integers
    confidence: Floats
    accuracy: Floats


def confusion(truth: Integers, probabilities: Floats) -> Integers:
    """The confusion matrix (k, k): images by true class (row) and most probable class (column)."""
    k = probabilities.shape[1]
    predicted = probabilities.argmax(axis=1)
    return np.bincount(truth * k + predicted, minlength=k * k).reshape(k, k)


def per_class(matrix: Integers) -> PerClass:
    """Precision, recall and F1 of every class, from a confusion matrix (k, k)."""
    hits = np.diag(matrix)
    predicted, images = matrix.sum(axis=0), matrix.sum(axis=1)
    return PerClass(
        images,
        _share(hits, predicted),
        _share(hits, images),
        _share(2 * hits, predicted + images),
    )


def metrics(truth: Integers, probabilities: Floats) -> dict[str, float]:
    """All metrics of one split, by name. Raises ValueError where it has no image.

    accuracy (top 1), top5; precision, recall and f1 as means over the classes that have images
    (macro) and, with `_micro`, over images, where one class an image makes all three the
    accuracy; log_loss (natural logarithm); ece, the expected calibration error.
    """
    if not len(truth):
        raise ValueError("no image")
    classes = per_class(confusion(truth, probabilities))
    present = classes.images > 0
    accuracy = top_accuracy(truth, probabilities, 1)
    return {
        "accuracy": accuracy,
        "top5": top_accuracy(truth, probabilities, 5),
        "precision": float(classes.precision[present].mean()),
        "recall": float(classes.recall[present].mean()),
        "f1": float(classes.f1[present].mean()),
        "precision_micro": accuracy,
        "recall_micro": accuracy,
        "f1_micro": accuracy,
        "log_loss": log_loss(truth, probabilities),
        "ece": calibration_error(reliability(truth, probabilities)),
    }


def top_accuracy(truth: Integers, probabilities: Floats, k: int) -> float:
    """The share of images whose class is among the `k` most probable ones."""
    return float(among_first(truth, probabilities, k).mean())


def among_first(truth: Integers, probabilities: Floats, k: int) -> NDArray[np.bool_]:
    """Whether the class of each image (n,) is among the `k` most probable ones."""
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
    among: NDArray[np.bool_] = (order == truth[:, None]).any(axis=1)
    return among


def log_loss(truth: Integers, probabilities: Floats) -> float:
    """The mean negative logarithm of the true class's probability."""
    return float(losses(truth, probabilities).mean())


def losses(truth: Integers, probabilities: Floats) -> Floats:
    """The negative logarithm of the true class's probability on each image (n,)."""
    of_truth = probabilities[np.arange(len(truth)), truth]
    negative: Floats = 0.0 - np.log(of_truth.clip(SMALLEST, 1.0))  # 0, not -0, of a certain truth
    return negative


def reliability(truth: Integers, probabilities: Floats) -> Reliability:
    """Confidence (the highest probability) against accuracy, in equally wide bins."""
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == truth
    bins = bin_of(confidence)
    images = np.bincount(bins, minlength=BINS)
    with np.errstate(invalid="ignore"):
        return Reliability(
            images,
            np.bincount(bins, confidence, BINS) / images,
            np.bincount(bins, correct, BINS) / images,
        )


def bin_of(confidence: Floats) -> Integers:
    """The bin 0 … BINS-1 of each confidence (n,); a bin has its upper end, not its lower one."""
    return np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)


def calibration_error(bins: Reliability) -> float:
    """Expected calibration error: the mean gap of accuracy and confidence over the bins,
    weighted by their images (Guo et al., 2017, On Calibration of Modern Neural Networks)."""
    gaps = np.abs(np.nan_to_num(bins.accuracy - bins.confidence))
    return float((gaps * bins.images).sum() / bins.images.sum())


def _share(part: Integers, whole: Integers) -> Floats:
    """part / whole, element by element; 0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
