"""What the report says of configurations that learned from val."""

from __future__ import annotations

from fairtrial.report.wording import LISTED, counted, listed, number
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.leaks import leaking
from fairtrial.results.run import METRIC_NAMES
from fairtrial.settings.choice import LEAK

SHOWN = 6  # configurations whose metrics on val and test are named


def leak_cautions(experiment: ExperimentResults) -> list[str]:
    """A sentence for each comparison with configurations that learned from val, with what that did
    as far as it can be seen."""
    sentences = []
    for comparison in experiment.comparisons:
        if found := leaking(comparison.configurations):
            sentences.append(
                f"{_names(found)} learned from augmented copies of the images of val ({LEAK}): "
                "best epoch, confidence and every choice on val are flattered by that, and are no "
                f"result; more images to learn from may help on test, too. {_seen(comparison)}"
            )
    return sentences


def _seen(comparison: Comparison) -> str:
    """`AP on val and test: A 0.912 and 0.701; B 0.803 and 0.756.`"""
    metric = comparison.metric
    if comparison.split != "test":
        return "There is no test set on which it could be seen."
    parts = [
        f"{c.letter} {number(c.mean('val', metric))} and {number(c.mean('test', metric))}"
        for c in comparison.ranked()[:SHOWN]
    ]
    return f"{METRIC_NAMES.get(metric, metric)} on val and test: {'; '.join(parts)}."


def leak_note(configurations: list[Configuration]) -> str:
    """What the answer says beside its verdict; "" where none learned from val."""
    if not (found := leaking(configurations)):
        return ""
    return f"{_names(found)} learned from val, on which the best is chosen."


def _names(configurations: list[Configuration]) -> str:
    if len(configurations) > LISTED:
        return counted(len(configurations), "configurations")
    return listed([c.letter for c in configurations])
