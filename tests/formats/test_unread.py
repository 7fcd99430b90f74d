"""What every format says of what it cannot take: with the near miss, where there is one."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.facts import refused

from fairtrial import DataError
from fairtrial.formats._unread import did_you_mean, no_such_file, unknown_class
from fairtrial.plugins import plugin


def test_a_class_in_another_spelling_is_named() -> None:
    assert unknown_class("a.jpg", "x:3", "Cat ", ["cat", "dog"]).seen.endswith(
        "x:3: 'Cat '; there are cat, dog; did you mean `cat`?"
    )
    assert unknown_class("a.jpg", "x:3", "owl", ["cat", "dog"]).seen.endswith("cat, dog")
    assert did_you_mean("", ["cat"]) == ""


def test_a_file_that_is_not_there_is_named_with_what_is(tmp_path: Path) -> None:
    for name in ("Labels.csv", "other.csv", "x.txt"):
        (tmp_path / name).touch()
    assert no_such_file(tmp_path / "labels.csv").endswith("; did you mean `Labels.csv`?")
    assert no_such_file(tmp_path / "boxes.csv").endswith("; there are: Labels.csv, other.csv")
    assert no_such_file(tmp_path / "in" / "a.csv").endswith("there is no folder in")


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("coco", "annotations.json"),
        ("class_csv", "labels.csv"),
        ("box_csv", "annotations.csv"),
        ("cvat", "annotations.xml"),
        ("yolo", "data.yaml"),
    ],
)
def test_every_format_names_the_file_that_is_meant(
    form: str, expected: str, tmp_path: Path
) -> None:
    (tmp_path / expected.upper()).write_text("x")
    module = plugin("formats", form)
    with refused(DataError, expected, "no such file", f"did you mean `{expected.upper()}`"):
        module.read(tmp_path, module.Settings())


def test_a_column_in_another_spelling_is_named(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("file,Label\na.png,cat\n")
    module = plugin("formats", "class_csv")
    with refused(DataError, "no column `label`", "did you mean `Label`"):
        module.read(tmp_path, module.Settings())
