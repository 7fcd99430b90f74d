"""The answer of a report: which configuration is best, and whether that is more than chance."""

from __future__ import annotations

from dataclasses import dataclass

from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison
from fairtrial.results.significance import Gap, gaps_to
from fairtrial.scoring.ranking import FITNESS
from fairtrial.scoring.uncertainty import over_seeds

UNDEFINED = "–"
ALIKE, LOWER, HIGHER = "≈", "↓", "↑"


@dataclass
class Answer:
    """`headline`: which configuration is best, or that this is undecided. `details`: by how much,
    and whether that is more than noise. `marks`: letter → sign that compares it with the best.
    `best`: letter of the best on val; "" where no configuration has the metric."""

    headline: str
    details: str
    marks: dict[str, str]
    best: str


def number(x: float | None) -> str:
    """A metric with three decimals."""
    return UNDEFINED if x is None else f"{x:.3f}"


def spread(values: list[float]) -> str:
    """Mean ± standard deviation, `0.543 ± 0.012`; without the latter for one value."""
    if not values:
        return UNDEFINED
    seeds = over_seeds(values)
    return number(seeds.mean) + ("" if seeds.sd is None else f" ± {seeds.sd:.3f}")


def answer(comparison: Comparison) -> Answer:
    """Choose the best configuration on val, and compare it with each of the others on the split
    that tables show."""
    split, metric = comparison.split, comparison.metric
    defined = [c for c in comparison.ranked() if c.scores(split, metric)]
    if not defined:
        return Answer(f"No configuration has a value of {metric} on {split}.", "", {}, "")
    best, others = defined[0], defined[1:]
    scores = best.scores(split, metric)
    if not others:
        reached = f"{name(best)} reaches {metric} {spread(scores)} on {split}{_repeats(best)}."
        return Answer(reached, " ".join([ALONE, *_fitness_formula(comparison)]), {}, best.letter)
    gaps = gaps_to(best, others, split, metric)
    rival = _rival(others, gaps)
    gap, mean = gaps[rival.letter], over_seeds(scores).mean
    details = [_gap_sentence(best, rival, gap, comparison), _test_sentence(gap, best, rival)]
    undecided = [c.letter for c in others if c is not rival and not gaps[c.letter].apart]
    details += _also_undecided(best, undecided, len(others))
    details += _fitness_formula(comparison)
    marks = {letter: mark(to_best) for letter, to_best in gaps.items()}
    headline = _headline(best, rival, gap, f"{metric} {number(mean)} on {split}")
    return Answer(headline, " ".join(details), marks, best.letter)


TESTS = {"seeds": "Welch’s t test", "folds": "Nadeau and Bengio’s t test on folds"}
PERMUTED = "exact permutation test, since neither has any spread"
ALONE = "There is nothing to compare it with: the experiment has one configuration on this data."


def name(configuration: Configuration) -> str:
    """`A (momentum 0.6)`; the letter alone where the label is longer than a line."""
    label = " ".join(configuration.short_label.split())
    return f"{configuration.letter} ({label})" if len(label) <= 70 else configuration.letter


def _rival(others: list[Configuration], gaps: dict[str, Gap]) -> Configuration:
    """The configuration that the answer compares with the best: one that is better by more than
    chance, else the nearest that cannot be told apart, else the nearest."""
    better = [c for c in others if gaps[c.letter].apart and gaps[c.letter].gap < 0]
    undecided = [c for c in others if not gaps[c.letter].apart]
    return min(better or undecided or others, key=lambda c: (gaps[c.letter].gap, c.letter))


def _fitness_formula(comparison: Comparison) -> list[str]:
    """A sentence on the formula of the fitness; none where one metric ranks."""
    if comparison.metric != FITNESS:
        return []
    return [f"Fitness is {comparison.ranking_rule.formula} here."]


def _headline(best: Configuration, rival: Configuration, gap: Gap, reached: str) -> str:
    if not gap.apart:
        return f"{name(best)} and {name(rival)} cannot be told apart."
    if gap.gap < 0:
        return f"The choice on val does not hold: {name(rival)} is better than {name(best)}."
    return f"{name(best)} is best: {reached}, {gap.gap:.3f} above the next."


def _gap_sentence(
    best: Configuration, rival: Configuration, gap: Gap, comparison: Comparison
) -> str:
    split, metric = comparison.split, comparison.metric
    of_best, of_rival = (spread(c.scores(split, metric)) for c in (best, rival))
    relation = "above" if gap.gap >= 0 else "below"
    distance = f"{abs(gap.gap):.3f} {relation} {rival.letter} ({of_rival})."
    value = f"{of_best}{_repeats(best)}, {distance}"
    if split == "val":
        return f"On val {best.letter} reaches the highest {metric}, {value}"
    return f"{best.letter} has the highest {metric} on val. On test it reaches {metric} {value}"


def _test_sentence(gap: Gap, best: Configuration, rival: Configuration) -> str:
    if gap.p is None:
        lone = [c.letter for c in (best, rival) if len(c.repeats) == 1]
        return (
            f"With one seed of {' and of '.join(lone)} it is unknown how much of that gap is "
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
            f"{repeats}{many} such a gap is too often chance ({p}): more {repeats} would decide it."
        )
    return f"That gap lies within the spread over {repeats} ({p})."


def _chance(gap: Gap) -> str:
    """`p = 0.031 after Holm’s correction over 10 pairs`."""
    p = gap.p or 0.0
    text = "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"
    return text + (f" after Holm’s correction over {gap.tests} pairs" if gap.tests > 1 else "")


def _also_undecided(best: Configuration, letters: list[str], others: int) -> list[str]:
    """A sentence on the `letters` of further configurations that cannot be told apart from the
    best; `others`: the number of all configurations but the best."""
    if not letters:
        return []
    if len(letters) == others - 1 and len(letters) > 1:
        return [f"None of the others can be told apart from {best.letter} either."]
    listed = ", ".join(letters[:-1]) + " and " + letters[-1] if len(letters) > 1 else letters[0]
    return [f"{listed} cannot be told apart from {best.letter} either."]


def _repeats(configuration: Configuration) -> str:
    """` (mean ± sd over 3 seeds)` or ` (one seed)`."""
    text = configuration.repeats_text
    return f" (mean ± sd over {text})" if len(configuration.repeats) > 1 else f" ({text})"


def mark(gap: Gap) -> str:
    """The sign that compares a configuration with the best: alike, lower or higher."""
    if not gap.apart:
        return ALIKE
    return LOWER if gap.gap > 0 else HIGHER


def method(comparisons: list[Comparison]) -> str:
    """How the best was chosen and how the others were tested against it."""
    texts = [_method(comparison) for comparison in comparisons]
    if len(set(texts)) > 1:
        texts = [f"Table {number}: {text}" for number, text in enumerate(texts, 1)]
    return " ".join(dict.fromkeys(texts))  # equal texts once


def _method(comparison: Comparison) -> str:
    over = comparison.repeated
    if comparison.split == "val":
        choice = "on val, the split that is shown: its metrics are inflated by the choice"
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
