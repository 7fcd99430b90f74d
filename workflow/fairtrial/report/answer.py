"""The answer of a report: which configuration is best, by how much, and whether that would hold
for other seeds and other images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from fairtrial.report.details import details, fitness_formula, repeats
from fairtrial.report.headline import headline
from fairtrial.report.leaks import leak_note
from fairtrial.report.standing import Standing, standing
from fairtrial.report.wording import MARKS, mark, name, number, spread
from fairtrial.results.experiment import Comparison
from fairtrial.results.significance import Gap

ALONE = "There is nothing to compare it with: the experiment has one configuration on this data."


@dataclass(frozen=True)
class Answer:
    """`headline`: which configuration is best, or what prevents a verdict. `details`: by how much,
    and what that rests on. `best`: letter of the best on val; "" where none is. `gaps`: letter →
    how far the best lies above it."""

    headline: str
    details: str = ""
    best: str = ""
    gaps: dict[str, Gap] = field(default_factory=dict)

    @property
    def marks(self) -> dict[str, str]:
        """Letter → the sign that compares it with the best."""
        return {letter: mark(gap) for letter, gap in self.gaps.items()}


def answer(comparison: Comparison) -> Answer:
    """Choose the best configuration on val, and compare it with each of the others on the split
    that tables show."""
    outcome = standing(comparison)
    if outcome is None:
        return Answer(f"No configuration has a value of {comparison.metric} on {comparison.split}.")
    if not any(run.learned for c in comparison.configurations for run in c.runs):
        return _nothing_learned(outcome)
    if not outcome.others:
        return _alone(outcome)
    verdict = " ".join(filter(None, (headline(outcome), leak_note(comparison.configurations))))
    return Answer(verdict, " ".join(details(outcome)), outcome.best.letter, outcome.gaps)


def _nothing_learned(outcome: Standing) -> Answer:
    """No configuration is best, and none is compared with it."""
    comparison, split, metric = (
        outcome.comparison,
        outcome.comparison.split,
        outcome.comparison.metric,
    )
    runs = sum(len(c.runs) for c in comparison.configurations)
    none = f"None of the {runs} trainings has" if runs > 1 else "The one training has not"
    what = "an object is found" if comparison.task == "detect" else (
        "images are told apart better than by calling all of them what most are"
    )  # fmt: skip
    highest = max(max(c.scores(split, metric)) for c in [outcome.best, *outcome.others])
    reached = f"The highest {metric} on {split} is {number(highest)}"
    return Answer(
        f"{none} learned anything.", f"In none of them {what}. {reached}: no order can be told."
    )


def _alone(outcome: Standing) -> Answer:
    comparison, best = outcome.comparison, outcome.best
    split, metric = comparison.split, comparison.metric
    value = spread(best.scores(split, metric))
    reached = f"{name(best)} reaches {metric} {value} on {split}{repeats(best)}."
    reached = " ".join(filter(None, (reached, leak_note(comparison.configurations))))
    return Answer(reached, " ".join([ALONE, *fitness_formula(outcome)]), best.letter)


def legend(outcome: Answer, signs: Iterable[Mapping[str, str]]) -> str:
    """What the signs of the table mean, as far as it has them; `signs`: by letter, of each
    metric."""
    marks, best = {sign for of_metric in signs for sign in of_metric.values()}, outcome.best
    meanings = {
        MARKS["not told apart"]: f"cannot be told from {best}",
        MARKS["worse"]: "worse",
        MARKS["better"]: "better",
        MARKS["not tested"]: "not tested" + (", for want of seeds" * _lacks_seeds(outcome)),
    }
    return ", ".join(f"{sign} {text}" for sign, text in meanings.items() if sign in marks)


def _lacks_seeds(outcome: Answer) -> bool:
    return any(gap.compared == "one seed" for gap in outcome.gaps.values())


def method(comparisons: list[Comparison]) -> str:
    """How the best was chosen, and what intervals and signs rest on."""
    texts = [_method(comparison) for comparison in comparisons]
    if len(set(texts)) > 1:
        texts = [f"Table {number}: {text}" for number, text in enumerate(texts, 1)]
    return " ".join(dict.fromkeys(texts))  # equal texts once


def _method(comparison: Comparison) -> str:
    over, once = comparison.repeated, _once(comparison)
    spreads = "" if once else f"±: standard deviation over {over}. "
    luck = (
        " Without that luck: each seed counts for the configuration that the other seeds choose."
        if over == "seeds" and not once
        else ""
    )
    return (
        f"{spreads}{intervals_text(comparison)} Chosen by "
        f"{comparison.ranking_rule.label} {_choice(comparison)}.{luck}"
    )


def intervals_text(comparison: Comparison) -> str:
    """What intervals and signs rest on, and the test."""
    signs = "" if _once(comparison) else " and ≈ ↓ ↑"
    return f"Intervals{signs}: {_over(comparison)}."


def _once(comparison: Comparison) -> bool:
    return all(c.trained_once for c in comparison.configurations)


def _over(comparison: Comparison) -> str:
    """Over what the intervals hold, and by which method."""
    noun = comparison.unit_noun
    if comparison.repeated == "folds":
        return "over other folds, 95 % for all pairs together (Nadeau and Bengio, Tukey)"
    if _once(comparison):
        return f"of these trained models over other {noun}, 95 % (bootstrap of {noun})"
    return (
        f"over other seeds and other {noun}, 95 % for all pairs together (bootstrap of {noun}, "
        "Tukey)"
    )


def _choice(comparison: Comparison) -> str:
    """On what the best was chosen, and what that does to its metrics."""
    if comparison.split == "val":
        return "on val, the split that is shown: its metrics are inflated by the choice"
    if comparison.chosen_on != "val":
        return (
            f"on {comparison.split}, for want of predictions on val: its metrics are inflated by it"
        )
    if comparison.repeated == "folds":
        return "on val of all folds, where an image of test in one is of val in another"
    return "on val; the same trainings are shown on test, so lucky seeds flatter it"
