"""Several objectives of a study: what its trials are worth by each, and which are on the front.

A metric is that of a trial's best epoch, which the fitness picks: a run would keep those weights.
"""

from __future__ import annotations

from collections.abc import Sequence

from optuna.trial import FrozenTrial, TrialState, create_trial

from fairtrial.search.engines import MAXIMISED, Direction, in_memory
from fairtrial.search.journal import MetricWeights, Trial
from fairtrial.settings.search import COSTS


def directions(objectives: Sequence[str]) -> Sequence[Direction]:
    """Whether each objective is maximised or minimised; without any, that of the fitness."""
    return ["minimize" if n in COSTS else "maximize" for n in objectives] or MAXIMISED


def value(trial: Trial, name: str, weights: MetricWeights) -> float | None:
    """What a trial is worth by an objective; None where that is not known."""
    if name in COSTS:
        cost: float | None = getattr(trial.costs, name, None)
        return cost
    values = trial.fitness_by_epoch(weights)
    if not values:
        return None
    best = values.index(max(values))
    return values[best] if name == "fitness" else trial.epochs[best].get(name)


def valued(trial: Trial, weights: MetricWeights, objectives: Sequence[str]) -> FrozenTrial:
    """A copy of a trial for an engine, with its values. One that has finished, but of which a value
    is not known, counts as failed."""
    if not objectives:
        return trial.with_values(weights)
    values = [value(trial, name, weights) for name in objectives]
    known = [one for one in values if one is not None]
    is_known = trial.state == "finished" and len(known) == len(values)
    state = trial.frozen.state
    if state == TrialState.COMPLETE and not is_known:
        state = TrialState.FAIL
    return create_trial(
        state=state,
        values=known if is_known else None,
        params=trial.params,
        distributions=trial.frozen.distributions,
        system_attrs=trial.frozen.system_attrs,
    )


def front(trials: Sequence[Trial], weights: MetricWeights, objectives: Sequence[str]) -> list[int]:
    """The numbers of the trials for which no other is as good in all and better in one."""
    all_valued = [valued(trial, weights, objectives) for trial in trials]
    best = in_memory(all_valued, directions=directions(objectives)).best_trials
    return sorted(trial.number for trial in best)


def best_in(
    trials: Sequence[Trial], weights: MetricWeights, objectives: Sequence[str]
) -> Trial | None:
    """The trial that is the best in the first of these objectives; of several such by the next, and
    so on, in the end the first. None where none is finished and has all values."""
    signs = [1 if name in COSTS else -1 for name in objectives]
    ranked = []
    for trial in trials:
        values = valued(trial, weights, objectives).values
        if values:
            order = [sign * one for sign, one in zip(signs, values, strict=True)]
            ranked.append((*order, trial.number))
    return trials[int(min(ranked)[-1])] if ranked else None
