"""What a configuration takes for what: its confusion matrix as counts."""

from __future__ import annotations

from collections import Counter

from fairtrial.results.configuration import Configuration
from fairtrial.results.run import BACKGROUND


def confusion_counts(configuration: Configuration, split: str) -> Counter[tuple[str, str]]:
    """(true class, predicted class) → objects or images: of the first seed or, of folds, of all of
    them together."""
    runs = [repeat[0] for repeat in configuration.repeats]
    counts: Counter[tuple[str, str]] = Counter()
    for run in runs if configuration.folds else runs[:1]:
        counts.update(run.confusion.get(split, {}))
    return counts


def counted_runs(configuration: Configuration) -> str:
    """Whose counts these are: `first seed`, or `all folds together`."""
    return "all folds together" if configuration.folds else "first seed"


def row_names(configuration: Configuration, split: str) -> list[str]:
    """Names of the rows: the classes and, of detection, the background as the last."""
    names = dict.fromkeys(truth for truth, _ in confusion_counts(configuration, split))
    background = [BACKGROUND] if configuration.first.task == "detect" else []
    return [n for n in names if n not in background] + background
