"""A grid: all combinations of values, and of sets of overrides that have names."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, Discriminator, Field, Tag

from fairtrial.files.yamlfile import NAME, mapping_or_plain

Overrides = dict[str, Any]  # settings by key, in place of those of params.yaml
Variant = Annotated[str, Field(pattern=NAME, max_length=80)]
Values = Annotated[list[Any], Field(min_length=1)]
Variants = Annotated[dict[Variant, Overrides | None], Field(min_length=1)]


def _set_once(grid: dict[str, Any]) -> dict[str, Any]:
    """`grid`. Raises ValueError for a key that two dimensions set."""
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
Grid = Annotated[dict[str, Dimension], AfterValidator(_set_once)]


def value_text(value: Any) -> str:
    """A setting in a name: `0.0001`, `AdamW`."""
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def combinations(
    grid: dict[str, list[Any] | dict[str, Overrides | None]],
) -> Iterator[tuple[Overrides, dict[str, str | None]]]:
    """All combinations of a grid: the overrides, and the chosen variants by key of the grid.

    A variant is the name of a set of overrides; None for a key whose values have no names.
    """
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
