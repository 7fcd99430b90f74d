"""Who drives the workflow in this folder, so that a dead driver's lock holds nobody up.

Snakemake locks the files of a workflow while it runs it, and cannot tell a lock whose Snakemake was
killed from one whose Snakemake works. So each driver writes a file that names its process, and the
next one removes the locks where all drivers before it are dead. Mended at the interface that all of
Snakemake's kinds of persistence have.
"""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from fairtrial import DataError
from fairtrial.files.folders import folder_lock
from fairtrial.files.modelfile import FileModel, read_model, write_model
from fairtrial.files.text import duration
from fairtrial.store import locks

FOLDER = Path(".snakemake/fairtrial/drivers")


class Driver(FileModel):
    """A Snakemake that runs jobs in this folder; its file is touched as long as it works."""

    holder: locks.Holder
    began: float  # in seconds since 1970


class DriverFile:
    """The file of one driver."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.driver = read_model(path, Driver)

    @property
    def is_dead(self) -> bool:
        """Whether it certainly ended: its process, if it was on this machine, or its SLURM job."""
        holder = self.driver.holder
        alive = locks.is_alive_here(holder)
        if alive is None and holder.slurm_job:
            return locks.has_slurm_ended(holder.slurm_job)
        return alive is False

    @property
    def works(self) -> bool:
        """Whether it seems to work; elsewhere by its signs of life, without asking SLURM."""
        alive = locks.is_alive_here(self.driver.holder)
        return self._silent() < locks.STALE_AFTER if alive is None else alive

    def __str__(self) -> str:
        holder = self.driver.holder
        job = f", SLURM job {holder.slurm_job}" if holder.slurm_job else ""
        at = time.strftime("%Y-%m-%d %H:%M", time.localtime(self.driver.began))
        silent = self._silent()
        sign = f"; no sign of life for {duration(silent)}" if silent > locks.STALE_AFTER else ""
        return f"process {holder.process} on {holder.host}{job}, since {at}{sign}"

    def _silent(self) -> float:
        """Seconds since it last touched its file."""
        with suppress(OSError):
            return time.time() - self.path.stat().st_mtime
        return 0.0


def recorded(folder: Path = FOLDER) -> list[DriverFile]:
    """The drivers that have not removed their files: they work, or were killed."""
    drivers = []
    for path in sorted(folder.glob("*.json")):
        with suppress(DataError, OSError):
            drivers.append(DriverFile(path))
    return drivers


def outlive_dead_drivers() -> None:
    """Let Snakemake's lock know of drivers, dead ones among them."""
    from snakemake.persistence import PersistenceBase

    if not hasattr(PersistenceBase, "knows_drivers"):
        PersistenceBase.knows_drivers = True
        know_drivers(PersistenceBase)


def know_drivers(persistence: Any) -> None:
    """Let a class of Snakemake's persistence lock as long as a driver works, and no longer."""
    lock, unlock = persistence.lock, persistence.cleanup_locks

    @contextmanager
    def lock_as_driver(self: Any) -> Iterator[None]:
        with ExitStack() as stack:
            with folder_lock(FOLDER):
                drivers = recorded()
                if self.locked:
                    if drivers and all(driver.is_dead for driver in drivers):
                        _tell_and_remove(self.cleanup_locks, drivers)
                    elif drivers:
                        raise _locked(drivers)
                _forget([driver for driver in drivers if driver.is_dead])
                stack.enter_context(_registered())
                Path(self.path, "locks").mkdir(exist_ok=True)  # an unlock removes it, too
                stack.enter_context(lock(self))
            yield

    def unlock_and_forget(self: Any) -> None:
        unlock(self)
        _forget(recorded())

    persistence.lock, persistence.cleanup_locks = lock_as_driver, unlock_and_forget


@contextmanager
def _registered() -> Iterator[None]:
    """The file of this driver, as long as it works."""
    path = FOLDER / f"{uuid.uuid4().hex}.json"
    write_model(path, Driver(holder=locks.holder(), began=time.time()))
    with locks.kept_alive(path):
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _tell_and_remove(cleanup: Any, drivers: list[DriverFile]) -> None:
    for driver in drivers:
        print(f"The lock of a Snakemake that has ended is removed: {driver}.", file=sys.stderr)
    cleanup()


def _locked(drivers: list[DriverFile]) -> Exception:
    from snakemake.exceptions import WorkflowError

    listed = "\n".join(f"  {driver}" for driver in drivers if not driver.is_dead)
    error: Exception = WorkflowError(
        f"These results cannot be locked, since another Snakemake works on them:\n{listed}\n"
        "Wait until it ends, or end it; if it is certainly gone, type `snakemake --unlock`."
    )
    return error


def _forget(drivers: list[DriverFile]) -> None:
    for driver in drivers:
        driver.path.unlink(missing_ok=True)
