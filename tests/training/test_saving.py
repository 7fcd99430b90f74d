"""States in the background: what is on disk when, and after which end."""

from __future__ import annotations

import errno
import os
import signal
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from fairtrial import StoreError
from fairtrial.training import checkpoint, saving

pytest.importorskip("torch")


def commit(folder: Path, epoch: int, last: bool = False) -> None:
    rows = [{"epoch": number, "val/fitness": 0.5} for number in range(1, epoch + 1)]
    saving.commit(folder, {"epoch": epoch}, rows, last)


def on_disk(folder: Path) -> tuple[int, int]:
    """The epoch of the state, and how many the history has."""
    state = checkpoint.last_state(folder)
    return (state["epoch"] if state else 0), checkpoint.epochs_done(folder)


def ours() -> None:
    """The lock of the folder is held."""


class Clock:
    """Time that passes as a test says: `takes` seconds with each state that is taken or written."""

    def __init__(self) -> None:
        self.now, self.takes = 1000.0, 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(saving, "time", clock)

    def slow(work: Callable[..., Any]) -> Callable[..., Any]:
        def with_time(*arguments: Any) -> Any:
            clock.now += clock.takes
            return work(*arguments)

        return with_time

    for name in ("_taken", "_write"):
        monkeypatch.setattr(saving, name, slow(getattr(saving, name)))
    return clock


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that is started is waited for."""
    start = threading.Thread.start

    def start_and_wait(thread: threading.Thread) -> None:
        start(thread)
        thread.join()

    monkeypatch.setattr(threading.Thread, "start", start_and_wait)


def test_outside_of_a_training_in_the_store_each_epoch_is_written(tmp_path: Path) -> None:
    for epoch in (1, 2):
        commit(tmp_path, epoch)
        assert on_disk(tmp_path) == (epoch, epoch)


def test_with_nothing_to_lose_each_epoch_is_written(tmp_path: Path) -> None:
    with saving.saved_in_background(tmp_path, 0, ours):
        for epoch in (1, 2, 3):
            commit(tmp_path, epoch)
            assert on_disk(tmp_path) == (epoch, epoch)


@pytest.mark.parametrize(
    ("most", "epoch_seconds", "written"),
    [
        (300, 10, [1, 6, 11]),  # states that take half a second: every 50 seconds
        (300, 60, [1, 2, 3]),  # epochs that are longer than that
        (20, 10, [1, 3, 5]),  # a user who wants to lose less
    ],
    ids=["a hundredth of the time", "long epochs", "most that may be lost"],
)
def test_writing_costs_a_hundredth_of_the_time(
    most: float,
    epoch_seconds: float,
    written: list[int],
    clock: Clock,
    waited: None,
    tmp_path: Path,
) -> None:
    clock.takes, found = 0.5, []
    with saving.saved_in_background(tmp_path, most, ours):
        for epoch in range(1, 1 + written[-1]):
            clock.now += epoch_seconds
            before = on_disk(tmp_path)
            commit(tmp_path, epoch)
            if on_disk(tmp_path) != before:
                found.append(epoch)
                assert on_disk(tmp_path) == (epoch, epoch)
    assert found == written


def test_the_last_epoch_is_on_disk_though_nothing_was_due(clock: Clock, tmp_path: Path) -> None:
    clock.takes = 1.0
    with saving.saved_in_background(tmp_path, 300, ours):
        commit(tmp_path, 1)
        commit(tmp_path, 2)
        assert on_disk(tmp_path) == (1, 1)
        commit(tmp_path, 3, last=True)
        assert on_disk(tmp_path) == (3, 3)


def test_a_training_that_is_told_to_end_writes_its_newest_state(
    clock: Clock, tmp_path: Path
) -> None:
    with (
        pytest.raises(KeyboardInterrupt, match="SIGTERM"),
        saving.saved_in_background(tmp_path, 300, ours),
    ):
        clock.takes = 0.01  # taken often, written once
        commit(tmp_path, 1)
        clock.now += 2
        saving._savings[tmp_path].writing.seconds = 3
        commit(tmp_path, 2)
        assert on_disk(tmp_path) == (1, 1)
        raise KeyboardInterrupt("SIGTERM")
    assert on_disk(tmp_path) == (2, 2)


def test_a_process_that_lost_its_lock_writes_nothing_more(
    clock: Clock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def lost() -> None:
        raise StoreError("another process has the lock")

    with (
        pytest.raises(ValueError, match="why it ended"),
        saving.saved_in_background(tmp_path, 300, lost),
    ):
        commit(tmp_path, 1)
        clock.now += 2
        saving._savings[tmp_path].writing.seconds = 3
        commit(tmp_path, 2)
        raise ValueError("why it ended")
    assert on_disk(tmp_path) == (1, 1)
    assert "not saved: another process has the lock" in capsys.readouterr().err


@contextmanager
def full(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    raise OSError(errno.ENOSPC, "No space left on device", str(path))
    yield


def test_a_full_disk_ends_the_training_at_the_next_epoch(
    clock: Clock, waited: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        pytest.raises(OSError, match="No space left"),
        saving.saved_in_background(tmp_path, 300, ours),
    ):
        commit(tmp_path, 1)
        clock.now += 60
        monkeypatch.setattr(saving, "whole_file", full)
        commit(tmp_path, 2)
        commit(tmp_path, 3)
        pytest.fail("the third epoch was committed")
    assert on_disk(tmp_path) == (1, 1)


class SlowDisk:
    """A disk to which a state is written in `takes` seconds of the clock. In a thread it waits
    until that time has passed, while the training goes on."""

    def __init__(self, clock: Clock, takes: float) -> None:
        self.clock, self.takes = clock, takes
        self._fsync, self._ends = os.fsync, 0.0
        self._waits, self._may_end = threading.Event(), threading.Event()

    def fsync(self, descriptor: int) -> None:
        if threading.current_thread().name != "state":
            self.clock.now += self.takes / 2  # of the state, and of the history
        elif not self._may_end.is_set():
            self._ends = self.clock.now + self.takes
            self._waits.set()
            assert self._may_end.wait(60)
        self._fsync(descriptor)

    def pass_time(self, seconds: float) -> None:
        until = self.clock.now + seconds
        if self.is_writing and until >= self._ends:
            self.clock.now = self._ends
            self.end_writing()
        self.clock.now = until

    @property
    def is_writing(self) -> bool:
        thread = self._thread()
        return thread is not None and self._waits.wait(60)

    def end_writing(self) -> None:
        self._may_end.set()
        if thread := self._thread():
            thread.join()
        self._may_end.clear()
        self._waits.clear()

    def _thread(self) -> threading.Thread | None:
        return next((t for t in threading.enumerate() if t.name == "state"), None)


@pytest.mark.parametrize(
    ("takes", "most", "age"),
    [(2, 300, 310), (40, 300, 310), (40, 60, 90), (200, 300, 410)],
    ids=["quick", "slow", "so slow that one is always written", "slower than half of the limit"],
)
def test_no_more_is_lost_than_was_asked_for_on_a_slow_disk(
    takes: float,
    most: float,
    age: float,
    clock: Clock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Epochs of ten seconds; `age`: seconds of work that a kill may lose at the worst moment, which
    is just before the next state is whole."""
    disk, taken, oldest = SlowDisk(clock, takes), {0: 0.0}, 0.0
    monkeypatch.setattr(os, "fsync", disk.fsync)
    with saving.saved_in_background(tmp_path, most, ours):
        for epoch in range(1, 70):
            taken[epoch] = clock.now
            commit(tmp_path, epoch)
            if epoch > 1:
                before = taken[on_disk(tmp_path)[0]]
                writing = disk.is_writing and disk._ends <= clock.now + 10
                oldest = max(oldest, (disk._ends if writing else clock.now + 10) - before)
            disk.pass_time(10)
        disk.end_writing()
    assert oldest <= age
    assert most < 2 * takes or oldest >= min(most, 100 * takes), "no more often than needed"


