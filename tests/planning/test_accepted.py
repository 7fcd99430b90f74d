"""Which code a job is planned with once an edit has been accepted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from facts import missing_facts, refused
from fairtrial import DataError
from fairtrial.planning.accepted import code_before, read_accepted, sentences

HOW = {"by": "Ada", "date": "2026-11-29", "commit": "0123456789"}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(
        "mine",
        {"stage": "validate", "old": "v1", "new": "v2"},
        {"stage": "train", "old": "t1", "new": "t2", "jobs": ["a-s0"]},
        {"stage": "convert", "old": "c1", "new": "c2"},
    )


def write(experiment: str, *edits: dict[str, object]) -> None:
    path = Path("config/accepted", f"{experiment}.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([HOW | edit for edit in edits]))


@pytest.mark.parametrize(
    ("stage", "name", "code", "planned"),
    [
        ("validate", "a-s0", "v2", "v1"),
        ("validate", "a-s0", "v3", "v3"),
        ("validate", "a-s0", "v1", "v1"),
        ("predict", "a-s0", "v2", "v2"),
        ("train", "a-s0", "t2", "t1"),
        ("train", "b-s0", "t2", "t2"),
    ],
    ids=["accepted", "edited again", "put back", "other stage", "named job", "other job"],
)
def test_the_code_that_a_job_is_planned_with(
    stage: str, name: str, code: str, planned: str
) -> None:
    assert code_before(read_accepted("mine"), stage, name, code) == planned


def test_experiments_share_what_is_accepted_of_data_and_nothing_else() -> None:
    """Else each of two experiments would make the same images again and again."""
    edits = read_accepted("another")
    assert code_before(edits, "convert", "shapes", "c2") == "c1"
    assert code_before(edits, "validate", "a-s0", "v2") == "v2"


def test_without_a_file_nothing_is_accepted() -> None:
    Path("config/accepted/mine.json").unlink()
    assert read_accepted("mine") == ()


def test_a_malformed_file_is_named() -> None:
    Path("config/accepted/mine.json").write_text('[{"stage": "train"}]')
    with refused(DataError, "config/accepted/mine.json", "old"):
        read_accepted("mine")


def test_a_sentence_names_who_when_and_what() -> None:
    (text,) = sentences(read_accepted("mine"))
    facts = ("convert, train, validate", "Ada", "2026-11-29", "commit 0123456")
    assert missing_facts(text, *facts) == []
