"""The section on calibration as plain data: how far confidence and correctness lie apart."""

from __future__ import annotations

from typing import TypedDict

from fairtrial.report.wording import UNDEFINED, means, number, spread
from fairtrial.results.calibration import Calibration, errors, overall
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison, ExperimentResults

SHOWN = 8  # configurations in the table, the best on val
CALIBRATED = 0.02  # a smaller gap of mean confidence and precision is not called a bias


class CalibrationRow(TypedDict):
    """One configuration: error, number of predictions a run, mean confidence, share that is
    right."""

    letter: str
    label: str
    best: bool
    cells: list[str]


class CalibrationPart(TypedDict):
    """The calibration of one comparison. `table`: which one, where there are several."""

    table: str
    split: str
    sentence: str
    rows: list[CalibrationRow]
    repeated: str
    means: str
    left_out: int


def calibration_parts(experiment: ExperimentResults) -> list[CalibrationPart]:
    """A part for each comparison."""
    several = len(experiment.comparisons) > 1
    return [
        _part(comparison, f" (table {number})" if several else "")
        for number, comparison in enumerate(experiment.comparisons, 1)
        if any(run.calibration for c in comparison.configurations for run in c.runs)
    ]


def _part(comparison: Comparison, table: str) -> CalibrationPart:
    shown = comparison.ranked()[:SHOWN]
    return {
        "table": table,
        "split": comparison.split,
        "sentence": _sentence(shown[0], comparison),
        "rows": [_row(c, comparison, c is shown[0]) for c in shown],
        "repeated": comparison.repeated,
        "means": means(comparison),
        "left_out": len(comparison.configurations) - len(shown),
    }


def _row(c: Configuration, comparison: Comparison, best: bool) -> CalibrationRow:
    together = overall(c, comparison.split)
    means = (
        [f"{together.count / len(c.runs):.0f}", number(together.confidence)]
        if together
        else ["0", UNDEFINED]
    )
    right = number(together.precision) if together else UNDEFINED
    error = spread(errors(c, comparison.split))
    return {
        "letter": c.letter,
        "label": c.short_label,
        "best": best,
        "cells": [error, *means, right],
    }


def _sentence(best: Configuration, comparison: Comparison) -> str:
    """Whether the confidences of the best configuration can be taken at their word."""
    together = overall(best, comparison.split)
    what = "detections above a confidence of 0.3" if comparison.task == "detect" else "images"
    if together is None:
        return f"On {comparison.split} {best.letter} has no {what}."
    return (
        f"{best.letter} is {_bias(together)}: the mean confidence of its {what} on "
        f"{comparison.split} is {number(together.confidence)}, and the share that is right "
        f"{number(together.precision)}."
    )


def _bias(together: Calibration) -> str:
    gap = together.confidence - together.precision
    if abs(gap) < CALIBRATED:
        return "neither over- nor underconfident on the whole"
    return "overconfident" if gap > 0 else "underconfident"
