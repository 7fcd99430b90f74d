"""Which trials are given up early; the oracle is Optuna's own rule, one trial after another."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial

from fairtrial.search.engines import silence_optuna
from fairtrial.search.pruning import JudgedTrial, bracket, reason, rungs
from fairtrial.settings.search import Pruning

EPOCHS = 27


def curves(seed: int, number: int) -> list[list[float]]:
    """Learning curves that rise, and cross each other."""
    chance = random.Random(seed)
    drawn = [(chance.uniform(0.1, 0.9), chance.uniform(1, 20)) for _ in range(number)]
    return [
        [best * (1 - math.exp(-epoch / pace)) for epoch in range(1, EPOCHS + 1)]
        for best, pace in drawn
    ]


def judged(rule: Pruning, all_values: Sequence[Sequence[float]]) -> list[int]:
    """How many epochs each trial gets, one after the other."""
    others: list[FrozenTrial] = []
    lengths = []
    for number, values in enumerate(all_values):
        length = next(
            (
                epoch
                for epoch in range(1, len(values) + 1)
                if reason(rule, JudgedTrial(number, values[:epoch], len(values), others))
            ),
            len(values),
        )
        lengths.append(length)
        others.append(as_trial(number, values[:length], length == len(values)))
    return lengths


def as_trial(number: int, values: Sequence[float], is_finished: bool) -> FrozenTrial:
    trial = create_trial(
        state=TrialState.COMPLETE if is_finished else TrialState.PRUNED,
        value=max(values),
        intermediate_values=dict(enumerate(values, 1)),
    )
    trial.number = number
    return trial


def by_optuna(pruner: optuna.pruners.BasePruner, drawn: Sequence[Sequence[float]]) -> list[int]:
    """The same by Optuna's study; at the last epoch it is not asked."""
    silence_optuna()
    study = optuna.create_study(direction="maximize", pruner=pruner)
    lengths = []
    for values in drawn:
        trial = study.ask()
        length = len(values)
        for epoch, value in enumerate(values[:-1], 1):
            trial.report(value, epoch)
            if trial.should_prune():
                length = epoch
                break
        lengths.append(length)
        state = TrialState.COMPLETE if length == len(values) else TrialState.PRUNED
        study.tell(trial, values[-1] if state == TrialState.COMPLETE else None, state=state)
    return lengths


@pytest.mark.parametrize("seed", range(5))
def test_halving_decides_as_optunas(seed: int) -> None:
    drawn = curves(seed, 40)
    oracle = optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3)
    found = judged("halving", drawn)
    assert found == by_optuna(oracle, drawn)
    assert {1, 3} < set(found), "too few are given up to show anything"


def test_most_epochs_go_to_the_best() -> None:
    drawn = curves(0, 60)
    spent = {rule: sum(judged(rule, drawn)) for rule in ("off", "median", "halving", "hyperband")}
    assert spent["halving"] < spent["hyperband"] < spent["off"] == 60 * EPOCHS
    assert spent["halving"] < spent["median"]


def test_brackets_share_the_trials_so_that_each_gets_its_epochs() -> None:
    """In Hyperband with four brackets of 27 epochs: 27, 12, 6 and 4 trials."""
    found = Counter(bracket(number) for number in range(49_000))
    for rungs_of_bracket, share in ((3, 27), (2, 12), (1, 6), (0, 4)):
        assert found[rungs_of_bracket] / 1000 == pytest.approx(share, rel=0.05)


@pytest.mark.parametrize(
    ("epochs", "expected"), [(1, []), (2, [1]), (4, [1, 2]), (30, [2, 4, 10]), (100, [4, 12, 34])]
)
def test_rungs_are_a_third_a_ninth_and_so_on(epochs: int, expected: list[int]) -> None:
    assert rungs(epochs, 3) == expected


def test_a_trial_without_a_number_is_worth_nothing() -> None:
    others = [as_trial(number, [0.2, 0.3], is_finished=False) for number in range(3)]
    for values, is_given_up in (([math.nan], True), ([0.4], False), ([0.1], True)):
        assert bool(reason("halving", JudgedTrial(9, values, 2, others))) == is_given_up


def test_a_trial_with_all_its_epochs_is_never_given_up() -> None:
    others = [as_trial(number, [0.5] * 4, is_finished=True) for number in range(9)]
    for rule in ("median", "halving", "hyperband"):
        assert reason(rule, JudgedTrial(9, [0.1] * 4, 4, others)) is None
