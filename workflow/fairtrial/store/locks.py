"""Lock files that name their holder (host, process, SLURM job), with a heartbeat.

The holder touches its lock every few seconds. A stale lock, whose holder is dead, is recognised
on this machine at once, and on others by SLURM or by the missing heartbeat, and is removed. So
these locks work between machines that share a disk, and `status` can name their holders.
`files.folders.folder_lock` is the other kind, for short work on one machine: the kernel's flock,
which needs no heartbeat and cannot become stale.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fairtrial import DataError
from fairtrial.files.modelfile import FileModel, read_model

HEARTBEAT = 5.0  # seconds between two touches of a lock
STALE_AFTER = 120.0  # seconds without heartbeat after which a holder elsewhere counts as dead
ENDED = {  # SLURM's states of a job that has ended
    *("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED"),
    *("NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "TIMEOUT"),
}
POLL = 1.0  # seconds between two looks at a lock that another process holds


@contextmanager
def acquired(lock: Path, finished: Callable[[], bool]) -> Iterator[bool]:
    """Acquire `lock`, waiting while another process holds it, and release it in the end.

    Yields True; or False, without the lock, if `finished()` became true in the meantime.
    """
    waiting = False
    while not _try_acquire(lock):
        if is_stale(lock):
            _remove_stale(lock)
        elif not waiting:
            waiting = True
            print(f"waiting: {lock.stem} is being made by {describe(lock)}", file=sys.stderr)
        time.sleep(POLL if waiting else 0.01)
        if finished():
            yield False
            return
    try:
        with kept_alive(lock):
            yield not finished()
    finally:
        if holds(lock):
            lock.unlink(missing_ok=True)


@contextmanager
def acquired_at_once(lock: Path) -> Iterator[bool]:
    """Acquire `lock` unless another process holds it; yields whether this one has it now."""
    is_own = _try_acquire(lock)
    if not is_own and is_stale(lock):
        _remove_stale(lock)
        is_own = _try_acquire(lock)
    if not is_own:
        yield False
        return
    try:
        with kept_alive(lock):
            yield True
    finally:
        if holds(lock):
            lock.unlink(missing_ok=True)


@contextmanager
def kept_alive(file: Path) -> Iterator[None]:
    """Touch a file every HEARTBEAT seconds meanwhile, as a sign of life."""
    over = threading.Event()
    heartbeat = threading.Thread(target=_keep_alive, args=(file, over), daemon=True)
    heartbeat.start()
    try:
        yield
    finally:
        over.set()
        heartbeat.join()


def _try_acquire(lock: Path) -> bool:
    """Create the lock file with its content in one step. Returns False where there is one: a hard
    link fails where its name exists."""
    temporary = lock.with_name(f"{lock.name}.{uuid.uuid4().hex}")
    try:
        temporary.write_text(json.dumps(holder().model_dump(), sort_keys=True), encoding="utf-8")
        os.link(temporary, lock)
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True


class Holder(FileModel):
    """The process that holds a lock, as the lock's file names it."""

    host: str
    process_ids: str | None  # the namespace of process ids: a container has its own
    process: int  # its id
    started: str | None  # when the process started, in clock ticks since the host's
    slurm_job: str | None


def holder() -> Holder:
    """This process."""
    return Holder(
        host=socket.gethostname(),
        process_ids=_process_ids(),
        process=os.getpid(),
        started=process_start(os.getpid()),
        slurm_job=os.environ.get("SLURM_JOB_ID"),
    )


def _process_ids() -> str | None:
    """The namespace of this process's id; None where there are none."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return None


def process_start(process: int) -> str | None:
    """When a process of this machine started (a process id alone may have been reused).

    None for one that has ended, also for a zombie, whose parent has not collected it yet.
    """
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except OSError:
        return None
    state, *rest = stat.rpartition(")")[2].split()
    return None if state in "ZX" else rest[18]


def _keep_alive(file: Path, over: threading.Event) -> None:
    while not over.wait(HEARTBEAT):
        with suppress(OSError):
            os.utime(file)


def read(lock: Path) -> Holder | None:
    """The holder of a lock; None where there is none, or the file cannot be read."""
    try:
        return read_model(lock, Holder)
    except (DataError, OSError):
        return None


def holds(lock: Path) -> bool:
    """Whether this process still holds the lock."""
    return read(lock) == holder()


def is_stale(lock: Path) -> bool:
    """Whether the holder is gone: its process, or else its SLURM job, or else its heartbeat."""
    owner = read(lock)
    alive = is_alive_here(owner)
    if alive is not None:
        return not alive
    seconds = _since_heartbeat(lock)
    if owner and owner.slurm_job and seconds > 3 * HEARTBEAT:  # squeue is a load for its server
        return seconds > STALE_AFTER or has_slurm_ended(owner.slurm_job)
    return seconds > STALE_AFTER


def looks_stale(lock: Path) -> bool:
    """Whether the holder is gone, without asking SLURM: by its process, or else its heartbeat.

    For `status`: of a job elsewhere it notices the end later than `is_stale` does.
    """
    alive = is_alive_here(read(lock))
    if alive is not None:
        return not alive
    try:
        return _since_heartbeat(lock) > STALE_AFTER
    except OSError:  # the store is read-only: compare with the clock of this machine
        return not lock.exists() or time.time() - lock.stat().st_mtime > STALE_AFTER


def is_alive_here(owner: Holder | None) -> bool | None:
    """Whether a holder on this machine still works; None for one elsewhere."""
    if not owner or not owner.started:
        return None
    if (owner.host, owner.process_ids) != (socket.gethostname(), _process_ids()):
        return None
    return owner.started == process_start(owner.process)


def _since_heartbeat(lock: Path) -> float:
    """Seconds since the last heartbeat, by the clock of the disk (clocks of hosts differ)."""
    probe = lock.with_name(f"{lock.name}.{uuid.uuid4().hex}")
    try:
        probe.touch()
        return probe.stat().st_mtime - lock.stat().st_mtime
    except FileNotFoundError:
        return 0.0
    finally:
        probe.unlink(missing_ok=True)


def has_slurm_ended(job: str) -> bool:
    """Whether SLURM says that a job has ended; False where it cannot be asked."""
    try:
        answer = subprocess.run(
            ["squeue", "--noheader", "--jobs", job, "--format", "%T"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    if answer.returncode:
        return "Invalid job id" in answer.stderr
    return set(answer.stdout.split()) <= ENDED


def _remove_stale(lock: Path) -> None:
    """Remove a stale lock. A guard file lets one process at a time check and remove, so that none
    removes the lock that another has just acquired."""
    guard = lock.with_name(f"{lock.name}.removing")
    try:
        guard.touch(exist_ok=False)
    except FileExistsError:
        if _since_heartbeat(guard) > STALE_AFTER:
            guard.unlink(missing_ok=True)
        return
    try:
        if is_stale(lock):
            lock.unlink(missing_ok=True)
    finally:
        guard.unlink(missing_ok=True)


def describe(lock: Path) -> str:
    """Who holds a lock, for a message."""
    owner = read(lock)
    if owner is None:
        return "an unknown process"
    job = f", SLURM job {owner.slurm_job}" if owner.slurm_job else ""
    return f"process {owner.process} on {owner.host}{job}"
