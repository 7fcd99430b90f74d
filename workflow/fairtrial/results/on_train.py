"""Scores on the images that the models learned from."""

from __future__ import annotations

from fairtrial.results.configuration import Configuration
from fairtrial.results.probes import read_probe
from fairtrial.results.run import FinishedRun
from fairtrial.settings.probes import TRAIN


def scores_on_train(configuration: Configuration, metric: str) -> list[float]:
    """A metric on train for each seed (or fold); none of predictions that were made elsewhere."""

    def read(run: FinishedRun) -> float | None:
        if run.record.elsewhere:
            return None
        metrics = read_probe(run.results, run.name, TRAIN).train
        if metrics is None or run.ranking_rule is None:
            return None
        if metric == run.ranking_rule.name:
            return run.ranking_rule.score(metrics.by_name())
        return metrics.by_name().get(metric)

    return configuration.averages(read)
