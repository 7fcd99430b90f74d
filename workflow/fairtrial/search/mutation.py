"""The rule by which Ultralytics' `tune` draws parameters, as a sampler of Optuna."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler, RandomSampler
from optuna.search_space import IntersectionSearchSpace
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

PARENTS = 9  # the best trials, of which one is the parent
STEP = 0.2  # standard deviation of a change, as a share of the range
SHARE = 0.5  # of the parameters that are changed
STALE = 25  # trials without a better one until steps are shortest, by a fifth
MANY = 30  # trials from which the best ones also say which parameters change together
TOGETHER = 0.4  # of the trials then, once there are as many of the best as parameters

Floats = NDArray[np.float64]


class MutationSampler(BaseSampler):
    """Mutation without crossover, as Ultralytics 8.4 tunes (`ultralytics.engine.tuner`).

    One of the nine best trials is the parent, the likelier the better it is. Half of its parameters
    are moved by a normal step of a fifth of their range; from 30 trials on some by steps that
    have the covariance of the best fifth. Ranges with `log` are moved on their logarithm, where
    Ultralytics knows no logarithm, and what is in a list is drawn anew.
    """

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._by_chance = RandomSampler(seed)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return IntersectionSearchSpace().calculate(study)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        trials = [t for t in study.get_trials(deepcopy=False) if t.state == TrialState.COMPLETE]
        if not trials or not search_space:
            return {}
        ranked = sorted(trials, key=lambda t: -_value(t))
        parent = ranked[self._random.choice(len(ranked[:PARENTS]), p=_chances(ranked[:PARENTS]))]
        genes = self._moved(_places(parent, search_space), ranked, search_space, _pace(trials))
        return {
            name: self._drawn(distribution, gene, parent.params[name])
            for (name, distribution), gene in zip(search_space.items(), genes, strict=True)
        }

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        return self._by_chance.sample_independent(study, trial, param_name, param_distribution)

    def _moved(
        self,
        parent: Floats,
        ranked: Sequence[FrozenTrial],
        space: Mapping[str, BaseDistribution],
        pace: float,
    ) -> Floats:
        """The parent's places in their ranges (k,) with about half of them moved; NaN for what is
        to be drawn anew."""
        count = len(parent)
        is_moved = self._random.random(count) < SHARE
        steps = self._random.standard_normal(count) * STEP * pace
        if len(ranked) >= MANY:
            best = np.stack([_places(t, space) for t in ranked[: min(_fifth(ranked), 30)]])
            trust = min(len(best) / count, 1.0)
            if self._random.random() < TOGETHER * trust:
                noise = np.eye(count) * (STEP * pace) ** 2 / count
                spread = np.atleast_2d(np.cov(best, rowvar=False)) * pace**2 * trust + noise
                steps = self._random.multivariate_normal(np.zeros(count), spread)
                reflected = 1 - np.abs((parent + steps) % 2 - 1)
                return np.where(is_moved, reflected, parent)
        return np.clip(np.where(is_moved, parent + steps, parent), 0, 1)

    def _drawn(self, distribution: BaseDistribution, gene: float, parents: Any) -> Any:
        """The value at a place of its range. Of a list: the parent's, or another one as often as a
        parameter is moved."""
        if isinstance(distribution, CategoricalDistribution):
            anew = self._random.random() < SHARE
            choices = distribution.choices
            return choices[self._random.integers(len(choices))] if anew else parents
        assert isinstance(distribution, FloatDistribution | IntDistribution)
        low, high = _ends(distribution)
        value = low + gene * (high - low)
        value = math.exp(value) if distribution.log else value
        step = distribution.step
        if step is not None:
            value = distribution.low + round((value - distribution.low) / step) * step
        value = min(max(value, distribution.low), distribution.high)
        return round(value) if isinstance(distribution, IntDistribution) else value


def _value(trial: FrozenTrial) -> float:
    assert trial.value is not None, "a finished trial has one"
    return float(trial.value)


def _fifth(trials: Sequence[FrozenTrial]) -> int:
    return math.ceil(len(trials) / 5)


def _chances(parents: Sequence[FrozenTrial]) -> Floats:
    """By how much each is better than the last of them."""
    values = np.array([_value(trial) for trial in parents])
    weights = values - values.min() + 1e-6
    return np.asarray(weights / weights.sum())


def _pace(trials: Sequence[FrozenTrial]) -> float:
    """From 1 down to 0.8: how long the steps are, by the trials since the best one."""
    values = [_value(trial) for trial in trials]
    return 1 - 0.2 * min((len(values) - 1 - values.index(max(values))) / STALE, 1)


def _places(trial: FrozenTrial, space: Mapping[str, BaseDistribution]) -> Floats:
    """Where each parameter lies in its range, 0 to 1; of a list 0."""
    return np.array([_place(trial.params[name], space[name]) for name in space])


def _place(value: Any, distribution: BaseDistribution) -> float:
    if not isinstance(distribution, FloatDistribution | IntDistribution):
        return 0.0
    low, high = _ends(distribution)
    return ((math.log(value) if distribution.log else value) - low) / (high - low)


def _ends(distribution: FloatDistribution | IntDistribution) -> tuple[float, float]:
    """The ends of a range, of their logarithms where it has `log`."""
    low, high = distribution.low, distribution.high
    return (math.log(low), math.log(high)) if distribution.log else (low, high)
