"""Which images of a split are no independent observations of each other."""

from __future__ import annotations

import pytest

from fairtrial.data.units import dependent_images, unit_name
from tests.data.test_splitting import images


def units(
    groups: list[str | None], copies: list[list[int]], used: set[int] | None = None
) -> tuple[list[list[int]], str]:
    dataset = images(*((f"{n}", group, None) for n, group in enumerate(groups)))
    inside = used or {image.id for image in dataset.images}
    return dependent_images(dataset.images, copies, inside), unit_name(dataset.images, inside)


@pytest.mark.parametrize(
    ("groups", "copies", "expected", "name"),
    [
        pytest.param([None] * 4, [], [], "images", id="nothing belongs together"),
        pytest.param(["p", "q", "p", "q"], [], [[1, 3], [2, 4]], "groups", id="groups"),
        pytest.param(["p", "q", "r"], [], [], "images", id="a group an image"),
        pytest.param(["", "", "p"], [], [], "images", id="an empty name is no group"),
        pytest.param([None] * 4, [[1, 4]], [[1, 4]], "images", id="copies"),
        pytest.param([None] * 4, [[1, 2], [2, 4]], [[1, 2, 4]], "images", id="a chain of copies"),
        pytest.param(["p", "p", "q", None], [[2, 3]], [[1, 2, 3]], "groups", id="across groups"),
        pytest.param(["p", "p", None, None], [[3, 4]], [[1, 2], [3, 4]], "groups", id="both kinds"),
    ],
)
def test_units(
    groups: list[str | None], copies: list[list[int]], expected: list[list[int]], name: str
) -> None:
    assert units(groups, copies) == (expected, name)


def test_images_that_are_in_no_split_are_in_no_unit() -> None:
    assert units(["p", "p", "p", "q"], [[1, 4]], used={2, 3, 4}) == ([[2, 3]], "groups")
    assert units(["p", "p", "q", "q"], [], used={1, 3}) == ([], "images")
