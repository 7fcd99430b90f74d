"""The section on the number of training images as plain data: would more of them help?"""

from __future__ import annotations

from typing import TypedDict

from fairtrial.report.wording import UNDEFINED, interval, number, signed, spread
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import ExperimentResults
from fairtrial.results.learning_curve import LearningCurve, learning_curves
from fairtrial.results.significance import Gap


class LearningRow(TypedDict):
    """One share: its letter, the share, images of train, seeds, metric and its interval."""

    letter: str
    cells: list[str]


class LearningPart(TypedDict):
    """One curve. `label`: what sets it apart from the others, "" where there is only one."""

    table: str
    label: str
    sentence: str
    metric: str
    split: str
    repeated: str
    rows: list[LearningRow]


def learning_parts(experiment: ExperimentResults) -> list[LearningPart]:
    """A part for each curve of each comparison."""
    several = len(experiment.comparisons) > 1
    parts = []
    for place, comparison in enumerate(experiment.comparisons, 1):
        curves = learning_curves(comparison)
        table = f" (table {place})" if several else ""
        parts += [_part(curve, table, curve.label if len(curves) > 1 else "") for curve in curves]
    return parts


def _part(curve: LearningCurve, table: str, label: str) -> LearningPart:
    comparison = curve.comparison
    pairs = zip(curve.members, curve.images, strict=True)
    return {
        "table": table,
        "label": label,
        "sentence": learning_sentence(curve),
        "metric": comparison.metric,
        "split": comparison.split,
        "repeated": comparison.repeated,
        "rows": [{"letter": c.letter, "cells": _cells(curve, c, n)} for c, n in pairs],
    }


def _cells(curve: LearningCurve, c: Configuration, images: float) -> list[str]:
    metric = curve.comparison.metric
    limits = curve.interval(c, metric)
    between = f"{signed(limits[0])} to {signed(limits[1])}" if limits else UNDEFINED
    scores = c.scores(curve.comparison.split, metric)
    share = f"{float(str(c.settings['train_share'])):g}"
    return [share, f"{images:.0f}", str(len(c.repeats)), spread(scores), between]


def learning_sentence(curve: LearningCurve) -> str:
    """Whether more images would help, by what the last step to more of them gave."""
    metric, split = curve.comparison.metric, curve.comparison.split
    gap = curve.gain(metric)
    before, after = (f"{images:.0f}" for images in curve.images[-2:])
    if gap is None or curve.images[-1] <= curve.images[-2]:
        return f"What more images than {before} give is not known: no value, or no more images."
    moved = "rises" if gap.gap >= 0 else "falls"
    step = f"From {before} to {after} images in train {metric} on {split} {moved} by "
    step += number(abs(gap.gap))
    if between := interval(gap):
        step += f" (95 %: {between})"
    return f"{step}. {_conclusion(gap, curve.doublings)}"


def _conclusion(gap: Gap, doublings: float) -> str:
    if gap.p is None:
        return (
            "With one seed a share nobody knows what another training would give: train each share "
            "with three seeds or more."
        )
    each = f"{abs(gap.gap) / doublings:.3f} for each doubling"
    if not gap.apart:
        most = (
            f": the last step may have given up to {gap.high:.3f}, or nothing" if gap.high else ""
        )
        return f"It cannot be told whether more images like these would help{most}."
    if gap.gap < 0:
        return "More images did not help here: train longer, or with a larger model."
    return f"More images like these would probably help further: the last step gave {each}."
