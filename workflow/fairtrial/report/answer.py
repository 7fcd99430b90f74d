"""The answer in a sentence, and every figure as text."""

from __future__ import annotations

from dataclasses import dataclass

from fairtrial.files import text
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison
from fairtrial.results.significance import Gap, gaps_to
from fairtrial.scoring.ranking import FITNESS
from fairtrial.scoring.uncertainty import over_seeds

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
    """`45 s`, `12 min`, `3.4 h`; UNDEFINED for None."""
    return text.duration(seconds, UNDEFINED)


def answer(comparison: Comparison) -> Answer:
    """Choose the best on val, and compare it on the shown side with each of the others."""
    split, metric = comparison.split, comparison.metric
    defined = [c for c in comparison.ranked() if c.scores(split, metric)]
    if not defined:
        return Answer(f"No configuration has a figure for {metric} on {split}.", "", {}, "")
    best, others = defined[0], defined[1:]
    own = best.scores(split, metric)
    if not others:
        reached = f"{name(best)} reaches {metric} {spread(own)} on {split}{_seeds(best)}."
        return Answer(reached, " ".join([ALONE, *_meaning(comparison)]), {}, best.letter)
    gaps = gaps_to(best, others, split, metric)
    rival = _rival(others, gaps)
    gap, mean = gaps[rival.letter], over_seeds(own).mean
    details = [_by_how_much(best, rival, gap, comparison), _why(gap, best, rival)]
    alike = [c.letter for c in others if c is not rival and not gaps[c.letter].apart]
    details += _also(best, alike, len(others))
    details += _meaning(comparison)
    marks = {letter: mark(found) for letter, found in gaps.items()}
    headline = _headline(best, rival, gap, f"{metric} {number(mean)} on {split}")
    return Answer(headline, " ".join(details), marks, best.letter)


TESTS = {"seeds": "Welch’s t test", "folds": "Nadeau and Bengio’s t test on folds"}
PERMUTED = "exact permutation test, since neither has any spread"
ALONE = "There is nothing to compare it with: the experiment has one configuration on this data."


def name(configuration: Configuration) -> str:
    """`A (momentum 0.6)`; the letter alone where the settings fill more than a line."""
    about = " ".join(configuration.short_label.split())
    return f"{configuration.letter} ({about})" if len(about) <= 70 else configuration.letter


def _rival(others: list[Configuration], gaps: dict[str, Gap]) -> Configuration:
    """With which of the others the best is set side by side: one that is better beyond doubt,
    else the nearest that cannot be told apart, else the nearest."""
    better = [c for c in others if gaps[c.letter].apart and gaps[c.letter].gap < 0]
    alike = [c for c in others if not gaps[c.letter].apart]
    return min(better or alike or others, key=lambda c: (gaps[c.letter].gap, c.letter))


def _meaning(comparison: Comparison) -> list[str]:
    """What a fitness is made of; a figure says so by its name."""
    if comparison.metric != FITNESS:
        return []
    return [f"Fitness is {comparison.ranking_rule.formula} here."]


def _headline(best: Configuration, rival: Configuration, gap: Gap, reached: str) -> str:
    if not gap.apart:
        return f"{name(best)} and {name(rival)} cannot be told apart."
    if gap.gap < 0:
        return f"The choice on val does not hold: {name(rival)} is better than {name(best)}."
    return f"{name(best)} is best: {reached}, {gap.gap:.3f} above the next."


def _by_how_much(
    best: Configuration, rival: Configuration, gap: Gap, comparison: Comparison
) -> str:
    split, metric = comparison.split, comparison.metric
    one, two = (spread(c.scores(split, metric)) for c in (best, rival))
    relation = "above" if gap.gap >= 0 else "below"
    next_to = f"{one}{_seeds(best)}, {abs(gap.gap):.3f} {relation} {rival.letter} ({two})."
    if split == "val":
        return f"On val {best.letter} reaches the highest {metric}, {next_to}"
    return f"{best.letter} has the highest {metric} on val. On test it reaches {metric} {next_to}"


def _why(gap: Gap, best: Configuration, rival: Configuration) -> str:
    if gap.p is None:
        lone = [c.letter for c in (best, rival) if len(c.repeats) == 1]
        return (
            f"With one seed of {' and of '.join(lone)} nobody can say how much of that gap is "
            "chance; three seeds or more would show it."
        )
    repeats = best.repeated
    p = f"{PERMUTED if gap.t is None else TESTS[repeats]}, {_chance(gap)}"
    if gap.apart:
        return f"That is more than the spread over {repeats} explains ({p})."
    if gap.spread is not None and abs(gap.gap) > gap.spread:
        many = f" among {gap.tests} pairs" if gap.tests > 1 else ""
        return (
            f"That is more than the spread over {repeats} ({gap.spread:.3f}), but with so few "
            f"{repeats}{many} such a gap comes by chance too often ({p}): more would tell."
        )
    return f"That gap lies within the spread over {repeats} ({p})."


def _chance(gap: Gap) -> str:
    """`p = 0.031 after Holm’s correction over 10 pairs`."""
    p = gap.p or 0.0
    said = "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"
    return said + (f" after Holm’s correction over {gap.tests} pairs" if gap.tests > 1 else "")


def _also(best: Configuration, alike: list[str], others: int) -> list[str]:
    """Who else cannot be told apart from the best."""
    if not alike:
        return []
    if len(alike) == others - 1 and len(alike) > 1:
        return [f"Nor can any of the others be told apart from {best.letter}."]
    listed = ", ".join(alike[:-1]) + " and " + alike[-1] if len(alike) > 1 else alike[0]
    return [f"Nor can {listed} be told apart from {best.letter}."]


def _seeds(configuration: Configuration) -> str:
    over = configuration.repeats_text
    return f" (mean ± sd over {over})" if len(configuration.repeats) > 1 else f" ({over})"


def mark(gap: Gap) -> str:
    """How one stands to the best, as a sign."""
    if not gap.apart:
        return ALIKE
    return LOWER if gap.gap > 0 else HIGHER


def method(comparisons: list[Comparison]) -> str:
    """How the best was chosen and how the others were tested against it."""
    told = [_method(comparison) for comparison in comparisons]
    if len(set(told)) > 1:
        told = [f"Table {number}: {text}" for number, text in enumerate(told, 1)]
    return " ".join(dict.fromkeys(told))


def _method(comparison: Comparison) -> str:
    over = comparison.repeated
    if comparison.split == "val":
        choice = "on val, the side that is shown: its figures are flattered by the choice"
    elif over == "folds":
        choice = "on val of all folds, where an image of test in one is of val in another"
    else:
        choice = "on val; images of test have no part in it"
    return (
        f"The best configuration is chosen by {comparison.ranking_rule.label} {choice}. "
        f"± is the standard deviation over {over}. Each gap to the best is tested with "
        f"{TESTS[over]}; Holm’s correction over all pairs of configurations keeps the chance that "
        "any two equal ones are told apart at 5 %. A seed counts once, however often it was "
        "repeated."
    )
