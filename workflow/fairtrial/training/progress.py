"""How far a training has come, for whoever looks at it from another terminal.

Beside the log of each training lies a small file, `logs/<experiment>/train/<run>.json`, from
its start to its end:

    run, settings     whose it is; settings: a hash of what the job was told
    key               its entry in the store, whose lock says whether the process still lives
    epochs, epoch     how many were asked for, and how many are done
    attempt           epochs that this attempt has done
    began, seconds    its start by the clock, and seconds from there to the end of the last epoch
    best, best_epoch  highest fitness so far, and when
    holder            host, process and SLURM job (as in a lock)
    slurm             job, node and partition, or null
    error             why it ended, if it had time to say so

It is for people alone: no result depends on it, and a training goes on if it cannot be written.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from fairtrial import DataError
from fairtrial.files.jsonfile import read_json, write_json
from fairtrial.store import keys, locks
from fairtrial.training import provenance


def place(experiment: str, run: str) -> Path:
    """Where the progress of a run is told."""
    return Path("logs", experiment, "train", f"{run}.json")


def place_of(weights: Path) -> Path | None:
    """The same from the run's declared output, results/<experiment>/runs/<run>/weights.pt."""
    if len(weights.parts) < 5 or weights.parts[-3] != "runs":
        return None
    return place(weights.parts[-4], weights.parts[-2])


class TrainingProgress:
    """The file of one attempt at a training; `after_epoch` is called with each row of history."""

    def __init__(self, file: Path | None, settings: Mapping[str, Any], key: str) -> None:
        self._file = file
        self._start = time.monotonic()
        self._state: dict[str, Any] = {
            "run": file.stem if file else "",
            "settings": keys.key(dict(settings)),
            "key": key,
            "epochs": settings["settings"]["epochs"],
            "epoch": 0,
            "attempt": 0,
            "began": time.time(),
            "seconds": 0.0,
            "best": None,
            "best_epoch": None,
            "holder": locks.holder(),
            "slurm": provenance.slurm_job(),
            "error": None,
        }
        before = read(file) if file else None
        if before and before.get("key") == key:  # an interrupted attempt, which this goes on from
            kept = ("epoch", "best", "best_epoch")
            self._state |= {name: before.get(name) for name in kept}

    def write(self) -> None:
        """Write the file. A full disk or a read-only folder must not end a training."""
        if self._file:
            with suppress(OSError):
                write_json(self._file, self._state)

    def after_epoch(self, row: Mapping[str, Any]) -> None:
        """Tell of an epoch that is committed; `row` as in history.csv."""
        state, fitness = self._state, fitness_of(row)
        state["epoch"] = int(row["epoch"])
        state["attempt"] += 1
        state["seconds"] = round(time.monotonic() - self._start, 3)
        if fitness is not None and (state["best"] is None or fitness > state["best"]):
            state |= {"best": fitness, "best_epoch": state["epoch"]}
        self.write()

    def fail(self, error: BaseException) -> None:
        """Leave the reason for who comes to look."""
        interrupted = isinstance(error, KeyboardInterrupt)
        self._state["error"] = "interrupted" if interrupted else str(error) or repr(error)
        self.write()

    def finish(self) -> None:
        """The results stand for themselves now."""
        if self._file:
            with suppress(OSError):
                self._file.unlink(missing_ok=True)


@contextmanager
def reported(weights: Path, settings: Mapping[str, Any], key: str) -> Iterator[TrainingProgress]:
    """Tell of a training from its start to its end, however that comes.

    weights: the run's declared output; settings: what the job was told; key: the entry's.
    """
    progress = TrainingProgress(place_of(weights), settings, key)
    progress.write()
    try:
        yield progress
    except BaseException as error:
        progress.fail(error)
        raise
    progress.finish()


def fitness_of(row: Mapping[str, Any]) -> float | None:
    """The figure that picks the best epoch, of a row of history; None where there is none."""
    for column in ("val/fitness", "val/AP"):
        if row.get(column) not in (None, ""):
            return float(row[column])
    return None


def read(file: Path) -> dict[str, Any] | None:
    """The state that a file tells, or None where there is none, or none that can be read."""
    try:
        state = read_json(file)
    except (DataError, OSError):
        return None
    return state if isinstance(state, dict) and "key" in state else None
