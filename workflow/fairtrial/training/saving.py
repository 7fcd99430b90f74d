"""The state at an epoch's end, written while the training goes on, at a bounded cost.

Taking and writing states costs about SHARE of the time. So a training that is told to end
(Ctrl-C, SIGTERM, SIGUSR1) writes the newest state that was taken; one that is killed goes on from
the last one on disk, which is at most as old as `most_lost` and an epoch. Where a disk is so slow
that a state is written for longer than half of that, one is written right after the other, and the
last one on disk may be as old as two writings and an epoch.
"""

from __future__ import annotations

import io
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fairtrial.files.folders import whole_file
from fairtrial.training.checkpoint import STATE, write_history
from fairtrial.training.contract import HistoryRow

SHARE = 0.01  # of the time that states may cost

_savings: dict[Path, _Saving] = {}  # of the trainings in this process, by their folders


@dataclass(frozen=True)
class _Snapshot:
    """A state as the bytes of its file, and the history up to it."""

    content: io.BytesIO
    rows: Sequence[HistoryRow]


def commit(folder: Path, state: dict[str, Any], rows: Sequence[HistoryRow], last: bool) -> None:
    """Take an epoch's state, and replace the state and then the history in `folder` by it.

    Within `saved_in_background` not each epoch's, and later. The state of the `last` epoch is on
    disk when this returns. `state` holds tensors and plain values only, so that loading it runs
    no code. Raises OSError where a state cannot be written, also an earlier one.
    """
    saving = _savings.get(folder)
    if saving is None:
        _write(folder, _taken(state, rows))
    else:
        saving.commit(state, rows, last)


@contextmanager
def saved_in_background(
    folder: Path, most_lost: float, require_lock: Callable[[], object]
) -> Iterator[None]:
    """Let `commit` write to `folder` beside the training, and end with the newest state on disk.

    most_lost: seconds of work that a kill may lose beside an epoch; 0: each epoch is written
    before the next one begins. require_lock: raises where another process works in `folder`.
    """
    saving = _savings[folder] = _Saving(folder, most_lost)
    try:
        yield
    except BaseException:
        saving.keep_newest(require_lock)
        raise
    finally:
        saving.wait()
        del _savings[folder]


@dataclass
class _Pace:
    """How long something took, and when it ended; as a context manager, it measures that."""

    seconds: float = 0.0
    began: float = 0.0
    ended: float | None = None

    def __enter__(self) -> None:
        self.began = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self.ended = time.monotonic()
        self.seconds = self.ended - self.began

    @property
    def is_affordable(self) -> bool:
        """Whether enough time has passed that it costs SHARE of it."""
        return self.ended is None or time.monotonic() - self.ended >= self.seconds / SHARE


@dataclass
class _Saving:
    """Takes the states of one training, and writes them in a thread.

    The thread gets bytes, and calls neither torch nor anything else with a lock: a training forks
    its loading processes at any time. Two snapshots are held at most.
    """

    folder: Path
    most_lost: float
    newest: _Snapshot | None = None  # that is not on disk
    thread: threading.Thread | None = None
    failure: OSError | None = None
    taking: _Pace = field(default_factory=_Pace)
    writing: _Pace = field(default_factory=_Pace)

    def commit(self, state: dict[str, Any], rows: Sequence[HistoryRow], last: bool) -> None:
        """As the function `commit`."""
        at_once = last or self.most_lost == 0 or self.writing.ended is None
        self._raise_failure()
        can_take = self.taking.is_affordable
        is_due = (can_take and self.writing.is_affordable) or self._limit_is_near
        is_due = is_due and not self._is_writing
        if not (at_once or can_take or is_due):
            return
        with self.taking:
            self.newest = _taken(state, rows)
        if at_once:
            self.wait()
            self._write_newest()
            self._raise_failure()
        elif is_due:
            self.thread = threading.Thread(target=self._write_newest, name="state")
            self.thread.start()

    @property
    def _is_writing(self) -> bool:
        return self.thread is not None and self.thread.is_alive()

    @property
    def _limit_is_near(self) -> bool:
        """Whether the state on disk will be older than `most_lost` once another one is there."""
        age = time.monotonic() - self.writing.began
        return age + self.taking.seconds + self.writing.seconds >= self.most_lost

    def _raise_failure(self) -> None:
        if self.failure:
            raise self.failure

    def _write_newest(self) -> None:
        snapshot = self.newest
        if snapshot is None:
            return
        try:
            with self.writing:
                _write(self.folder, snapshot)
        except OSError as error:
            self.failure = error
        else:
            if self.newest is snapshot:
                self.newest = None

    def wait(self) -> None:
        """Wait until nothing is written."""
        if self.thread is not None:
            self.thread.join()

    def keep_newest(self, require_lock: Callable[[], object]) -> None:
        """Write the newest state of a training that ends before its end. Where that fails, say so:
        why the training ends matters more."""
        self.wait()
        try:
            require_lock()
            self.failure = None
            self._write_newest()
            self._raise_failure()
        except Exception as error:
            print(f"the last epochs were not saved: {error}", file=sys.stderr)


def _taken(state: dict[str, Any], rows: Sequence[HistoryRow]) -> _Snapshot:
    import torch

    content = io.BytesIO()  # not to the file, since torch reports a full disk unclearly
    torch.save(state, content)
    return _Snapshot(content, tuple(dict(row) for row in rows))


def _write(folder: Path, snapshot: _Snapshot) -> None:
    with whole_file(folder / STATE, "wb") as file:
        file.write(snapshot.content.getbuffer())
    write_history(folder, snapshot.rows)
