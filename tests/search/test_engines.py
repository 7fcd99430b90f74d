"""Engines: what the next trial is drawn from."""

from __future__ import annotations

import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial

from fairtrial.search import engines
from fairtrial.settings.search import Engine
from fairtrial.settings.study import Params, RangeSpec, Space

SPACE: Space = {
    name: RangeSpec(low=0.0, high=1.0, log=False, step=None, integer=False) for name in "xy"
}
START: Params = {"x": 0.5, "y": 0.5}


def drawn(engine: Engine, value: float) -> list[Params]:
    """The parameters of 11 trials of which every second was pruned at `value` + y."""
    trials: list[FrozenTrial] = []
    for number in range(11):
        new = engines.draw(engine, 0, trials, SPACE, START)
        assert new is not None
        finished = number % 2 == 0
        trials.append(
            create_trial(
                state=TrialState.COMPLETE if finished else TrialState.PRUNED,
                value=new.params["x"] if finished else None,
                params=new.params,
                distributions=new.distributions,
                system_attrs=new.system_attrs,
                intermediate_values={1: value + new.params["y"]},
            )
        )
    return [trial.params for trial in trials]


@pytest.mark.slow
@pytest.mark.parametrize("engine", sorted(engines.IGNORE_PRUNED))
def test_engines_learn_from_pruned_trials(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else gp would draw similar parameters again and again, and have most trials pruned."""
    monkeypatch.setattr(engines, "POPULATION", 4)
    assert drawn(engine, -3.0) != drawn(engine, 3.0)
