"""A grid: all combinations of values, and of sets of overrides that have names."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, Discriminator, Field, Tag

from fairtrial.files.yamlfile import mapping_or_plain

Overrides = dict[str, Any]
Variant = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=80)]
Values = Annotated[list[Any], Field(min_length=1)]
Variants = Annotated[dict[Variant, Overrides | None], Field(min_length=1)]


def _once(grid: dict[str, Any]) -> dict[str, Any]:
    setters: dict[str, str] = {}
    for name, dimension in grid.items():
        variants = dimension.values() if isinstance(dimension, dict) else [{name: None}]
        for key in {key for overrides in variants for key in overrides or {}}:
            if setters.setdefault(key, name) != name:
                raise ValueError(f"`{key}` is set by `{setters[key]}` and by `{name}`; keep one")
    return grid


Dimension = Annotated[
    Annotated[Values, Tag("[plain]")] | Annotated[Variants, Tag("[mapping]")],
    Discriminator(mapping_or_plain),
]
Grid = Annotated[dict[str, Dimension], AfterValidator(_once)]


def combinations(
    grid: dict[str, list[Any] | dict[str, Overrides | None]],
) -> Iterator[tuple[Overrides, dict[str, str | None]]]:
    """Overrides of each combination, and what its name is made of: each key of the grid with
    the name of the chosen set, or None where the key's value is the name."""
    for chosen in itertools.product(*grid.values()):
        varied: Overrides = {}
        variants: dict[str, str | None] = {}
        for name, choice in zip(grid, chosen, strict=True):
            dimension = grid[name]
            if isinstance(dimension, dict):
                varied |= dimension[choice] or {}
                variants[name] = choice
            else:
                varied[name] = choice
                variants[name] = None
        yield varied, variants
