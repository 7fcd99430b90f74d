"""Metrics of classification: scikit-learn's, and cases worked out by hand."""

import numpy as np
import pytest
from sklearn import metrics

from fairtrial.scoring import class_metrics as ours
from tests.facts import refused


def drawn(
    seed: int, n: int = 400, k: int = 12, absent: int = 2
) -> tuple[ours.Integers, ours.Floats]:
    """Labels that leave the last classes without an image, and probabilities that know a bit."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k - absent, n)
    logits = rng.normal(size=(n, k)) + 1.5 * np.eye(k)[truth]
    probabilities = np.exp(logits)
    return truth, probabilities / probabilities.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("seed", range(5))
def test_metrics_are_those_of_scikit_learn(seed: int) -> None:
    truth, probabilities = drawn(seed)
    predicted, classes = probabilities.argmax(axis=1), np.arange(probabilities.shape[1])
    values = ours.metrics(truth, probabilities)
    present = {"labels": np.unique(truth), "zero_division": 0.0}
    expected = {
        "accuracy": metrics.accuracy_score(truth, predicted),
        "top5": metrics.top_k_accuracy_score(truth, probabilities, k=5, labels=classes),
        "precision": metrics.precision_score(truth, predicted, average="macro", **present),
        "recall": metrics.recall_score(truth, predicted, average="macro", **present),
        "f1": metrics.f1_score(truth, predicted, average="macro", **present),
        "precision_micro": metrics.precision_score(truth, predicted, average="micro"),
        "recall_micro": metrics.recall_score(truth, predicted, average="micro"),
        "f1_micro": metrics.f1_score(truth, predicted, average="micro"),
        "log_loss": metrics.log_loss(truth, probabilities, labels=classes),
    }
    assert {name: values[name] for name in expected} == pytest.approx(expected, abs=1e-9)
    matrix = metrics.confusion_matrix(truth, predicted, labels=classes)
    assert (ours.confusion(truth, probabilities) == matrix).all()
    precision, recall, f1, images = metrics.precision_recall_fscore_support(
        truth, predicted, labels=classes, zero_division=0.0
    )
    per_class = ours.per_class(matrix)
    assert (per_class.images == images).all()
    for mine, theirs in ((per_class.precision, precision), (per_class.recall, recall)):
        assert mine == pytest.approx(theirs, abs=1e-9)
    assert per_class.f1 == pytest.approx(f1, abs=1e-9)


def test_calibration_by_hand() -> None:
    # Two images at 0.9 of which one is right: a gap of 0.4. Two at 0.6, both right: 0.4 too.
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6]])
    truth = np.array([0, 1, 1, 1])
    assert ours.metrics(truth, probabilities)["ece"] == pytest.approx(0.4)
    bins = ours.reliability(truth, probabilities)
    assert bins.images.sum() == 4
    assert bins.images.max() == 2


def test_confidence_on_the_border_of_two_bins_belongs_to_the_lower_one() -> None:
    bins = ours.reliability(np.array([0]), np.array([[0.6, 0.4]]))  # 9 / 15
    assert bins.images[8] == 1


def test_a_certain_mistake_has_a_finite_loss() -> None:
    assert np.isfinite(ours.log_loss(np.array([1]), np.array([[1.0, 0.0]])))


def test_equal_probabilities_prefer_the_lower_class() -> None:
    probabilities = np.full((1, 6), 1 / 6)
    assert ours.top_accuracy(np.array([4]), probabilities, 5) == 1.0
    assert ours.top_accuracy(np.array([5]), probabilities, 5) == 0.0


def test_no_image_is_an_error() -> None:
    with refused(ValueError, "no image"):
        ours.metrics(np.array([], int), np.zeros((0, 3)))


def test_a_perfect_log_loss_is_not_negative() -> None:
    assert str(ours.log_loss(np.array([1, 0]), np.eye(2)[::-1])) == "0.0"
