"""The first sentence of page one."""

from __future__ import annotations

from fairtrial.report.standing import Standing
from fairtrial.report.wording import counted, interval, listed, name, number, signed
from fairtrial.results.configuration import Configuration


def headline(standing: Standing) -> str:
    """Which configuration is best, or what prevents a verdict."""
    best, others = name(standing.best), standing.others
    if standing.better:
        return _better(standing.nearest(standing.better), best)
    if len(standing.worse) == len(others):
        return _winner(standing)
    if standing.worse:
        return _leader(standing)
    if len(standing.worse_on_these_images) == len(others):
        those = name(others[0]) if len(others) == 1 else f"all {len(others)} others"
        return (
            f"On {_these_images(standing)} {best} is better than {those}; on others it may not be."
        )
    if len(standing.untested) == len(others):
        return _untested(standing)
    return _undecided(standing)


def _better(winner: Configuration, best: str) -> str:
    """That another one is better than the best on val; one without val was no choice there."""
    if winner.predicted_val:
        return f"The choice on val does not hold: {name(winner)} is better than {best}."
    return f"{name(winner)} is better than {best}, the best of those with predictions on val."


def _winner(standing: Standing) -> str:
    """`B (imgsz 160) is best: AP 0.559 on test, 0.141 above A (95 %: 0.028 to 0.255).`"""
    comparison, rival = standing.comparison, standing.rival
    gap = standing.gaps[rival.letter]
    reached = number(standing.best.mean(comparison.split, comparison.metric))
    other = rival.letter if len(standing.others) == 1 else f"the next, {rival.letter}"
    return (
        f"{name(standing.best)} is best: {comparison.metric} {reached} on {comparison.split}, "
        f"{signed(gap.gap)} above {other} (95 %: {interval(gap)})."
    )


def _leader(standing: Standing) -> str:
    """`A leads; B and C cannot be told from it; the other 5 are worse.`"""
    alike = [*standing.alike, *standing.worse_on_these_images]
    parts = [f"{name(standing.best)} leads"]
    if alike:
        parts.append(f"{_letters(alike)} cannot be told from it")
    if standing.untested:
        parts.append(f"{_letters(standing.untested)} {_not_tested(standing.untested)}")
    worse = standing.worse
    rest = f"the other {len(worse)} are" if len(worse) > 1 else f"{worse[0].letter} is"
    return f"{'; '.join([*parts, f'{rest} worse'])}."


def _undecided(standing: Standing) -> str:
    """`A and H, and 9 others, cannot be told apart.`"""
    alike = [*standing.alike, *standing.worse_on_these_images]
    rival = standing.nearest(standing.alike)
    more = len(alike) - 1
    others = f", and {counted(more, 'others')}," if more else ""
    return f"{name(standing.best)} and {name(rival)}{others} cannot be told apart."


def _untested(standing: Standing) -> str:
    comparison, best, others = standing.comparison, standing.best, standing.others
    single = [c for c in [best, *others] if c.trained_once]
    if comparison.repeated == "folds" or not single:
        return f"Nothing tells {name(best)} from the others: there is too little to compare."
    metric, split = comparison.metric, comparison.split
    if len(others) == 1:
        reached = [f"{c.letter} ({number(c.mean(split, metric))})" for c in [best, *others]]
        if len(single) == 2:
            return f"{' and '.join(reached)} were trained once each."
        text = f"{reached[0]} cannot be compared with {reached[1]}"
        return f"{text}: {single[0].letter} was trained once."
    if len(single) == len(others) + 1:
        text = f"{counted(len(single), 'configurations').capitalize()} were trained once each"
        return f"{text}; {name(best)} has the highest {metric} on {comparison.chosen_on}."
    where = f"on {comparison.chosen_on}"
    return f"{name(best)} has the highest {metric} {where}, and was trained once."


def _letters(configurations: list[Configuration]) -> str:
    return listed([c.letter for c in configurations])


def _not_tested(configurations: list[Configuration]) -> str:
    if all(c.trained_once for c in configurations):
        return "was trained once" if len(configurations) == 1 else "were trained once"
    return "could not be tested"


def _these_images(standing: Standing) -> str:
    noun = standing.unit_noun
    return f"these {standing.units} {noun}" if standing.units else f"these {noun}"
