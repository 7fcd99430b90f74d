"""For which jobs an accepted edit holds. (With Snakemake: test_guard.py.)"""

from __future__ import annotations

import pytest

from fairtrial.commands.accept import FinishedJob, edits_of

A, B = ("train", "a-s0"), ("train", "b-s0")


@pytest.mark.parametrize(
    ("finished", "edits"),
    [
        ([(*A, "old", "new"), (*B, "old", "new")], [("train", "old", "new", ())]),
        ([(*A, "old", "new"), (*B, "new", "new")], [("train", "old", "new", ("a-s0",))]),
        (
            [(*A, "older", "new"), (*B, "old", "new")],
            [("train", "older", "new", ("a-s0",)), ("train", "old", "new", ("b-s0",))],
        ),
        (
            [(*A, "x1", "x2"), (*B, "y1", "y2")],
            [("train", "x1", "x2", ()), ("train", "y1", "y2", ())],
        ),
        ([(*A, "new", "new")], []),
    ],
    ids=["all", "one is of the new code", "two old codes", "two backends", "none"],
)
def test_an_edit_holds_for_those_that_the_old_code_made(
    finished: list[tuple[str, str, str, str]], edits: list[tuple[object, ...]]
) -> None:
    """A result of the present code must not be taken for one of the old code, and run again."""
    found = edits_of([FinishedJob(*job) for job in finished])
    assert [(edit.stage, edit.old, edit.new, edit.jobs) for edit in found] == edits
