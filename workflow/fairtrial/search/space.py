"""The search space as Optuna's distributions, and parameters that no trial has had."""

from __future__ import annotations

import math
from collections.abc import Sequence

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from fairtrial.settings.study import ChoicesSpec, ParameterSpec, Params, RangeSpec, Space, Value

DIGITS = 4  # significant digits of a drawn number, as a person would type it
STEP_DIGITS = 12  # of a number with a step: Optuna's sums of steps end in 0.30000000000000004
GRID = 1000  # values that stand for a range without steps when new parameters are looked for


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """Optuna's distribution of each parameter."""
    return {name: _distribution(spec) for name, spec in space.items()}


def _distribution(spec: ParameterSpec) -> BaseDistribution:
    if isinstance(spec, ChoicesSpec):
        return CategoricalDistribution(spec.choices)
    if spec.integer:
        return IntDistribution(int(spec.low), int(spec.high), spec.log, int(spec.step or 1))
    return FloatDistribution(spec.low, spec.high, spec.log, spec.step)


def rounded(params: Params, space: Space) -> Params:
    """Drawn values rounded to DIGITS significant digits, still within their ranges."""
    return {name: _rounded(value, space[name]) for name, value in params.items()}


def _rounded(value: Value, spec: ParameterSpec) -> Value:
    if not isinstance(value, float) or isinstance(spec, ChoicesSpec):
        return value
    digits = DIGITS if spec.step is None else STEP_DIGITS
    return min(max(float(f"{value:.{digits}g}"), spec.low), spec.high)


def unseen(known: Sequence[Params], space: Space, seed: int) -> Params | None:
    """Parameters that are not among `known`; None where the space has no others.

    seed: an integer that chooses among them.
    """
    values = {name: _values(spec) for name, spec in space.items()}
    size = math.prod(len(choices) for choices in values.values())
    for place in range(seed, seed + min(size, len(known) + 1)):
        rest = place % size
        params: Params = {}
        for name, choices in values.items():
            rest, index = divmod(rest, len(choices))
            params[name] = choices[index]
        if params not in known:
            return params
    return None


def _values(spec: ParameterSpec) -> Sequence[Value]:
    """The values that a parameter may have, each once; GRID of them in a range without steps."""
    if isinstance(spec, ChoicesSpec):
        return spec.choices
    if spec.integer:
        return range(int(spec.low), int(spec.high) + 1, int(spec.step or 1))
    return list(dict.fromkeys(_rounded(value, spec) for value in _grid(spec)))


def _grid(spec: RangeSpec) -> list[float]:
    low, high, step = spec.low, spec.high, spec.step
    if step is not None:
        return [low + step * number for number in range(int((high - low) / step + 1e-8) + 1)]
    if spec.log:
        return [low * (high / low) ** (number / (GRID - 1)) for number in range(GRID)]
    return [low + (high - low) * number / (GRID - 1) for number in range(GRID)]
