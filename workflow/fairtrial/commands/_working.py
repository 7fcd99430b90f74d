"""The Snakemakes that work in this folder, also one that `start` began and that still plans."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fairtrial import DataError
from fairtrial.files.modelfile import FileModel, read_model, write_model
from fairtrial.planning import drivers
from fairtrial.store import locks

NOBODY = "no Snakemake works here; the same command goes on"
STARTED = Path(".snakemake/fairtrial/started.json")


class StartedDriver(FileModel):
    """The last Snakemake that `start` began: its process, and the file with its output."""

    holder: locks.Holder
    log: str

    @classmethod
    def of(cls, process: int, log: Path) -> StartedDriver:
        """A child of this process."""
        started = locks.process_start(process)
        holder = locks.holder().model_copy(update={"process": process, "started": started})
        return cls(holder=holder, log=log.as_posix())

    def note(self) -> None:
        """Let other commands find it."""
        write_model(STARTED, self)


@dataclass(frozen=True)
class WorkingDriver:
    """A Snakemake that works; `text` describes it."""

    holder: locks.Holder
    text: str

    @property
    def is_here(self) -> bool:
        """Whether it works on this machine."""
        return locks.is_alive_here(self.holder) is True

    def __str__(self) -> str:
        return self.text


def working_drivers() -> list[WorkingDriver]:
    """All of them, on whichever machine."""
    started = _started()
    working = []
    for recorded in drivers.recorded():
        if recorded.works:
            holder = recorded.driver.holder
            log = f", output in {started.log}" if started and _same(started.holder, holder) else ""
            working.append(WorkingDriver(holder, f"{recorded}{log}"))
    known = [driver.holder for driver in working]
    if started and not any(_same(started.holder, holder) for holder in known):
        working += _planning(started)
    return working


def _planning(started: StartedDriver) -> list[WorkingDriver]:
    """One that `start` began and that is no driver yet, as long as it works."""
    holder = started.holder
    text = f"process {holder.process} on {holder.host}, which plans, output in {started.log}"
    return [WorkingDriver(holder, text)] if locks.is_alive_here(holder) else []


def _same(one: locks.Holder, other: locks.Holder) -> bool:
    return (one.host, one.process, one.started) == (other.host, other.process, other.started)


def _started() -> StartedDriver | None:
    try:
        return read_model(STARTED, StartedDriver)
    except (DataError, OSError):
        return None
