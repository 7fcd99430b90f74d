"""The factors of a grid, as figures and report get them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fairtrial.files.yamlfile import Closed
from fairtrial.settings.grid import Overrides, value_text


class FactorLevel(Closed):
    """One level of a factor, by the name that tables have for it, and the settings that it is."""

    name: str
    settings: dict[str, Any]


class Factor(Closed):
    """A dimension of a grid."""

    name: str
    levels: tuple[FactorLevel, ...]


def factors_of(grid: dict[str, list[Any] | dict[str, Overrides | None]]) -> tuple[Factor, ...]:
    """The dimensions of a grid with two levels or more."""
    return tuple(
        Factor(name=name, levels=tuple(_levels(name, dimension)))
        for name, dimension in grid.items()
        if len(dimension) > 1
    )


def _levels(name: str, dimension: list[Any] | dict[str, Overrides | None]) -> Iterator[FactorLevel]:
    if isinstance(dimension, dict):
        for variant, overrides in dimension.items():
            yield FactorLevel(name=variant, settings=overrides or {})
    else:
        for value in dimension:
            yield FactorLevel(name=value_text(value), settings={name: value})
