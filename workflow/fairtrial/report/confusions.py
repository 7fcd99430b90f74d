"""The section on confusions as plain data: the most frequent ones of the best configuration where
there are many classes, and a table where there is one class."""

from __future__ import annotations

from typing import TypedDict

from fairtrial.report.wording import UNDEFINED
from fairtrial.results.configuration import Configuration
from fairtrial.results.confusions import confusion_counts, counted_runs, row_names
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.run import BACKGROUND

MANY = 8  # with more classes than this the frequent confusions are listed, too
LISTED = 20  # confusions at most
ROWS = 30  # configurations of one class at most


class ConfusionPart(TypedDict):
    """A table on one comparison. `letter`: of the configuration that it is about; "" for all."""

    datasets: str
    split: str
    letter: str
    counted: str
    headings: list[str]
    rows: list[list[str]]
    left_out: int


def confusion_parts(experiment: ExperimentResults) -> list[ConfusionPart]:
    """A part for each comparison of one class or of many."""
    parts = []
    for comparison in experiment.comparisons:
        ranked = [c for c in comparison.ranked() if confusion_counts(c, comparison.split)]
        if not ranked:
            continue
        classes = [n for n in row_names(ranked[0], comparison.split) if n != BACKGROUND]
        if len(classes) == 1 and comparison.task == "detect":
            parts.append(_of_one_class(comparison, ranked, classes[0]))
        elif len(classes) > MANY:
            parts.append(_frequent(comparison, ranked[0]))
    return parts


def _of_one_class(comparison: Comparison, ranked: list[Configuration], name: str) -> ConfusionPart:
    """Found, missed and false alarms of each configuration."""
    rows = []
    for c in ranked[:ROWS]:
        counts = confusion_counts(c, comparison.split)
        numbers = [(name, name), (name, BACKGROUND), (BACKGROUND, name)]
        rows.append([c.letter, c.full_label, *(str(counts[pair]) for pair in numbers)])
    headings = ["", "", "found", "missed", "false alarms"]
    return _part(comparison, ranked[0], "", headings, rows, len(ranked) - len(rows))


def _frequent(comparison: Comparison, best: Configuration) -> ConfusionPart:
    """The classes that are most often taken for another one, with the share of their objects."""
    counts = confusion_counts(best, comparison.split)
    totals: dict[str, int] = {}
    for (truth, _), count in counts.items():
        totals[truth] = totals.get(truth, 0) + count
    wrong = [
        (pair, count)
        for pair, count in counts.items()
        if pair[0] != pair[1] and BACKGROUND not in pair and count
    ]
    ordered = sorted(wrong, key=lambda item: (-item[1], totals[item[0][0]], item[0]))
    rows = [
        [truth, predicted, str(count), _share(count, totals[truth])]
        for (truth, predicted), count in ordered[:LISTED]
    ]
    headings = ["class", "taken for", "how often", "of the class"]
    return _part(comparison, best, best.letter, headings, rows, len(ordered) - len(rows))


def _share(count: int, total: int) -> str:
    return f"{100 * count / total:.0f} %" if total else UNDEFINED


def _part(
    comparison: Comparison,
    first: Configuration,
    letter: str,
    headings: list[str],
    rows: list[list[str]],
    left_out: int,
) -> ConfusionPart:
    return {
        "datasets": comparison.names,
        "split": comparison.split,
        "letter": letter,
        "counted": counted_runs(first),
        "headings": headings,
        "rows": rows,
        "left_out": left_out,
    }
