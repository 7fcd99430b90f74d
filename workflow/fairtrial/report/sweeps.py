"""What the report says of each parameter that was swept: a sentence and a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fairtrial.report.answer import mark, spread
from fairtrial.results.experiment import ExperimentResults
from fairtrial.results.run import METRIC_NAMES as LONG
from fairtrial.results.significance import Gap
from fairtrial.results.sweeps import METRIC_NAMES, METRICS, Sweep, sweeps

UNTOLD = (
    "With one seed each nobody can say which of the differences are more than chance; three seeds "
    "or more would show it."
)
MANY = 6  # values from which on they are counted rather than named


def swept(trial: ExperimentResults, parameters: Iterable[str]) -> list[dict[str, Any]]:
    """A part for each sweep of each comparison."""
    parameters = list(parameters)
    return [
        _part(found, number, len(trial.comparisons) > 1)
        for number, comparison in enumerate(trial.comparisons, 1)
        for found in sweeps(comparison, parameters)
    ]


def _part(found: Sweep, number: int, several: bool) -> dict[str, Any]:
    comparison, best, gaps = found.comparison, found.best, found.gaps(found.comparison.metric)
    shown = METRICS[comparison.task]
    extra = [] if comparison.metric in shown else [comparison.metric]
    rows = []
    for c, text in zip(found.members, found.texts, strict=True):
        figures = [spread(c.scores(comparison.split, m)) for m in [*extra, *shown]]
        rows.append(
            {
                "best": c is best,
                "cells": [*figures, text],
                "mark": mark(gaps[c.letter]) if c.letter in gaps else "",
                "repeats": str(len(c.repeats)),
            }
        )
    return {
        "parameter": found.parameter,
        "table": f" (table {number})" if several else "",
        "figure": f"sweep-{number}-{found.parameter}.svg",
        "answer": in_words(found, gaps),
        "heads": [
            *(LONG.get(m, m) for m in extra),
            *(METRIC_NAMES[m] for m in shown),
            found.parameter,
        ],
        "rows": rows,
        "over": found.members[0].repeated,
        "where": f"On {comparison.split} of {comparison.names}, {_means(found)}.",
        "rule": comparison.ranking_rule.label,
        "tests": max((gap.tests for gap in gaps.values() if gap.p is not None), default=0),
    }


def _means(found: Sweep) -> str:
    if max(len(c.repeats) for c in found.members) == 1:
        return "one seed each"
    return f"mean ± standard deviation over {found.members[0].repeated}"


def in_words(found: Sweep, gaps: dict[str, Gap]) -> str:
    """Which value is best on val, and from which others that can be told."""
    comparison, best = found.comparison, found.best
    if best is None:
        return f"No value of {found.parameter} has a figure for {comparison.ranking_rule.label}."
    reached = spread(best.scores(comparison.split, comparison.metric))
    said = [
        f"{found.label(best)} has the highest {comparison.ranking_rule.label} on val"
        + (f"; on {comparison.split} it reaches {reached}." if comparison.split != "val" else ".")
    ]
    others = [c for c in found.members if c is not best and c.letter in gaps]
    untested = [c for c in others if gaps[c.letter].p is None]
    if others and len(untested) == len(others):
        return f"{said[0]} {UNTOLD}"
    kinds = {
        "cannot be told apart from it": [c for c in others if not gaps[c.letter].apart],
        "lower by more than chance": [
            c for c in others if gaps[c.letter].apart and gaps[c.letter].gap > 0
        ],
        "higher by more than chance": [
            c for c in others if gaps[c.letter].apart and gaps[c.letter].gap < 0
        ],
    }
    for verdict, members in kinds.items():
        if members:
            texts = [found.text(c) for c in members]
            said.append(_sentence(texts, len(others), verdict))
    return " ".join(said)


def _sentence(texts: list[str], others: int, verdict: str) -> str:
    """`Cannot be told apart from it: 0.5, 0.55.`; all of many are not named."""
    who = ", ".join(texts)
    if len(texts) == others and others > 1:
        who = f"all {others} others"
    elif len(texts) > MANY:
        who = f"{len(texts)} of the {others} others ({who})"
    return f"{verdict[0].upper()}{verdict[1:]}: {who}."
