"""Names of runs and folds: written and read."""

from __future__ import annotations

import pytest

from facts import refused
from fairtrial.settings.run_name import FoldName, RunName, without_folds

NAMES = {
    "plain-s0": RunName("plain", 0),
    "plain-s12r3": RunName("plain", 12, replicate=3),
    "cells.fold2-s0": RunName("cells", 0, fold=2),
    "lr0=0.1+start=coco.fold10-s1r2": RunName("lr0=0.1+start=coco", 1, fold=10, replicate=2),
    "a-s1-s12": RunName("a-s1", 12),
    "a.fold0-s1": RunName("a.fold0", 1),
    "dataset=cells.fold1+lr0=0.1-s0": RunName("dataset=cells.fold1+lr0=0.1", 0),
}


@pytest.mark.parametrize(("text", "name"), NAMES.items(), ids=list(NAMES))
def test_a_run_is_written_and_read(text: str, name: RunName) -> None:
    assert str(name) == text
    assert RunName.parse(text) == name


@pytest.mark.parametrize(
    "text", ["plain", "-s0", "a-s", "a-s1r0", "a-s1 ", "a-s1r2x", ""], ids=repr
)
def test_what_is_no_name_of_a_run_is_refused(text: str) -> None:
    with refused(ValueError, text, "-s<seed>"):
        RunName.parse(text)


def test_a_configuration_and_its_fold() -> None:
    assert RunName("a", 0, fold=2, replicate=3).without_seed == "a.fold2"
    assert RunName("a", 0).without_seed == "a"
    assert FoldName.parse("cells.fold2") == FoldName("cells", 2)
    assert FoldName.parse("cells.fold") == FoldName("cells.fold")


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("cells.fold2", "cells"),
        ("cells", "cells"),
        ("dataset=cells.fold1+lr0=0.1", "dataset=cells+lr0=0.1"),
        ("lr0=0.1.fold3", "lr0=0.1"),
    ],
)
def test_a_name_without_its_folds(name: str, whole: str) -> None:
    assert without_folds(name) == whole
