"""What gc removes, and what stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from facts import refused
from fairtrial import StoreError
from fairtrial.commands.gc import gc
from fairtrial.store import locks, sums
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
    assert "nothing to remove; 1 entries are needed by results/" in capsys.readouterr().out


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
