"""What a space holds, and what of it is left to try."""

from __future__ import annotations

from typing import Any

import pytest

from fairtrial.search.space import rounded, unseen

FLOAT = {"low": 0.1, "high": 0.9, "log": False, "step": None, "integer": False}
STEPPED = FLOAT | {"step": 0.2}
INTEGER = {"low": 4, "high": 17, "log": False, "step": 4, "integer": True}


def all_of(space: dict[str, Any], most: int = 100) -> list[dict[str, Any]]:
    """What is found to be unseen, one after another, until nothing is."""
    found: list[dict[str, Any]] = []
    while (new := unseen(found, space, len(found))) and len(found) < most:
        found.append(new)
    return found


@pytest.mark.parametrize(
    ("spec", "values"),
    [
        ({"choices": ["a", None]}, {"a", None}),
        (INTEGER, {4, 8, 12, 16}),
        (INTEGER | {"step": None, "low": 15}, {15, 16, 17}),
        (STEPPED, {0.1, 0.3, 0.5, 0.7, 0.9}),
        (FLOAT | {"low": 0.5, "high": 0.5001}, {0.5, 0.5001}),
        (FLOAT | {"low": 0.5, "high": 0.5001, "log": True}, {0.5, 0.5001}),
    ],
)
def test_each_value_of_a_small_space_is_found_once(spec: Any, values: set[Any]) -> None:
    found = [params["p"] for params in all_of({"p": spec})]
    assert len(found) == len(values)
    assert set(found) == values


def test_combinations_are_found_too() -> None:
    space = {"a": INTEGER, "b": {"choices": [True, False]}, "c": STEPPED}
    assert len(all_of(space)) == 4 * 2 * 5


def test_a_wide_range_is_never_used_up() -> None:
    found = all_of({"p": FLOAT | {"log": True}}, most=300)
    assert len({params["p"] for params in found}) == 300
    assert all(0.1 <= params["p"] <= 0.9 for params in found)


def test_equal_seeds_find_equal_values() -> None:
    assert unseen([], {"p": FLOAT}, 3) == unseen([], {"p": FLOAT}, 3)
    assert unseen([], {"p": FLOAT}, 3) != unseen([], {"p": FLOAT}, 4)


def test_a_sum_of_steps_is_the_number_that_a_person_would_type() -> None:
    assert rounded({"p": 0.1 + 2 * 0.1}, {"p": STEPPED}) == {"p": 0.3}
