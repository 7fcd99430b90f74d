"""The state at an epoch's end: replaced as a whole, read without running code of others."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from facts import refused
from fairtrial import StoreError
from fairtrial.training import checkpoint, saving

ROWS = [
    {"epoch": 1, "val/fitness": 0.25, "lr": 0.1234567},
    {"epoch": 2, "val/fitness": 0.5, "lr": 0.1},
    {"epoch": 3, "val/fitness": 0.5, "lr": 1e-5},
]


def test_history_has_six_digits_and_the_epochs_are_counted(tmp_path: Path) -> None:
    assert checkpoint.epochs_done(tmp_path) == 0
    checkpoint.write_history(tmp_path, ROWS)
    text = "epoch,val/fitness,lr\n1,0.25,0.123457\n2,0.5,0.1\n3,0.5,1e-05\n"
    assert (tmp_path / "history.csv").read_text() == text
    assert checkpoint.epochs_done(tmp_path) == 3


def test_no_epoch_is_a_history_too(tmp_path: Path) -> None:
    checkpoint.write_history(tmp_path, [])
    assert (tmp_path / "history.csv").read_text() == "epoch\n"
    assert checkpoint.epochs_done(tmp_path) == 0
    assert checkpoint.best_epoch([]) is None


def test_the_best_epoch_is_the_first_of_equals() -> None:
    assert checkpoint.best_epoch(ROWS) == 2


@pytest.mark.parametrize(
    ("fitnesses", "patience", "over"),
    [
        ([], 1, False),
        ([0.5, 0.4], 0, False),
        ([0.5, 0.4], 1, True),
        ([0.5, 0.5, 0.5], 2, True),
        ([0.5, 0.4, 0.6], 2, False),
        ([0.0, 0.0, 0.0], 1, False),
        ([0.0, 0.0, 0.5], 1, False),
        ([0.0, 0.0, 0.5, 0.5], 1, True),
        ([0.5] * 9, 0, True),
    ],
    ids=[
        "no epoch",
        "no early stopping",
        "worse",
        "equal for two epochs",
        "better within patience",
        "nothing detected yet",
        "first detections",
        "equal after first detections",
        "all epochs",
    ],
)
def test_a_training_is_over(fitnesses: list[float], patience: int, over: bool) -> None:
    rows = [{"val/fitness": value} for value in fitnesses]
    assert checkpoint.finished(rows, 9, patience) is over


NOW = {"threads": 1, "gpu": None, "torch": "2", "framework": "8"}


@pytest.mark.parametrize(
    ("then", "now", "deviations"),
    [
        (NOW, NOW, []),
        (NOW | {"threads": 2}, NOW, ["threads: 2, then 1"]),
        (NOW | {"torch": "1", "framework": "7"}, NOW, ["torch: 1, then 2", "framework: 7, then 8"]),
        (
            NOW,
            NOW | {"gpu": "A"},
            ["gpu: None, then A", "on a GPU, where no training can be repeated bit by bit"],
        ),
    ],
    ids=["nothing", "threads", "two versions", "a GPU"],
)
def test_what_may_make_a_resumed_training_differ_is_recorded(
    then: dict[str, object], now: dict[str, object], deviations: list[str]
) -> None:
    assert checkpoint.deviations(then, now) == deviations


def test_a_state_comes_back_and_one_that_runs_code_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch = pytest.importorskip("torch")
    assert checkpoint.last_state(tmp_path) is None
    state = {"epoch": 2, "model": {"w": torch.ones(2)}, "rows": ROWS}
    saving.commit(tmp_path, state, ROWS, last=False)
    loaded = checkpoint.last_state(tmp_path)
    assert loaded is not None
    assert loaded["rows"] == ROWS
    assert torch.equal(loaded["model"]["w"], state["model"]["w"])
    torch.save({"code": tmp_path}, tmp_path / "state.pt")
    damaged = (tmp_path / "state.pt").read_bytes()
    assert checkpoint.last_state(tmp_path) is None
    assert "state.pt: cannot be read" in capsys.readouterr().err
    assert checkpoint.last_state(tmp_path) is None, "the next attempt starts afresh, too"
    assert (tmp_path / "state.pt.damaged").read_bytes() == damaged


@pytest.mark.parametrize("place", [0.3, 0.5, 0.7])
def test_one_changed_byte_of_a_tensor_is_seen(
    place: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """torch.load itself takes it."""
    torch = pytest.importorskip("torch")
    saving.commit(tmp_path, {"w": torch.arange(20_000.0)}, ROWS, last=False)
    content = bytearray((tmp_path / "state.pt").read_bytes())
    content[int(place * len(content))] ^= 1
    (tmp_path / "state.pt").write_bytes(content)
    torch.load(tmp_path / "state.pt", weights_only=True)
    assert checkpoint.last_state(tmp_path) is None
    assert "state.pt: cannot be read" in capsys.readouterr().err


def failing(error: Exception) -> Any:
    def fail(*arguments: Any, **keywords: Any) -> Any:
        raise error

    return fail


@pytest.mark.parametrize(
    ("place", "error"),
    [
        ("read_bytes", OSError(errno.EIO, "Input/output error")),
        ("read_bytes", OSError(errno.ESTALE, "Stale file handle")),
        ("read_bytes", MemoryError()),
        ("load", RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to")),
    ],
    ids=["EIO", "ESTALE", "no memory to read", "no memory to load"],
)
def test_a_disk_or_memory_that_fails_costs_no_epoch(
    place: str, error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch")
    saving.commit(tmp_path, {"epoch": 2}, ROWS, last=False)
    with monkeypatch.context() as now:
        now.setattr(torch if place == "load" else Path, place, failing(error))
        cause = str(error) or "out of memory"
        with refused(StoreError, "state.pt", "cannot be read now", cause, "the same command"):
            checkpoint.last_state(tmp_path)
    assert checkpoint.last_state(tmp_path) == {"epoch": 2}
