"""Trainings that a driver offers to other machines, and what these machines leave to it.

Snakemake locks its folder for one driver. So another machine drives nothing: `fairtrial join` takes
trainings and workers of searches whose turn it is and makes them in the store, where the driver's
own jobs then find them finished. As long as somebody takes part, the driver writes a file for each
of these that could begin, and lets jobs wait that are made elsewhere while it has others. Nothing
depends on these files: the store's own locks see to it that no training is made twice.
"""

from __future__ import annotations

import shlex
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from fairtrial import DataError
from fairtrial.devices.pinning import job_name
from fairtrial.files import snapshot
from fairtrial.files.modelfile import FileModel, read_model, write_model
from fairtrial.store import locks
from fairtrial.training import commits

FOLDER = Path(".snakemake/fairtrial/offers")
HELPERS = Path(".snakemake/fairtrial/helpers")
# The rules whose jobs are offered, and the flags with what the driver's own job writes.
OUTPUTS = {"search": ("--done",), "train": ("--weights", "--record", "--history")}
POLL = 2.0  # seconds between two looks at who takes part, and at what is made elsewhere


class Offer(FileModel):
    """A training, or a worker of a search, that can begin: the arguments of `fairtrial`, with paths
    in the project's folder.

    driver: the process that offers it; snapshot: the folder with its code and settings; commit: see
    training/commits.py.
    """

    driver: locks.Holder
    arguments: list[str]
    snapshot: str
    commit: str

    @property
    def made(self) -> Path:
        """The record of the driver's own job."""
        return Path(self.arguments[self.arguments.index("--made") + 1])

    @property
    def name(self) -> str:
        """`train shop/small-s0`, as messages call the job."""
        return job_name(self.arguments[0], self.made)


class Helper(FileModel):
    """A machine that takes part; its file is touched as long as it does."""

    holder: locks.Holder
    began: float  # in seconds since 1970


# --------------------------------------------------------------------------- who takes part


@contextmanager
def registered() -> Iterator[Path]:
    """The file of this helper, as long as it works."""
    path = HELPERS / f"{uuid.uuid4().hex}.json"
    write_model(path, Helper(holder=locks.holder(), began=time.time()))
    with locks.kept_alive(path):
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)
            stop_file(path).unlink(missing_ok=True)


def helpers() -> dict[Path, Helper]:
    """Those that seem to work, by their files."""
    found = {}
    for path in sorted(HELPERS.glob("*.json")):
        with suppress(DataError, OSError):
            if not _is_silent(path):
                found[path] = read_model(path, Helper)
    return found


def _is_silent(path: Path) -> bool:
    """Whether a helper has ended, on this machine, or gives no sign of life."""
    alive = locks.is_alive_here(read_model(path, Helper).holder)
    if alive is not None:
        return not alive
    return time.time() - path.stat().st_mtime > locks.STALE_AFTER


def stop_file(helper: Path) -> Path:
    """The file whose existence asks a helper to stop."""
    return helper.with_suffix(".stop")


# --------------------------------------------------------------------------- what is offered


def offers(working: list[locks.Holder]) -> dict[Path, Offer]:
    """What these drivers offer, by file; what nobody has begun."""
    found = {}
    for path in sorted(FOLDER.glob("*.json")):
        with suppress(DataError, OSError):
            offer = read_model(path, Offer)
            if offer.driver in working and not is_taken(path):
                found[path] = offer
    return found


def offer_file(job: Any) -> Path:
    """The file of a job of Snakemake: `shop~train~small-s0.json`."""
    words = job.wildcards
    name = words.run if job.rule.name == "train" else f"{words.study}-{words.worker}"
    return FOLDER / f"{words.experiment}~{job.rule.name}~{name}.json"


def taken_file(offer: Path) -> Path:
    """The lock of whoever makes it."""
    return offer.with_suffix(".lock")


def is_taken(offer: Path) -> bool:
    """Whether another process makes it now."""
    lock = taken_file(offer)
    return lock.exists() and not locks.looks_stale(lock)


# --------------------------------------------------------------------------- the driver


def offer_trainings(workflow: Any) -> None:
    """Let Snakemake's scheduler offer trainings, where its jobs run on this machine."""
    from snakemake.scheduling.job_scheduler import JobScheduler

    is_plain = workflow.local_exec and not workflow.deployment_settings.deployment_method
    if is_plain and not hasattr(JobScheduler, "offers_trainings"):
        JobScheduler.offers_trainings = True
        offer_ready_jobs(JobScheduler)


def offer_ready_jobs(scheduler: Any) -> None:
    """Let a class of schedulers offer its ready trainings, and begin those that are made elsewhere
    when it has no other job."""
    ready, run, begin = scheduler.open_jobs.fget, scheduler.run, scheduler.schedule
    offered: set[Path] = set()

    def open_jobs(self: Any) -> list[Any]:
        jobs: list[Any] = ready(self)
        if self.dryrun or self.touch or not helpers():
            return jobs
        trainings = {id(job): offer_file(job) for job in jobs if _is_training(job)}
        for job in jobs:
            if id(job) in trainings and trainings[id(job)] not in offered:
                offered.add(trainings[id(job)])
                _offer(job, trainings[id(job)])
        own = [job for job in jobs if id(job) not in trainings or not is_taken(trainings[id(job)])]
        return own if own or self.running else jobs

    def run_and_withdraw(self: Any, jobs: Any, executor: Any = None) -> None:
        for job in jobs:
            if _is_training(job):
                offer_file(job).unlink(missing_ok=True)
        run(self, jobs, executor)

    def schedule(self: Any) -> Any:
        over = threading.Event()
        threading.Thread(target=_look_again_at_changes, args=(self, over), daemon=True).start()
        try:
            return begin(self)
        finally:
            over.set()
            for path in offered:
                path.unlink(missing_ok=True)

    scheduler.open_jobs = property(open_jobs)
    scheduler.run, scheduler.schedule = run_and_withdraw, schedule


def _look_again_at_changes(scheduler: Any, over: threading.Event) -> None:
    """Wake the scheduler when somebody begins or ends to take part, or has ended a training."""
    seen: list[Path] = []
    while not over.wait(POLL):
        with suppress(OSError):
            present = [*helpers(), *FOLDER.glob("*.lock")] if HELPERS.exists() else []
            if present != seen:
                seen = present
                scheduler._open_jobs.release()


def _is_training(job: Any) -> bool:
    return not job.is_group() and job.rule.name in OUTPUTS


def _offer(job: Any, path: Path) -> None:
    words = shlex.split(job.shellcmd)
    own = snapshot.root().resolve()
    offer = Offer(
        driver=locks.holder(),
        arguments=words[1 : words.index(">")],
        snapshot=own.relative_to(Path.cwd().resolve()).as_posix(),
        commit=commits.commit().model_dump_json(),
    )
    write_model(path, offer)
