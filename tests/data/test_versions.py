"""Augmented versions of a picture are known by the names of exporters, and nothing else is."""

from __future__ import annotations

import pytest

from fairtrial.data.versions import versions

A, B, C = (letter * 32 for letter in "abc")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(
            [f"t/x_jpg.rf.{A}.jpg", f"t/x_jpg.rf.{B}.jpg", f"t/y_jpg.rf.{C}.jpg"],
            [[f"t/x_jpg.rf.{A}.jpg", f"t/x_jpg.rf.{B}.jpg"]],
            id="two of one picture",
        ),
        pytest.param(
            [f"x.rf.{A}.jpg.png", f"x.rf.{B.upper()}.JPG"],
            [[f"x.rf.{B.upper()}.JPG", f"x.rf.{A}.jpg.png"]],
            id="written anew, upper case",
        ),
        pytest.param([f"cat/1.rf.{A}.jpg", f"dog/1.rf.{B}.jpg"], [], id="in folders of classes"),
        pytest.param(["x.jpg", "x.png", "x.rf.1.jpg", "x.rf.2.jpg"], [], id="other names"),
        pytest.param([f"x.rf.{A[1:]}.jpg", f"x.rf.{B[1:]}.jpg"], [], id="31 digits"),
    ],
)
def test_versions(files: list[str], expected: list[list[str]]) -> None:
    assert versions(files) == expected
