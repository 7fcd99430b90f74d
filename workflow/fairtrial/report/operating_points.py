"""The section on operating points as plain data: sentences and tables."""

from __future__ import annotations

from typing import TypedDict

from fairtrial.report.wording import UNDEFINED, means, spread
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.operating_points import asked_for, froc_scores, values
from fairtrial.scoring.operating_points import (
    FALSE_ALARM_RATES,
    FALSE_ALARMS,
    PRECISION,
    RECALL,
)

SHOWN = 8  # configurations in the tables, the best on val
COLUMNS = ("confidence", "precision", "recall", FALSE_ALARMS)
HEADINGS = ["confidence", "precision", "recall", "false alarms per image"]


class PointRow(TypedDict):
    """One configuration. `cells`: a text for each column, or two for each rate of FROC: the
    sensitivity, and the false alarms per image that were reached."""

    letter: str
    label: str
    best: bool
    cells: list[list[str]]


class PointTable(TypedDict):
    """One thing that was asked for, such as a precision of 0.9."""

    title: str
    headings: list[str]
    rows: list[PointRow]


class OperatingPart(TypedDict):
    """The operating points of one comparison. `table`: which one, where there are several."""

    table: str
    split: str
    sentences: list[str]
    tables: list[PointTable]
    rates: list[str]
    froc: list[PointRow]
    repeated: str
    means: str
    left_out: int


def operating_parts(experiment: ExperimentResults) -> list[OperatingPart]:
    """A part for each comparison of detectors; none for classes of images."""
    if experiment.task != "detect":
        return []
    several = len(experiment.comparisons) > 1
    return [
        _part(comparison, f" (table {number})" if several else "")
        for number, comparison in enumerate(experiment.comparisons, 1)
        if asked_for(comparison, FALSE_ALARMS)
    ]


def _part(comparison: Comparison, table: str) -> OperatingPart:
    shown = comparison.ranked()[:SHOWN]
    asked = [(kind, value) for kind in (PRECISION, RECALL) for value in asked_for(comparison, kind)]
    rows = [_froc_row(c, comparison, c is shown[0]) for c in shown]
    return {
        "table": table,
        "split": comparison.split,
        "sentences": _sentences(shown[0], comparison, asked),
        "tables": [_table(shown, comparison, kind, value) for kind, value in asked],
        "rates": [f"{rate:g}" for rate in FALSE_ALARM_RATES],
        "froc": rows,
        "repeated": comparison.repeated,
        "means": means(comparison),
        "left_out": len(comparison.configurations) - len(shown),
    }


def _table(
    shown: list[Configuration], comparison: Comparison, kind: str, asked: float
) -> PointTable:
    other = {PRECISION: "Recall", RECALL: "Precision"}[kind]
    rows: list[PointRow] = [
        {
            "letter": c.letter,
            "label": c.short_label,
            "best": c is shown[0],
            "cells": [[_reached(c, comparison.split, kind, asked, column)] for column in COLUMNS],
        }
        for c in shown
    ]
    return {"title": f"{other} at a {kind} of {asked:g}", "headings": HEADINGS, "rows": rows}


def _reached(c: Configuration, split: str, kind: str, asked: float, column: str) -> str:
    """Mean ± standard deviation, and of how many seeds where not all reach it."""
    reached = values(c, split, kind, asked, column)
    count = len(c.repeats)
    if not reached or len(reached) == count:
        return spread(reached)
    return f"{spread(reached)} ({len(reached)} of {count})"


def _only_some(c: Configuration, reached: list[float]) -> str:
    """` (3 of its 5 folds)`; "" where all seeds or folds reach it."""
    count = len(c.repeats)
    return "" if len(reached) == count else f" ({len(reached)} of its {count} {c.repeated})"


def _froc_row(c: Configuration, comparison: Comparison, best: bool) -> PointRow:
    cells = [
        [_mean(c, comparison.split, rate, column) for column in ("sensitivity", FALSE_ALARMS)]
        for rate in FALSE_ALARM_RATES
    ]
    score = spread(froc_scores(c, comparison.split))
    return {
        "letter": c.letter,
        "label": c.short_label,
        "best": best,
        "cells": [*cells, [score]],
    }


def _mean(c: Configuration, split: str, rate: float, column: str) -> str:
    found = values(c, split, FALSE_ALARMS, rate, column)
    decimals = 3 if column == "sensitivity" else 2
    return f"{sum(found) / len(found):.{decimals}f}" if found else UNDEFINED


def _sentences(
    best: Configuration, comparison: Comparison, asked: list[tuple[str, float]]
) -> list[str]:
    """What the best configuration reaches at each operating point; nothing where it has no
    predictions on val, on which they are chosen."""
    if not best.predicted_val:
        return []
    sentences = [_sentence(best, comparison, kind, value) for kind, value in asked]
    split = comparison.split
    found = spread(values(best, split, FALSE_ALARMS, 1.0, "sensitivity"))
    alarms = spread(values(best, split, FALSE_ALARMS, 1.0, FALSE_ALARMS))
    if found != UNDEFINED:
        sentences.append(
            f"At the confidence that gives one false alarm per image on val, {best.letter} finds "
            f"{found} of all objects on {split}, with {alarms} false alarms per image there."
        )
    return sentences


def _sentence(best: Configuration, comparison: Comparison, kind: str, asked: float) -> str:
    split, letter = comparison.split, best.letter
    wanted = values(best, split, kind, asked, kind)
    other = RECALL if kind == PRECISION else PRECISION
    if not wanted:
        return f"On val {letter} reaches a {kind} of {asked:g} at no confidence."
    return (
        f"At the confidence that gives {letter} a {kind} of {asked:g} on val"
        f"{_only_some(best, wanted)}, it has on {split} a {kind} of {spread(wanted)} and a {other} "
        f"of {spread(values(best, split, kind, asked, other))}."
    )
