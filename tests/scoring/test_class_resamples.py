"""Metrics of classification on resamples, against the sets that they stand for."""

import numpy as np
import pytest

from fairtrial.scoring import class_metrics
from fairtrial.scoring.class_resamples import resampled
from fairtrial.scoring.resampling import UnitDraws
from fairtrial.scoring.task_metrics import TASK_METRICS
from tests.scoring.test_class_metrics import drawn


@pytest.mark.parametrize("seed", range(4))
def test_a_resample_has_the_metrics_of_the_images_it_draws(seed: int) -> None:
    truth, probabilities = drawn(seed, n=60, k=8)
    weights = np.random.default_rng(seed).multinomial(60, np.full(60, 1 / 60), size=5)
    weights = np.concatenate([np.ones((1, 60), dtype=int), weights])
    resamples, _ = resampled(truth, probabilities, UnitDraws(weights, np.arange(60), "images"))
    found = resamples.metrics
    assert set(found) == set(TASK_METRICS["classify"].all)
    for row, counts in enumerate(weights):
        copies = np.repeat(np.arange(60), counts)
        expected = class_metrics.metrics(truth[copies], probabilities[copies])
        values = {name: metric[row] for name, metric in found.items()}
        assert values == pytest.approx(expected, abs=1e-12)
