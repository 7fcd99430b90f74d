"""The section on several data sets as plain data: mean ranks, and gaps over the sets."""

from __future__ import annotations

from typing import TypedDict

from fairtrial.report.wording import number, signed
from fairtrial.results.across_datasets import FEWEST_SETS, AcrossDatasets, Method, across_datasets
from fairtrial.results.experiment import ExperimentResults

SHOWN = 6  # data sets with a column of their own


class MethodRow(TypedDict):
    """One method: its mean rank, its metric on each data set, the best one's gap to it."""

    label: str
    best: bool
    rank: str
    scores: list[str]
    gap: str


class AcrossPart(TypedDict):
    """All methods on all data sets; `sets`: those that have a column."""

    sentences: list[str]
    metric: str
    sets: list[str]
    rows: list[MethodRow]
    intervals: bool


def across_parts(experiment: ExperimentResults) -> list[AcrossPart]:
    """One part, or none where nothing ran on several data sets."""
    across = across_datasets(experiment)
    return [_part(across)] if across else []


def _part(across: AcrossDatasets) -> AcrossPart:
    shown = across.sets[:SHOWN] if len(across.sets) <= SHOWN else []
    return {
        "sentences": across_sentences(across),
        "metric": across.comparisons[0].metric,
        "sets": shown,
        "rows": [_row(method, len(shown)) for method in across.methods],
        "intervals": len(across.sets) >= FEWEST_SETS,
    }


def _row(method: Method, shown: int) -> MethodRow:
    return {
        "label": method.label,
        "best": method.gap is None,
        "rank": f"{method.mean_rank:.2f}",
        "scores": [number(score) for score in method.scores[:shown]],
        "gap": _gap(method),
    }


def _gap(method: Method) -> str:
    gap = method.gap
    if gap is None:
        return ""
    text = signed(gap.mean)
    if gap.low is not None and gap.high is not None:
        text += f" ({signed(gap.low)} to {signed(gap.high)})"
    return text


def across_sentences(across: AcrossDatasets) -> list[str]:
    """Which method has the best mean rank, and whether that would hold on other data sets."""
    best, others, count = across.methods[0], across.methods[1:], len(across.sets)
    first = (
        f"Over {count} data sets, {best.label} has the best mean rank, {best.mean_rank:.2f} of "
        f"{len(across.methods)}."
    )
    if count < FEWEST_SETS:
        return [
            first,
            f"With fewer than {FEWEST_SETS} sets a mean rank only describes these sets: it does "
            "not say which would be better on another one.",
        ]
    return [first, *_verdicts(others, across.comparisons[0].metric)]


def _verdicts(others: list[Method], metric: str) -> list[str]:
    """From which of the others the best can be told on other data sets like these."""
    sentences = []
    lower = [method for method in others if method.gap and method.gap.apart and method.gap.mean > 0]
    level = [method for method in others if method not in lower]
    if lower:
        nearest = min(lower, key=lambda method: method.gap.mean if method.gap else 0.0)
        those = f"{nearest.label}" if len(lower) == 1 else f"{len(lower)} others"
        sentences.append(
            f"On other data sets like these its {metric} would be above that of {those} as well; "
            f"of {nearest.label} by {_gap(nearest)} on average."
        )
    if level:
        nearest = min(level, key=lambda method: method.mean_rank)
        those = f"{nearest.label}" if len(level) == 1 else f"{len(level)} others"
        sentences.append(
            f"From {those} it cannot be told apart: its mean gap to {nearest.label} is "
            f"{_gap(nearest)}."
        )
    return sentences
