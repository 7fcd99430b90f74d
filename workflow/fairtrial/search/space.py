"""A space, as planned, in the form that Optuna wants, and what of it no trial has had."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

DIGITS = 4  # of a number that is drawn: what a person would type
STEPPED = 12  # digits that a step may have; Optuna's sums of steps end in 0.30000000000000004
FINE = 1000  # values by which a range without steps is looked through


def distributions(space: dict[str, dict[str, Any]]) -> dict[str, BaseDistribution]:
    """Optuna's distribution of each parameter; `space` as `studies.Study` holds it."""
    return {name: _distribution(spec) for name, spec in space.items()}


def _distribution(spec: dict[str, Any]) -> BaseDistribution:
    if "choices" in spec:
        return CategoricalDistribution(spec["choices"])
    if spec["integer"]:
        return IntDistribution(spec["low"], spec["high"], spec["log"], spec["step"] or 1)
    return FloatDistribution(spec["low"], spec["high"], spec["log"], spec["step"])


def rounded(params: dict[str, Any], space: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Drawn values with as many digits as a person would type, still within their ranges."""
    return {name: _rounded(value, space[name]) for name, value in params.items()}


def _rounded(value: Any, spec: dict[str, Any]) -> Any:
    if not isinstance(value, float) or "choices" in spec:
        return value
    digits = STEPPED if spec["step"] else DIGITS
    return min(max(float(f"{value:.{digits}g}"), spec["low"]), spec["high"])


def unseen(
    known: Sequence[dict[str, Any]], space: dict[str, dict[str, Any]], seed: int
) -> dict[str, Any] | None:
    """Parameters that are not among `known`, by chance; None where the space has no others.

    `seed`: any whole number, which is where in the space it begins to look.
    """
    values = {name: _values(spec) for name, spec in space.items()}
    size = math.prod(len(each) for each in values.values())
    for place in range(seed, seed + min(size, len(known) + 1)):
        rest, params = place % size, {}
        for name, each in values.items():
            rest, own = divmod(rest, len(each))
            params[name] = each[own]
        if params not in known:
            return params
    return None


def _values(spec: dict[str, Any]) -> Sequence[Any]:
    """The values that a parameter may have, each once; of a range without steps many of them."""
    if "choices" in spec:
        choices: list[Any] = spec["choices"]
        return choices
    low, high, step = spec["low"], spec["high"], spec["step"]
    if spec["integer"]:
        return range(low, high + 1, step or 1)
    if step:
        found = [low + step * number for number in range(int((high - low) / step + 1e-8) + 1)]
    elif spec["log"]:
        found = [low * (high / low) ** (number / (FINE - 1)) for number in range(FINE)]
    else:
        found = [low + (high - low) * number / (FINE - 1) for number in range(FINE)]
    return list(dict.fromkeys(_rounded(value, spec) for value in found))
