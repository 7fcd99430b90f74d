"""One training, whoever asks for it: the settings that all frameworks share, and the entry
of the store that holds its result.

A run of an experiment and a trial of a search with equal settings are one entry.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fairtrial import StoreError
from fairtrial.data.dataset import SplitDataset
from fairtrial.files.jsonfile import read_json, write_json
from fairtrial.plugins import plugin
from fairtrial.store import entries, keys
from fairtrial.training import checkpoint, digest, provenance

Row = dict[str, Any]  # an epoch's row of history.csv
AfterEpoch = Callable[[Row], None]

ATTEMPTS = "attempts.json"  # in an unfinished entry: who worked on it, and how far they came


def entry_key(
    framework: str, settings: dict[str, Any], code: str, inputs: dict[str, str | None]
) -> str:
    """The name of a training in the store: everything that determines its result.

    Never a name, a path or a time: the checkpoint that it starts from counts by its content,
    which is among `inputs`.
    """
    return keys.key([framework, settings | {"weights": None}, code, inputs])


def train_or_adopt(
    *,
    framework: str,
    settings: dict[str, Any],
    code: str,
    inputs: dict[str, str | None],
    view: Callable[[], SplitDataset],
    initial: Path | None,
    threads: int,
    after_epoch: AfterEpoch,
) -> tuple[Path, bool]:
    """The store's entry of one training, and whether it was there (adopted).

    settings: those of the framework's `Settings`; code: fingerprint of the code that fits;
    inputs: checksums of `annotations`, `split` and `weights`, and where a finished training is
    continued, its key as `continues`; view: reads the data set, if it
    is needed; initial: the checkpoint to start from; after_epoch: called with each epoch's row
    once that is committed, may raise. What an interrupted attempt left is gone on from.
    Raises BackendError and StoreError, and whatever `after_epoch` raises.
    """
    backend = plugin("backends", framework)

    def make(folder: Path) -> None:
        attempt = _Attempt(folder, after_epoch, _take_over(inputs.get("continues"), folder))
        facts = backend.fit(settings, view(), initial, folder, threads, attempt.after_epoch)
        state = {"state": digest.digest(folder / "weights.pt")}
        write_json(folder / "record.json", _record(facts, attempt, threads) | state)
        (folder / ATTEMPTS).unlink()
        (folder / checkpoint.DAMAGED).unlink(missing_ok=True)

    return entries.obtain("runs", entry_key(framework, settings, code, inputs), make)


def _take_over(earlier: str | None, folder: Path) -> int:
    """Put the end state of a finished training into `folder`; returns how many epochs it had."""
    if earlier is None:
        return 0
    entry = entries.root() / "runs" / earlier
    if not (entry / checkpoint.STATE).is_file():
        raise StoreError(
            f"{entry}: has no end state from which a run could be continued: it was removed "
            "(gc --states), or the run was trained elsewhere. To train it again, remove this "
            "folder, and name the run's record.json to `snakemake --forcerun`."
        )
    for name in (checkpoint.HISTORY, checkpoint.STATE):  # the state last: with it all is there
        if not (folder / checkpoint.STATE).exists():
            checkpoint.copy_whole(entry / name, folder / name)
    return checkpoint.epochs_done(entry)


class _Attempt:
    """What is told of the attempts at one entry, kept beside its state while it is unfinished."""

    def __init__(self, folder: Path, after_epoch: AfterEpoch, before: int) -> None:
        for litter in folder.glob(".*.part"):  # files that a killed attempt was writing
            litter.unlink()
        self._folder = folder
        self._before = before  # epochs of the training that is continued
        self._file = folder / ATTEMPTS
        self._then = after_epoch
        self._start = time.monotonic()
        self.all: list[dict[str, Any]] = read_json(self._file) if self._file.exists() else []
        own = {
            "from_epoch": checkpoint.epochs_done(folder) + 1,
            "epochs": 0,
            "seconds": 0.0,
            "host": socket.gethostname(),
            "slurm": provenance.slurm(),
        }
        self.all.append(own)
        self._write()

    def after_epoch(self, row: Row) -> None:
        entries.refuse_lost(self._folder)
        if row["epoch"] <= self._before:
            raise StoreError(
                f"{self._folder}: damaged; remove it, and the run goes on as it should"
            )
        own = self.all[-1]
        if own["epochs"] == 0:
            own["from_epoch"] = row["epoch"]
        own["epochs"] += 1
        self._write()
        self._then(row)

    def finish(self) -> None:
        self.all[-1]["seconds"] = round(time.monotonic() - self._start, 3)

    def _write(self) -> None:
        self.finish()
        write_json(self._file, self.all)

    @property
    def resumed(self) -> bool:
        return any(attempt["from_epoch"] > 1 for attempt in self.all[1:])


def _record(facts: dict[str, Any], attempt: _Attempt, threads: int) -> dict[str, Any]:
    attempt.finish()
    seconds = round(sum(each["seconds"] for each in attempt.all), 3)
    deviations = facts.pop("deviations", [])
    gpus = facts.pop("gpus", 1)
    hardware = provenance.hardware(threads, gpus)
    commit, dirty = provenance.commit()
    return {
        "best_epoch": facts.pop("best_epoch"),
        "epochs_run": facts.pop("epochs_run"),
        "model": facts,
        "deviations": deviations,
        "seconds": seconds,
        "gpu_seconds": gpus * seconds if hardware["gpu"] else None,
        "hardware": hardware,
        "versions": provenance.versions(),
        "commit": commit,
        "dirty": dirty,
        "slurm": provenance.slurm(),
        "attempts": attempt.all,
        "resumed": attempt.resumed,
    }
