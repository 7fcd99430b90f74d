"""The rule of Ultralytics' `tune`: what it says of parents and steps, seen in many draws."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial

from fairtrial.search import engines
from fairtrial.search.space import distributions
from fairtrial.settings.study import ChoicesSpec, Params, RangeSpec, Space

SPACE: Space = {
    **{n: RangeSpec(low=0.0, high=1.0, log=False, step=None, integer=False) for n in "abcdefgh"},
    "rate": RangeSpec(low=1e-4, high=1e-2, log=True, step=None, integer=False),
    "epochs": RangeSpec(low=10, high=100, log=False, step=5, integer=True),
    "kind": ChoicesSpec(choices=("x", "y", "z")),
}
START: Params = {**dict.fromkeys("abcdefgh", 0.5), "rate": 1e-3, "epochs": 50, "kind": "x"}


def trial(value: float, **params: object) -> FrozenTrial:
    return create_trial(
        state=TrialState.COMPLETE,
        value=value,
        params={**START, **params},
        distributions=distributions(SPACE),
    )


def draws(trials: Sequence[FrozenTrial], number: int = 120) -> list[Params]:
    found = [engines.draw("mutate", seed, trials, SPACE, START) for seed in range(number)]
    return [drawn.params for drawn in found if drawn]


def test_half_of_the_parameters_move_by_a_fifth_of_their_range() -> None:
    found = np.array([[params[name] for name in "abcdefgh"] for params in draws([trial(0.3)])])
    is_moved = found != 0.5
    assert is_moved.mean() == pytest.approx(0.5, abs=0.06)
    assert (found[is_moved] - 0.5).std() == pytest.approx(0.2, rel=0.15)
    assert found.min() >= 0 and found.max() <= 1


def test_each_kind_of_parameter_stays_in_its_range() -> None:
    found = draws([trial(0.3, rate=9e-3, epochs=95)])
    assert {params["kind"] for params in found} == {"x", "y", "z"}
    assert all(params["epochs"] in range(10, 101, 5) for params in found)
    rates = [params["rate"] for params in found]
    assert 1e-4 <= min(rates) < max(rates) <= 1e-2
    below = np.log([rate for rate in rates if rate < 9e-3])
    assert below.std() < np.log(100) / 4, "moved on the logarithm"


def test_the_better_a_trial_the_likelier_it_is_a_parent_and_the_tenth_never_is() -> None:
    """Told by a parameter that all else being equal stays in half of the draws."""
    trials = [trial(0.1 * n, a=round(0.3 + 0.05 * n, 2), epochs=10 + 5 * n) for n in range(10)]
    parents = Counter(params["a"] for params in draws(trials, 250))
    kept = [parents[trial.params["a"]] for trial in trials]
    assert kept[0] == 0
    assert kept[9] > kept[5] > kept[2]


def test_steps_are_shorter_when_nothing_better_comes() -> None:
    def spread(trials: Sequence[FrozenTrial]) -> float:
        values = np.array([[p[n] for n in "abcdefgh"] for p in draws(trials)])
        return float((values[values != 0.5] - 0.5).std())

    stale = [trial(0.9), *(trial(0.1, rate=2e-4 + n * 1e-5) for n in range(28))]
    assert spread(stale) < 0.9 * spread([trial(0.9)])


def test_of_many_trials_the_best_say_which_parameters_change_together() -> None:
    """`a` and `b` agree in the best ones, so that they do in more draws than chance would have."""
    random = np.random.default_rng(0)
    same = [(x, x) for x in random.random(40)]
    trials = [trial(1 - 0.001 * n, a=x, b=y, rate=1e-4 + 1e-5 * n) for n, (x, y) in enumerate(same)]
    found = draws(trials, 200)
    moved = [(p["a"], p["b"]) for p in found if not {(p["a"], p["b"])} & set(same)]
    far = np.array([(a - 0.5, b - 0.5) for a, b in moved])
    assert np.corrcoef(far.T)[0, 1] > 0.5


def test_before_any_trial_has_finished_parameters_are_drawn_by_chance() -> None:
    running = create_trial(
        state=TrialState.RUNNING, params=START, distributions=distributions(SPACE)
    )
    assert len({params["a"] for params in draws([running], 20)}) == 20
