"""Sentences on metrics on val that fall from their peak to the end of the trainings."""

from __future__ import annotations

from fairtrial.report.wording import counted, number
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.run import METRIC_NAMES
from fairtrial.scoring.falling import Fall, fall


def falling_metrics(experiment: ExperimentResults) -> list[str]:
    """A sentence for the metric that ranks and one for recall, where one falls with the epochs."""
    sentences: list[str] = []
    for comparison in experiment.comparisons:
        for metric in dict.fromkeys((comparison.metric, "recall")):
            sentences += _sentence(comparison, metric)
    return sentences


def _sentence(comparison: Comparison, metric: str) -> list[str]:
    falls = [(c, found) for c in comparison.configurations if (found := _fall(c, metric))]
    if not falls:
        return []
    name = METRIC_NAMES.get(metric, metric)
    parts = [_part(c, found) for c, found in falls]
    kept = "The weights are those of the best epoch by fitness on val, not of the last one."
    return [f"{name} on val falls with the epochs: {'; '.join(parts)}. {kept}"]


def _fall(configuration: Configuration, metric: str) -> Fall | None:
    """The fall of a metric of the history; None where a run has none."""
    histories = [run.history for runs in configuration.repeats for run in runs[:1]]
    curves = [history.get(f"val/{metric}", []) for history in histories]
    return fall(curves)


def _part(configuration: Configuration, found: Fall) -> str:
    """`A from 0.620 around epoch 12 to 0.551 at the end (3 seeds)`."""
    over = counted(found.curves, configuration.repeated) if found.curves > 1 else "one seed"
    return (
        f"{configuration.letter} from {number(found.peak)} around epoch {found.epoch} to "
        f"{number(found.end)} at the end ({over})"
    )
