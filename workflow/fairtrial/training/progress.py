"""The progress file of a training, which `status` reads.

`logs/<experiment>/train/<run>.json` exists from the start of a training to its successful end. No
result depends on this file, and a training goes on if it cannot be written.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from fairtrial import DataError
from fairtrial.devices import pinning
from fairtrial.files.modelfile import FileModel, read_model, write_model
from fairtrial.settings.stages import TrainSettings
from fairtrial.settings.study import SearchStageSettings
from fairtrial.store import keys
from fairtrial.store.locks import Holder, holder
from fairtrial.training.contract import HistoryRow
from fairtrial.training.provenance import SlurmJob, slurm_job


class TrainingProgress(FileModel):
    """The state of a training after its last epoch."""

    run: str
    settings: str  # a hash of the job's settings
    key: str  # of its entry in the store, whose lock says whether the process still works
    epochs: int  # planned
    epoch: int  # the last one that is done, 0 before the first
    attempt: int  # number of epochs that this attempt has done
    began: float  # start of this attempt, in seconds since 1970
    seconds: float  # from there to the end of the last epoch
    best: float | None  # highest fitness so far
    best_epoch: int | None
    holder: Holder  # the process, as in its lock
    slurm: SlurmJob | None
    error: str | None  # why the training failed; None while it works
    gpu: str | None = None  # the card of its machine that it uses, where it has taken one
    waits_for: str | None = None  # why it has none yet


def progress_file(experiment: str, run: str) -> Path:
    """The file with the progress of a run's training."""
    return Path("logs", experiment, "train", f"{run}.json")


def read_progress(file: Path) -> TrainingProgress | None:
    """The content of a progress file; None where it is missing or cannot be read."""
    try:
        return read_model(file, TrainingProgress)
    except (DataError, OSError):
        return None


def seconds_left(progress: TrainingProgress) -> float | None:
    """Seconds to the last planned epoch, at the pace of this attempt; None before its first."""
    if not progress.attempt:
        return None
    pace = progress.seconds / progress.attempt  # seconds an epoch
    current = max(0.0, time.time() - progress.began - progress.seconds)  # of the epoch that runs
    return max(0.0, pace * (progress.epochs - progress.epoch) - min(current, pace))


def settings_hash(settings: TrainSettings | SearchStageSettings) -> str:
    """The hash by which a progress file names the settings of its job."""
    return keys.key(settings.model_dump(mode="json", exclude={"trusted"}))


class ProgressReport:
    """Writes the progress file of one attempt at a training.

    file: named after the run; settings: the job's; key: of the entry in the store.
    """

    def __init__(self, file: Path, settings: TrainSettings, key: str) -> None:
        self._file = file
        self._start = time.monotonic()
        earlier = read_progress(file)
        if earlier and earlier.key != key:
            earlier = None  # of another training than the one that is resumed
        self.state = TrainingProgress(
            run=file.stem,
            settings=settings_hash(settings),
            key=key,
            epochs=settings.settings["epochs"],
            epoch=earlier.epoch if earlier else 0,
            attempt=0,
            began=time.time(),
            seconds=0.0,
            best=earlier.best if earlier else None,
            best_epoch=earlier.best_epoch if earlier else None,
            holder=holder(),
            slurm=slurm_job(),
            error=None,
        )

    def write(self, **changed: object) -> None:
        """Write the file with some values changed, without waiting for the disk. An OSError (a full
        disk, a read-only folder) is ignored: it must not end a training."""
        self.state = self.state.model_copy(update=changed)
        with suppress(OSError):
            write_model(self._file, self.state, sync=False)

    def after_epoch(self, row: HistoryRow) -> None:
        """Note an epoch that has ended."""
        epoch, best, best_epoch = int(row["epoch"]), self.state.best, self.state.best_epoch
        fitness = fitness_of(row)
        if fitness is not None and (best is None or fitness > best):
            best, best_epoch = fitness, epoch
        seconds = round(time.monotonic() - self._start, 3)
        attempt = self.state.attempt + 1
        self.write(epoch=epoch, attempt=attempt, seconds=seconds, best=best, best_epoch=best_epoch)

    def on_gpu(self, gpu: str, waits_for: str) -> None:
        """Note the card that is used from now on, or what the training waits for."""
        self._start = time.monotonic()
        self.write(began=time.time(), gpu=gpu or None, waits_for=waits_for or None)

    def fail(self, error: BaseException) -> None:
        """Note why the training ended."""
        interrupted = isinstance(error, KeyboardInterrupt)
        self.write(error="interrupted" if interrupted else str(error) or repr(error))

    def finish(self) -> None:
        """Delete the file: the results now say that the training is finished."""
        with suppress(OSError):
            self._file.unlink(missing_ok=True)


@contextmanager
def reported(file: Path, settings: TrainSettings, key: str) -> Iterator[ProgressReport]:
    """Keep the progress file of a training: written now, deleted at the end, or with the error.

    file: named after the run; settings: the job's; key: of the entry in the store.
    """
    report = ProgressReport(file, settings, key)
    report.write()
    try:
        with pinning.telling(report.on_gpu):
            yield report
    except BaseException as error:
        report.fail(error)
        raise
    report.finish()


def fitness_of(row: Mapping[str, float] | Mapping[str, str]) -> float | None:
    """The fitness in a row of history.csv (without a fitness its AP); None where it has neither."""
    for column in ("val/fitness", "val/AP"):
        if column in row and row[column] != "":
            return float(row[column])
    return None
