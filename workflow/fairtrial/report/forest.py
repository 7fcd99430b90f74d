"""The forest plot of the page: each configuration's seeds with the interval of their mean, and how
far the best lies above it. Places are percents of the width, so that HTML can stretch them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from fairtrial.report.answer import Answer, answer
from fairtrial.report.wording import gap_text, spread
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison
from fairtrial.results.run import METRIC_NAMES
from fairtrial.results.significance import interval_of

EDGE = 4.0  # percent of the width left free on both sides


class Tick(TypedDict):
    """A tick of an axis: its place in percent, and its text."""

    place: float
    text: str


class Bar(TypedDict):
    """A value with its interval (empty without one), in percent, and both as text."""

    place: float | None
    interval: list[float]
    text: str


class ForestRow(TypedDict):
    """One configuration; `seeds`: the places of its single values; `gap` is None for the best."""

    letter: str
    label: str
    best: bool
    colour: int
    seeds: list[float]
    value: Bar
    gap: Bar | None
    mark: str


class ForestPart(TypedDict):
    """The forest plot of one comparison. `zero`: the place of no gap."""

    metric: str
    split: str
    best: str
    ticks: list[Tick]
    gap_ticks: list[Tick]
    zero: float
    rows: list[ForestRow]


@dataclass(frozen=True)
class _Axis:
    """A linear axis from `low` to `high`."""

    low: float
    high: float

    def place(self, value: float) -> float:
        span = self.high - self.low or 1.0
        return round(EDGE + (100 - 2 * EDGE) * (value - self.low) / span, 2)

    def ticks(self) -> list[Tick]:
        from matplotlib.ticker import MaxNLocator

        values = MaxNLocator(4, steps=[1, 2, 5, 10]).tick_values(self.low, self.high)
        inside = [float(v) for v in values if self.low - 1e-9 <= v <= self.high + 1e-9]
        return [{"place": self.place(v), "text": _tick_text(v)} for v in inside]


def forest(comparison: Comparison) -> ForestPart:
    """The forest plot of one comparison, the best on val first."""
    split, metric, outcome = comparison.split, comparison.metric, answer(comparison)
    ranked = [c for c in comparison.ranked() if c.scores(split, metric)]
    intervals = {c.letter: interval_of(c, split, metric) or () for c in ranked}
    ends = [end for pair in intervals.values() for end in pair]
    axis = _axis([v for c in ranked for v in c.scores(split, metric)] + ends)
    gap_ends = [e for g in outcome.gaps.values() for e in (g.gap, g.low, g.high) if e is not None]
    gap_axis = _axis([0.0, *gap_ends])
    colours = colours_of(comparison)
    rows = [
        ForestRow(
            letter=c.letter,
            label=c.full_label,
            best=c.letter == outcome.best,
            colour=colours[c.letter],
            seeds=[axis.place(value) for value in c.scores(split, metric)],
            value=_value(c, comparison, intervals[c.letter], axis),
            gap=_gap(outcome, c.letter, gap_axis),
            mark=outcome.marks.get(c.letter, ""),
        )
        for c in ranked
    ]
    return {
        "metric": METRIC_NAMES.get(metric, metric),
        "split": split,
        "best": outcome.best,
        "ticks": axis.ticks(),
        "gap_ticks": gap_axis.ticks() if outcome.gaps else [],
        "zero": gap_axis.place(0.0),
        "rows": rows,
    }


COLOURS = 8  # that can be told apart; the page's style sheet has them


def colours_of(comparison: Comparison) -> dict[str, int]:
    """Letter → number of its colour, as in the figures: of more than eight only the best seven
    have one, the others are grey, which is number 8."""
    configurations, ranked = comparison.configurations, comparison.ranked()
    shown = {c.letter for c in ranked}
    if len(configurations) > COLOURS:
        shown = {c.letter for c in ranked[: COLOURS - 1]}
    letters = [c.letter for c in configurations]
    numbers = iter(range(COLOURS))
    return {letter: next(numbers) if letter in shown else COLOURS for letter in letters}


def _axis(values: Sequence[float]) -> _Axis:
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    return _Axis(low, high) if high - low > 1e-9 else _Axis(low - 0.05, high + 0.05)


def _value(c: Configuration, comparison: Comparison, interval: Sequence[float], axis: _Axis) -> Bar:
    scores = c.scores(comparison.split, comparison.metric)
    return {
        "place": axis.place(sum(scores) / len(scores)),
        "interval": [axis.place(end) for end in interval],
        "text": spread(scores),
    }


def _gap(outcome: Answer, letter: str, axis: _Axis) -> Bar | None:
    gap = outcome.gaps.get(letter)
    if gap is None:
        return None
    ends = [] if gap.low is None or gap.high is None else [gap.low, gap.high]
    return {
        "place": axis.place(gap.gap),
        "interval": [axis.place(end) for end in ends],
        "text": gap_text(gap),
    }


def _tick_text(value: float) -> str:
    return f"{value:.3g}".replace("-0", "−0").replace("-", "−") if abs(value) > 1e-9 else "0"
