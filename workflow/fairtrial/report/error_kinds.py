"""Why the best one wins: how many errors of each kind configurations make, and what these cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypedDict

from fairtrial.report.wording import UNDEFINED, listed, means, name, number, signed, spread
from fairtrial.results.breakdowns import KIND_NAMES
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison
from fairtrial.results.run import FinishedRun
from fairtrial.results.significance import Gap, gaps_to, interval_of, interval_over
from fairtrial.scoring import error_kinds
from fairtrial.scoring.error_costs import METRIC
from fairtrial.scoring.error_kinds import KINDS

ROWS = 12  # configurations in the table at most: the best on val
PHRASES = {
    error_kinds.CLASSIFICATION: "detections of a wrong class",
    error_kinds.LOCALISATION: "badly placed detections",
    error_kinds.BOTH: "badly placed detections of a wrong class",
    error_kinds.DUPLICATE: "objects found twice",
    error_kinds.BACKGROUND: "detections on background",
    error_kinds.MISSED: "missed objects",
}


class ErrorCell(TypedDict):
    """One kind of error of one configuration: cost and interval ("" without), and count."""

    cost: str
    interval: str
    count: str


class ErrorRow(TypedDict):
    """One configuration, a cell for each kind."""

    letter: str
    cells: list[ErrorCell]


class ErrorsPart(TypedDict):
    """Kinds of error of one comparison; `left_out`: configurations without a row; `sentences`: how
    the best differs from the others."""

    datasets: str
    split: str
    repeated: str
    means: str
    over: str
    kinds: list[str]
    rows: list[ErrorRow]
    left_out: int
    sentences: list[str]


@dataclass(frozen=True)
class _Difference:
    """The gap, best minus other, in the cost of one kind."""

    kind: str
    other: Configuration
    gap: Gap


def errors(comparison: Comparison) -> ErrorsPart | None:
    """The kinds of error of one comparison; None where there are no boxes."""
    if comparison.task != "detect":
        return None
    ranked = comparison.ranked()
    shown = ranked[:ROWS]
    return {
        "datasets": comparison.names,
        "split": comparison.split,
        "repeated": comparison.repeated,
        "means": means(comparison),
        "over": interval_over(comparison.configurations),
        "kinds": [KIND_NAMES[kind] for kind in KINDS],
        "rows": [{"letter": c.letter, "cells": _cells(c, comparison.split)} for c in shown],
        "left_out": len(ranked) - len(shown),
        "sentences": sentences(comparison),
    }


def _cells(configuration: Configuration, split: str) -> list[ErrorCell]:
    return [
        {
            "cost": spread(configuration.scores(split, METRIC.format(kind))),
            "interval": _range(interval_of(configuration, split, METRIC.format(kind))),
            "count": _count(configuration, split, kind),
        }
        for kind in KINDS
    ]


def _range(found: tuple[float, float] | None) -> str:
    return f"{signed(found[0])} to {signed(found[1])}" if found else ""


def _count(configuration: Configuration, split: str, kind: str) -> str:
    """The mean number of errors of a kind, `41.3`."""

    def read(run: FinishedRun) -> float | None:
        row = run.breakdowns.errors(split).get(kind)
        return row["count"] if row else None

    counts = configuration.averages(read)
    if not counts:
        return UNDEFINED
    mean = sum(counts) / len(counts)
    return f"{mean:.0f}" if mean >= 100 or len(configuration.runs) == 1 else f"{mean:.1f}"


def sentences(comparison: Comparison) -> list[str]:
    """How the best on val differs from the others in what each kind of error costs: only what is
    more than chance."""
    best, *others = comparison.ranked()
    differences = list(_differences(comparison))
    if not differences:
        return []
    told: dict[tuple[str, bool], list[_Difference]] = {}
    for d in differences:
        if _is_told(d.gap):
            told.setdefault((d.kind, d.gap.gap < 0), []).append(d)
    if not told:
        rest = others[0].letter if len(others) == 1 else f"any of the {len(others)} others"
        return [f"{name(best)} cannot be told from {rest} by what any kind of error costs."]
    largest_first = sorted(told.values(), key=lambda alike: -max(abs(d.gap.gap) for d in alike))
    lines = [_sentence(best, alike) for alike in largest_first]
    return [*lines, "No other difference in these costs can be told from chance."]


def _differences(comparison: Comparison) -> Iterator[_Difference]:
    best, *others = comparison.ranked()
    by_letter = {c.letter: c for c in others}
    for kind in KINDS:
        if best.scores(comparison.split, METRIC.format(kind)):
            gaps = gaps_to(best, others, comparison.split, METRIC.format(kind))
            for letter, gap in gaps.items():
                yield _Difference(kind, by_letter[letter], gap)


def _is_told(gap: Gap) -> bool:
    """Whether the interval is on one side of 0, and no test says otherwise."""
    if gap.low is None or gap.high is None or (gap.p is not None and not gap.apart):
        return False
    return gap.low > 0 or gap.high < 0


def _sentence(best: Configuration, alike: list[_Difference]) -> str:
    """`Missed objects cost B 0.050 AP50 less than A (95 %: 0.012 to 0.089).` Of several others that
    with the smallest difference is the example."""
    nearest = min(alike, key=lambda d: abs(d.gap.gap))
    gap, more = nearest.gap, "less" if nearest.gap.gap < 0 else "more"
    assert gap.low is not None and gap.high is not None, "a told gap has an interval"
    low, high = sorted((abs(gap.low), abs(gap.high)))
    models = ", for these trained models on other images" if gap.compared == "one seed" else ""
    phrase, others = PHRASES[nearest.kind], listed([d.other.letter for d in alike])
    cost, difference = f"{phrase[0].upper()}{phrase[1:]} cost {best.letter}", number(abs(gap.gap))
    span = f"(95 %: {number(low)} to {number(high)}{models})"
    if len(alike) == 1:
        return f"{cost} {difference} AP50 {more} than {others} {span}."
    return (
        f"{cost} {more} AP50 than {others}; the smallest of these differences is {difference}, to "
        f"{nearest.other.letter} {span}."
    )
