"""Engines: what the next trial is drawn from."""

from __future__ import annotations

from typing import Any

import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial

from fairtrial.search import engines

SPACE: dict[str, dict[str, Any]] = {
    name: {"low": 0.0, "high": 1.0, "log": False, "step": None, "integer": False} for name in "xy"
}
START = {"x": 0.5, "y": 0.5}


def drawn(engine: str, shown: float) -> list[dict[str, Any]]:
    """The parameters of 11 trials of which every second was pruned when its best was `shown`."""
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
                intermediate_values={1: shown + new.params["y"]},
            )
        )
    return [trial.params for trial in trials]


@pytest.mark.parametrize("engine", sorted(engines.DEAF))
def test_what_a_pruned_trial_showed_is_learnt(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """gp asked for like parameters again and again: most of its trials were pruned."""
    monkeypatch.setattr(engines, "POPULATION", 4)
    assert drawn(engine, -3.0) != drawn(engine, 3.0)
