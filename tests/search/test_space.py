"""What a space holds, and what of it is left to try."""

from __future__ import annotations

from typing import Any

import pytest

from fairtrial.search.space import rounded, unseen
from fairtrial.settings.study import ChoicesSpec, ParameterSpec, Params, RangeSpec, Space

FLOAT = RangeSpec(low=0.1, high=0.9, log=False, step=None, integer=False)
STEPPED = RangeSpec(low=0.1, high=0.9, log=False, step=0.2, integer=False)
INTEGER = RangeSpec(low=4, high=17, log=False, step=4, integer=True)


def narrow(log: bool) -> RangeSpec:
    """A range in which few numbers have four digits."""
    return RangeSpec(low=0.5, high=0.5001, log=log, step=None, integer=False)


def all_of(space: Space, most: int = 100) -> list[Params]:
    """What is unseen, one after another, until nothing is."""
    known: list[Params] = []
    while (new := unseen(known, space, len(known))) and len(known) < most:
        known.append(new)
    return known


@pytest.mark.parametrize(
    ("spec", "values"),
    [
        (ChoicesSpec(choices=("a", None)), {"a", None}),
        (INTEGER, {4, 8, 12, 16}),
        (RangeSpec(low=15, high=17, log=False, step=None, integer=True), {15, 16, 17}),
        (STEPPED, {0.1, 0.3, 0.5, 0.7, 0.9}),
        (narrow(log=False), {0.5, 0.5001}),
        (narrow(log=True), {0.5, 0.5001}),
    ],
    ids=["choices", "integers by steps", "integers", "floats by steps", "floats", "log"],
)
def test_each_value_of_a_small_space_is_tried_once(spec: ParameterSpec, values: set[Any]) -> None:
    tried = [params["p"] for params in all_of({"p": spec})]
    assert len(tried) == len(values)
    assert set(tried) == values


def test_all_combinations_are_tried() -> None:
    space: Space = {"a": INTEGER, "b": ChoicesSpec(choices=(True, False)), "c": STEPPED}
    assert len(all_of(space)) == 4 * 2 * 5


def test_a_wide_range_is_never_used_up() -> None:
    wide = RangeSpec(low=0.1, high=0.9, log=True, step=None, integer=False)
    tried: list[Any] = [params["p"] for params in all_of({"p": wide}, most=300)]
    assert len(set(tried)) == 300
    assert all(0.1 <= value <= 0.9 for value in tried)


def test_equal_seeds_give_equal_values() -> None:
    assert unseen([], {"p": FLOAT}, 3) == unseen([], {"p": FLOAT}, 3)
    assert unseen([], {"p": FLOAT}, 3) != unseen([], {"p": FLOAT}, 4)


def test_a_sum_of_steps_is_the_number_that_a_person_would_type() -> None:
    assert rounded({"p": 0.1 + 2 * 0.1}, {"p": STEPPED}) == {"p": 0.3}
