"""attempts.json in an unfinished entry of the store: which processes worked on the training.

It is written at each epoch's end, and the training does not wait until it is on disk: where a state
is just being written, that could take as long as the state.
"""

from __future__ import annotations

import socket
import time
from pathlib import Path

from fairtrial import StoreError
from fairtrial.files.modelfile import FileModel, read_model, write_model
from fairtrial.store import entries
from fairtrial.training import checkpoint, provenance
from fairtrial.training.contract import AfterEpoch, HistoryRow
from fairtrial.training.provenance import SlurmJob

ATTEMPTS = "attempts.json"


class Attempt(FileModel):
    """One process's work on a training: its first epoch (from 1), epochs, seconds, and machine."""

    from_epoch: int
    epochs: int
    seconds: float
    host: str
    slurm: SlurmJob | None


class AttemptsFile(FileModel):
    """attempts.json: the attempts in their order, the present one last."""

    attempts: list[Attempt]


class CurrentAttempt:
    """This process's attempt at a training, after the earlier ones in attempts.json.

    folder: the unfinished entry; earlier_epochs: how many epochs the continued training had, 0
    where none is continued; after_epoch: called with each row once its epoch is in attempts.json.
    Creating an instance writes attempts.json.
    """

    def __init__(self, folder: Path, after_epoch: AfterEpoch, earlier_epochs: int) -> None:
        for part in folder.glob(".*.part"):  # files that a killed attempt was writing
            part.unlink()
        self._folder = folder
        self._file = folder / ATTEMPTS
        self._earlier_epochs = earlier_epochs
        self._after_epoch = after_epoch
        self._start = time.monotonic()
        self._before = _read(self._file)
        self._epochs = 0
        self._from_epoch = checkpoint.epochs_done(folder) + 1
        self._write()

    def after_epoch(self, row: HistoryRow) -> None:
        """Note an epoch that has ended. Raises StoreError where this process has lost its lock, or
        trains epochs again that the continued training had."""
        entries.require_lock(self._folder)
        epoch = int(row["epoch"])
        if epoch <= self._earlier_epochs:
            raise StoreError(
                f"{self._folder}: the state in it is damaged; remove this folder, and the run is "
                "continued from the end state of the earlier one"
            )
        if self._epochs == 0:
            self._from_epoch = epoch
        self._epochs += 1
        self._write()
        self._after_epoch(row)

    def _write(self) -> None:
        write_model(self._file, AttemptsFile(attempts=self.all()), sync=False)

    def all(self) -> list[Attempt]:
        """All attempts; the present one up to now.

        The last one before was killed. It may have committed an epoch that it did not note.
        """
        if not self._before:
            return [self._present()]
        *earlier, last = self._before
        next_epoch = self._from_epoch if self._epochs else checkpoint.epochs_done(self._folder) + 1
        epochs = max(last.epochs, next_epoch - last.from_epoch)
        return [*earlier, last.model_copy(update={"epochs": epochs}), self._present()]

    def _present(self) -> Attempt:
        return Attempt(
            from_epoch=self._from_epoch,
            epochs=self._epochs,
            seconds=round(time.monotonic() - self._start, 3),
            host=socket.gethostname(),
            slurm=provenance.slurm_job(),
        )


def _read(file: Path) -> list[Attempt]:
    """The earlier attempts; none where a power cut left the file empty."""
    if not file.exists() or not file.stat().st_size:
        return []
    return read_model(file, AttemptsFile).attempts
