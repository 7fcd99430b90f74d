"""The answer in a sentence, and every figure as text."""

from __future__ import annotations

from dataclasses import dataclass

from fairtrial.report.compare import Gap, over_seeds, tell_apart
from fairtrial.trial import Comparison, Configuration

UNDEFINED = "–"
ALIKE, LOWER, HIGHER = "≈", "↓", "↑"


@dataclass
class Answer:
    """`headline`: what is better, or that nothing can be said. `details`: by how much, and
    why that is more than noise or not. `marks`: letter → how it stands to the best."""

    headline: str
    details: str
    marks: dict[str, str]
    best: str


def number(x: float | None) -> str:
    """A figure between 0 and 1 with three digits."""
    return UNDEFINED if x is None else f"{x:.3f}"


def spread(values: list[float]) -> str:
    """`0.543 ± 0.012`; the figure alone for one seed."""
    if not values:
        return UNDEFINED
    found = over_seeds(values)
    return number(found.mean) + ("" if found.sd is None else f" ± {found.sd:.3f}")


def duration(seconds: float | None) -> str:
    """`45 s`, `12 min`, `3.4 h`."""
    if seconds is None:
        return UNDEFINED
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def answer(comparison: Comparison, metric: str = "AP") -> Answer:
    """Choose the best on val, and compare it on the shown side with each of the others."""
    split = comparison.split
    defined = [c for c in comparison.ranked(metric) if c.scores(split, metric)]
    if not defined:
        return Answer(f"No configuration has an {metric} on {split}.", "", {}, "")
    best, others = defined[0], defined[1:]
    own = best.scores(split, metric)
    reached = f"{metric} {spread(own)} on {split}{_seeds(best)}"
    if not others:
        return Answer(f"{name(best)} reaches {reached}.", ALONE, {}, best.letter)
    gaps = {c.letter: tell_apart(own, c.scores(split, metric)) for c in others}
    rival = min(others, key=lambda c: (gaps[c.letter].gap, c.letter))
    gap = gaps[rival.letter]
    marks = {letter: _mark(found) for letter, found in gaps.items()}
    details = [_by_how_much(best, rival, gap, comparison, metric), _why(gap, best, rival)]
    if also := [c.letter for c in others if c is not rival and not gaps[c.letter].apart]:
        details.append(_also(best, also))
    headline = _headline(best, rival, gap, metric)
    return Answer(headline, " ".join(details), marks, best.letter)


ALONE = "There is nothing to compare it with: the experiment has one configuration on this data."


def name(configuration: Configuration) -> str:
    """`A (momentum 0.6)`; the letter alone where the settings fill more than a line."""
    about = " ".join(configuration.about.split())
    return f"{configuration.letter} ({about})" if len(about) <= 70 else configuration.letter


def _headline(best: Configuration, rival: Configuration, gap: Gap, metric: str) -> str:
    if not gap.apart:
        return f"{name(best)} and {name(rival)} cannot be told apart."
    if gap.gap < 0:
        return f"The choice on val does not hold: {name(rival)} is better than {name(best)}."
    return f"{name(best)} is best."


def _by_how_much(
    best: Configuration, rival: Configuration, gap: Gap, comparison: Comparison, metric: str
) -> str:
    split = comparison.split
    one, two = (spread(c.scores(split, metric)) for c in (best, rival))
    lead = f"{best.letter} has the highest {metric} on val. " if split == "test" else ""
    relation = "above" if gap.gap >= 0 else "below"
    return (
        f"{lead}On {split} it reaches {metric} {one}{_seeds(best)}, {abs(gap.gap):.3f} "
        f"{relation} {rival.letter} ({two})."
        if lead
        else f"{best.letter} reaches {metric} {one} on val{_seeds(best)}, {abs(gap.gap):.3f} "
        f"{relation} {rival.letter} ({two})."
    )


def _why(gap: Gap, best: Configuration, rival: Configuration) -> str:
    if gap.p is None:
        lone = [c.letter for c in (best, rival) if len(c.runs) == 1]
        return (
            f"With one seed of {' and of '.join(lone)} nobody can say how much of that gap is "
            "chance; three seeds or more would show it."
        )
    p = "p < 0.001" if gap.p < 0.001 else f"p = {gap.p:.3f}" if gap.p < 0.1 else f"p = {gap.p:.2f}"
    if gap.apart:
        return f"That is more than the spread over seeds explains (Welch’s t test, {p})."
    return f"That gap lies within the spread over seeds (Welch’s t test, {p})."


def _also(best: Configuration, letters: list[str]) -> str:
    listed = ", ".join(letters[:-1]) + " and " + letters[-1] if len(letters) > 1 else letters[0]
    return f"Neither can {listed} be told apart from {best.letter}."


def _seeds(configuration: Configuration) -> str:
    n = len(configuration.runs)
    return f" (mean ± sd over {n} seeds)" if n > 1 else " (one seed)"


def _mark(gap: Gap) -> str:
    if not gap.apart:
        return ALIKE
    return LOWER if gap.gap > 0 else HIGHER
