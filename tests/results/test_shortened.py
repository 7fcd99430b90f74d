"""Names that are cut stay told apart."""

from __future__ import annotations

import pytest

from fairtrial.results.configuration import shortened


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["car", "truck"], ["car", "truck"]),
        (["articulated truck", "car"], ["artic…truck", "car"]),
        (
            ["class 1 of the long names", "class 2 of the long names"],
            ["class 1 of…", "class 2 of…"],
        ),
        (["the same beginning 1", "the same beginning 2"], ["the s…ing 1", "the s…ing 2"]),
        (
            ["long beginning 1 long ending", "long beginning 2 long ending"],
            ["…1 lo…nding", "…2 lo…nding"],
        ),
        (["a b\nc"], ["a b c"]),
    ],
    ids=["short", "the middle", "the end", "the middle first", "what all share", "lines"],
)
def test_names_are_cut_where_they_stay_distinct(texts: list[str], expected: list[str]) -> None:
    assert shortened(texts, 11) == expected
