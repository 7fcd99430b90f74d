"""A space, as planned, in the form that Optuna wants."""

from __future__ import annotations

from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

DIGITS = 4  # of a number that is drawn: what a person would type


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
    if not isinstance(value, float) or "choices" in spec or spec["step"]:
        return value
    return min(max(float(f"{value:.{DIGITS}g}"), spec["low"]), spec["high"])
