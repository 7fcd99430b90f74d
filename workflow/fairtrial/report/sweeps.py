"""The section on sweeps as plain data: sentences and a table for each swept parameter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict

from fairtrial.report.wording import Verdict, mark, spread, verdict
from fairtrial.results.experiment import ExperimentResults
from fairtrial.results.run import METRIC_NAMES as LONG
from fairtrial.results.significance import Gap
from fairtrial.results.sweeps import METRICS, Sweep, sweeps

UNKNOWN = "Trained once each: which of the differences another training would repeat, nobody knows."
VERDICTS: dict[Verdict, str] = {
    "not told apart": "cannot be told apart from it",
    "worse": "lower by more than chance",
    "better": "higher by more than chance",
    "not tested": "not tested",
}
MANY = 6  # a sentence that lists more values than this also gives their number
TOO_MANY = 12  # and of more than these their number alone: the table has them


class SweepRow(TypedDict):
    """One value of a parameter. `cells`: the value, then its metrics; `mark`: how it compares with
    the best value."""

    best: bool
    cells: list[str]
    mark: str
    repeats: str


class SweepPart(TypedDict):
    """One parameter in one comparison. `figure` is the file of its figure."""

    parameter: str
    table: str
    figure: str
    answer: str
    headings: list[str]
    rows: list[SweepRow]
    repeated: str
    note: str
    rule: str


def sweep_parts(experiment: ExperimentResults, parameters: Iterable[str]) -> list[SweepPart]:
    """A part for each sweep of each comparison."""
    parameters = list(parameters)
    return [
        _part(sweep, number, len(experiment.comparisons) > 1)
        for number, comparison in enumerate(experiment.comparisons, 1)
        for sweep in sweeps(comparison, parameters)
    ]


def _part(sweep: Sweep, number: int, several: bool) -> SweepPart:
    """`number`: of the comparison, which the heading names where there are `several`."""
    comparison, best, gaps = sweep.comparison, sweep.best, sweep.gaps(sweep.comparison.metric)
    metrics = METRICS[comparison.task]
    extra = [] if comparison.metric in metrics else [comparison.metric]
    rows: list[SweepRow] = []
    for c, text in zip(sweep.members, sweep.texts, strict=True):
        values = [spread(c.scores(comparison.split, m)) for m in [*extra, *metrics]]
        rows.append(
            {
                "best": c is best,
                "cells": [text, *values],
                "mark": mark(gaps[c.letter]) if c.letter in gaps else "",
                "repeats": str(len(c.repeats)),
            }
        )
    names = [*(LONG.get(m, m) for m in extra), *(LONG.get(m, m) for m in metrics)]
    return {
        "parameter": sweep.parameter,
        "table": f" (table {number})" if several else "",
        "figure": f"sweep-{number}-{sweep.parameter}.svg",
        "answer": " ".join(filter(None, (sweep_text(sweep, gaps), other_bests(sweep)))),
        "headings": [sweep.parameter, *names],
        "rows": rows,
        "repeated": sweep.members[0].repeated,
        "note": f"On {comparison.split} of {comparison.names}, {_means(sweep)}.",
        "rule": comparison.ranking_rule.label,
    }


def _means(sweep: Sweep) -> str:
    if max(len(c.repeats) for c in sweep.members) == 1:
        return "one seed each"
    return f"mean ± standard deviation over {sweep.members[0].repeated}"


def sweep_text(sweep: Sweep, gaps: dict[str, Gap]) -> str:
    """Which value is best on val, and from which others it can be told apart.

    `gaps`: letter → how far the best value lies above the others.
    """
    comparison, best = sweep.comparison, sweep.best
    rule = comparison.ranking_rule.label
    if best is None:
        return f"No value of {sweep.parameter} has a value of {rule}."
    first = f"{sweep.label(best)} has the highest {rule} on val"
    if comparison.split != "val":
        reached = spread(best.scores(comparison.split, comparison.metric))
        first += f"; on {comparison.split} it reaches {reached}"
    sentences = [f"{first}."]
    others = [c for c in sweep.members if c is not best and c.letter in gaps]
    untested = [c for c in others if gaps[c.letter].p is None]
    if others and len(untested) == len(others):
        return f"{sentences[0]} {UNKNOWN}"
    for wanted, text in VERDICTS.items():
        members = [sweep.text(c) for c in others if verdict(gaps[c.letter]) == wanted]
        if members:
            sentences.append(_sentence(members, len(others), text))
    return " ".join(sentences)


def other_bests(sweep: Sweep) -> str:
    """Which value is the best on val by each other metric, where that is another: the next question
    may begin with it."""
    found = []
    for metric in METRICS[sweep.comparison.task]:
        means = {c.letter: c.mean("val", metric) for c in sweep.members}
        known = {letter: mean for letter, mean in means.items() if mean is not None}
        best = max(known, key=lambda letter: known[letter], default=None)
        if best is None or sweep.best is None or known[best] == means[sweep.best.letter]:
            continue
        member = next(c for c in sweep.members if c.letter == best)
        found.append(f"{LONG.get(metric, metric)} at {sweep.text(member)}")
    return f"Other metrics on val are highest elsewhere: {', '.join(found)}." if found else ""


def _sentence(texts: list[str], others: int, verdict: str) -> str:
    """`Cannot be told apart from it: 0.5, 0.55.`; `all 3 others` instead of a list of all values.

    texts: the values with this verdict; others: the number of all values but the best.
    """
    values = ", ".join(texts)
    if len(texts) == others and others > 1:
        values = f"all {others} others"
    elif len(texts) > TOO_MANY:
        values = f"{len(texts)} of the {others} others"
    elif len(texts) > MANY:
        values = f"{len(texts)} of the {others} others ({values})"
    return f"{verdict[0].upper()}{verdict[1:]}: {values}."
