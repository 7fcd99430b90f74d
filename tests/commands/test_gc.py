"""What gc removes, and what stays."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from facts import missing_facts, refused
from fairtrial import StoreError
from fairtrial.commands.gc import gc
from fairtrial.store import locks, sums
from fairtrial.training.needed import note_use
from records import a_record


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store with what results/ was made from, what it was not, and two unfinished entries."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    for name in ("needed", "spare", "old.part", "now.part"):
        folder = Path("store/runs", name)
        folder.mkdir(parents=True)
        (folder / "state.pt").write_text("state")
        (folder / "history.csv").write_text("epoch\n1\n2\n")
        if not folder.suffix:
            sums.write(folder)
    Path("store/runs/now.lock").write_text(locks.holder().model_dump_json())
    record = Path("results/compare/runs/a-s0/record.json")
    record.parent.mkdir(parents=True)
    record.write_text(json.dumps(a_record(key="needed")))


def entries() -> set[str]:
    return {path.parent.name for path in Path("store/runs").glob("*/history.csv")}


def with_state() -> set[str]:
    return {path.parent.name for path in Path("store/runs").glob("*/state.pt")}


@pytest.mark.parametrize(
    ("options", "remaining", "states"),
    [
        ({}, {"needed", "old.part", "now.part"}, {"needed", "old.part", "now.part"}),
        ({"unfinished": True}, {"needed", "now.part"}, {"needed", "now.part"}),
        ({"states": True}, {"needed", "old.part", "now.part"}, {"old.part", "now.part"}),
    ],
    ids=["finished", "unfinished", "states"],
)
def test_what_is_removed(options: dict[str, Any], remaining: set[str], states: set[str]) -> None:
    gc(yes=True, **options)
    assert entries() == remaining
    assert with_state() == states
    assert not sums.damage(Path("store/runs/needed"))


def test_an_unfinished_training_is_listed_with_its_epochs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    gc(yes=True, unfinished=True)
    assert "store/runs/old.part  unfinished, 2 epochs" in capsys.readouterr().out


def test_nothing_to_remove_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    gc(yes=True)
    gc(yes=True)
    assert "nothing to remove; 1 entries are needed by results" in capsys.readouterr().out


def test_nobody_is_asked_where_nobody_can_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with refused(StoreError, "--yes"):
        gc()
    assert entries() == {"needed", "spare", "old.part", "now.part"}


@pytest.mark.parametrize("text", ["", "[]", "{}", "{"], ids=["empty", "list", "no key", "cut off"])
def test_a_damaged_record_removes_nothing(text: str) -> None:
    Path("results/compare/runs/a-s0/record.json").write_text(text)
    with refused(StoreError, "results/compare/runs/a-s0/record.json", "nothing is removed"):
        gc(yes=True)
    assert entries() == {"needed", "spare", "old.part", "now.part"}


# --------------------------------------------------------------------------- clones


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Another folder with the same store, whose results were made from `spare`, as it noted."""
    folder = tmp_path.parent / f"{tmp_path.name} clone"
    record = folder / "results/compare/runs/a-s1/record.json"
    record.parent.mkdir(parents=True)
    record.write_text(json.dumps(a_record(key="spare")))
    (folder / "params.yaml").touch()
    (folder / "store").symlink_to(tmp_path / "store")
    with contextlib.chdir(folder):
        note_use()
    return folder


def finished() -> set[str]:
    return {name for name in entries() if not name.endswith(".part")}


def test_what_a_clone_needs_stays(clone: Path) -> None:
    gc(yes=True)
    assert finished() == {"needed", "spare"}
    with contextlib.chdir(clone):
        gc(yes=True)
    assert finished() == {"needed", "spare"}, "the first folder notes itself, too"


def test_what_a_clone_needs_no_more_is_removed(clone: Path) -> None:
    shutil.rmtree(clone / "results")
    gc(yes=True)
    assert finished() == {"needed"}


@pytest.mark.parametrize("gone", ["", "params.yaml", "results"])
def test_what_a_clone_needed_stays_while_it_cannot_be_read(
    clone: Path, gone: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (clone / gone).rename(clone.parent / f"{clone.name}-away")
    if gone == "results":  # a link to a disk that is not there
        (clone / gone).symlink_to(clone / "nowhere")
    gc(yes=True)
    assert finished() == {"needed", "spare"}
    assert missing_facts(capsys.readouterr().out, str(clone), f"gc --forget '{clone}'") == []
    gc(yes=True, forget=clone)
    assert finished() == {"needed"}


def test_a_record_of_a_clone_that_is_damaged_removes_nothing(clone: Path) -> None:
    record = clone / "results/compare/runs/a-s1/record.json"
    record.write_text("{")
    with refused(StoreError, str(record), "nothing is removed"):
        gc(yes=True)
    assert finished() == {"needed", "spare"}


def test_only_a_folder_that_uses_the_store_is_forgotten(clone: Path) -> None:
    with refused(StoreError, "--forget", "elsewhere", str(clone)):
        gc(yes=True, forget=Path("elsewhere"))
    assert finished() == {"needed", "spare"}


def test_a_store_that_cannot_be_written_is_told_and_stops_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("store/users").write_text("in the way")
    note_use()
    assert "store/users" in capsys.readouterr().err