def test_a_training_that_is_told_to_end_while_a_slow_disk_writes_leaves_its_newest_state(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = SlowDisk(clock, 100)
    monkeypatch.setattr(os, "fsync", disk.fsync)

    def told(*_: object) -> None:
        disk._may_end.set()
        raise KeyboardInterrupt("SIGTERM")

    before = signal.signal(signal.SIGTERM, told)
    try:
        with (
            pytest.raises(KeyboardInterrupt, match="SIGTERM"),
            saving.saved_in_background(tmp_path, 300, ours),
        ):
            for epoch in range(1, 6):
                commit(tmp_path, epoch)
                clock.now += 200 if epoch == 1 else 10
            assert disk.is_writing and on_disk(tmp_path) == (1, 1)
            os.kill(os.getpid(), signal.SIGTERM)
            threading.Event().wait(60)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert on_disk(tmp_path) == (5, 5)


def test_a_slow_disk_holds_up_no_epoch_and_holds_two_states_at_most(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, write, take = threading.Event(), saving._write, saving._taken
    held: list[int] = []
    taken: list[weakref.ref[Any]] = []

    def noted(*arguments: Any) -> saving._Snapshot:
        snapshot = take(*arguments)
        taken.append(weakref.ref(snapshot.content))
        return snapshot

    def slow(folder: Path, snapshot: saving._Snapshot) -> None:
        held.append(int(snapshot.rows[-1]["epoch"]))
        if held != [1]:
            assert release.wait(60)
        write(folder, snapshot)

    monkeypatch.setattr(saving, "_write", slow)
    monkeypatch.setattr(saving, "_taken", noted)
    with saving.saved_in_background(tmp_path, 300, ours):
        for epoch in range(1, 6):
            commit(tmp_path, epoch)
            clock.now += 100
            assert sum(content() is not None for content in taken) <= 2
        assert len(taken) == 5, "all were taken"
        assert on_disk(tmp_path) == (1, 1)
        assert held == [1, 2], "one is written at a time"
        release.set()
        commit(tmp_path, 6, last=True)
    assert on_disk(tmp_path) == (6, 6)
    assert held == [1, 2, 6], "of those that waited, the newest"
