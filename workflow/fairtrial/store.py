"""Keyed, locked, whole-or-absent entries outside every declared output.

Snakemake, DVC and SLURM each have moments in which they delete or repeat finished work. What
costs a night is therefore made here, under a key of everything that determines it, and the
declared outputs are copies:

    store/runs/<key>/        an entry: it has this name only when it is whole
    store/runs/<key>.part/   the same in the making
    store/runs/<key>.lock    who makes it: host, process, SLURM job; touched every few seconds
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from fairtrial import StoreError

HEARTBEAT = 5.0  # seconds between two touches of a lock
STALE_AFTER = 120.0  # seconds without a touch after which a holder elsewhere counts as dead
FULL = {errno.EDQUOT, errno.EFBIG, errno.ENOSPC, errno.EROFS}
REFUSED = {errno.EACCES, errno.EEXIST, errno.ENOTDIR, errno.EPERM}
OVER = {  # SLURM's states of a job that runs no more
    *("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED"),
    *("NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "TIMEOUT"),
}
POLL = 1.0  # seconds between two looks at a lock that another one holds


def root() -> Path:
    """The store's folder. In DVC's temporary copies it is the parent repository's."""
    return Path(os.environ.get("DVC_ROOT", "."), "store")


def obtain(kind: str, key: str, make: Callable[[Path], None]) -> tuple[Path, bool]:
    """The folder of an entry, made by `make(folder)` unless it is there already.

    Waits while somebody else makes the same entry, so that no two ever write one.
    Returns the folder and whether it was there (adopted). What `make` raises is passed on;
    the unfinished folder stays for the next attempt to clear.
    """
    entry = root() / kind / key
    if entry.is_dir():
        return entry, True
    lock = entry.with_name(f"{key}.lock")
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        with _locked(lock, entry.is_dir) as mine:
            if not mine:
                return entry, True
            _make_whole(entry, make, lock)
    except OSError as error:
        if not _is_about_the_store(error):
            raise
        raise StoreError(
            f"{error.filename or entry.parent}: {error.strerror}. The store must be a writable "
            "folder, and it and the temporary folder need free space."
        ) from error
    return entry, False


def entries(kind: str) -> list[Path]:
    """The finished entries, and the unfinished ones that nobody is working on."""
    folders = [path for path in (root() / kind).glob("*") if path.is_dir()]
    return sorted(path for path in folders if not _is_in_hand(path))


def _is_in_hand(path: Path) -> bool:
    lock = path.with_name(path.name.removesuffix(".part") + ".lock")
    return lock.exists() and not _is_stale(lock)


def _is_about_the_store(error: OSError) -> bool:
    """Whether a person can mend it there; `make` may fail for reasons of its own."""
    named = Path(os.fsdecode(error.filename)) if error.filename else Path()
    return error.errno in FULL or (
        error.errno in REFUSED and (named == root() or root() in named.parents)
    )


def _make_whole(entry: Path, make: Callable[[Path], None], lock: Path) -> None:
    part = entry.with_name(f"{entry.name}.part")
    if part.exists():
        shutil.rmtree(part)
    part.mkdir()
    make(part)
    for path in (*sorted(part.rglob("*")), part):
        _flush(path)
    if _read(lock) != holder():
        raise StoreError(
            f"{entry}: this process was silent for so long that its lock was given to another "
            f"one ({_describe(lock)}); what it made is not kept"
        )
    part.rename(entry)
    _flush(entry.parent)


def _flush(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextmanager
def _locked(lock: Path, finished: Callable[[], bool]) -> Iterator[bool]:
    """Hold `lock`; yields False instead if `finished()` came true while another held it."""
    waiting = False
    while not _take(lock):
        if _is_stale(lock):
            _break(lock)
        elif not waiting:
            waiting = True
            print(f"waiting: {lock.stem} is being made by {_describe(lock)}", file=sys.stderr)
        time.sleep(POLL if waiting else 0.01)
        if finished():
            yield False
            return
    over = threading.Event()
    beat = threading.Thread(target=_beat, args=(lock, over), daemon=True)
    beat.start()
    try:
        yield not finished()
    finally:
        over.set()
        beat.join()
        if _read(lock) == holder():
            lock.unlink(missing_ok=True)


def _take(lock: Path) -> bool:
    """Make the lock, complete, in one step: a link fails where the name exists."""
    own = lock.with_name(f"{lock.name}.{uuid.uuid4().hex}")
    try:
        own.write_text(json.dumps(holder(), sort_keys=True), encoding="utf-8")
        os.link(own, lock)
    except FileExistsError:
        return False
    finally:
        own.unlink(missing_ok=True)
    return True


def holder() -> dict[str, Any]:
    """Who this process is: host, process id with its start, SLURM job.

    In a container process ids have another meaning, although the host's name may be the same.
    """
    return {
        "host": socket.gethostname(),
        "process_ids": _process_ids(),
        "process": os.getpid(),
        "started": _process_start(os.getpid()),
        "slurm_job": os.environ.get("SLURM_JOB_ID"),
    }


def _process_ids() -> str | None:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return None


def _process_start(process: int) -> str | None:
    """When a process of this machine started (a process id alone may have been given anew)."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except OSError:
        return None
    return stat.rpartition(")")[2].split()[19]


def _beat(lock: Path, over: threading.Event) -> None:
    while not over.wait(HEARTBEAT):
        with suppress(OSError):
            os.utime(lock)


def _read(lock: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(lock.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found


def _is_stale(lock: Path) -> bool:
    """Whether the holder is gone: its process, or else its SLURM job, or else its heartbeat."""
    found, own = _read(lock), holder()
    if found and found["started"] and all(found[n] == own[n] for n in ("host", "process_ids")):
        return bool(found["started"] != _process_start(found["process"]))
    silent = _silent_for(lock)
    if found and found["slurm_job"] and silent > 3 * HEARTBEAT:  # squeue is a load for its server
        return silent > STALE_AFTER or _slurm_says_gone(found["slurm_job"])
    return silent > STALE_AFTER


def _silent_for(lock: Path) -> float:
    """Seconds since the last heartbeat, by the clock of the disk (clocks of hosts differ)."""
    probe = lock.with_name(f"{lock.name}.{uuid.uuid4().hex}")
    try:
        probe.touch()
        return probe.stat().st_mtime - lock.stat().st_mtime
    except FileNotFoundError:
        return 0.0
    finally:
        probe.unlink(missing_ok=True)


def _slurm_says_gone(job: str) -> bool:
    try:
        asked = subprocess.run(
            ["squeue", "--noheader", "--jobs", job, "--format", "%T"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    if asked.returncode:
        return "Invalid job id" in asked.stderr
    return set(asked.stdout.split()) <= OVER


def _break(lock: Path) -> None:
    """Remove a stale lock. One process at a time looks and removes, and never a fresh lock."""
    guard = lock.with_name(f"{lock.name}.breaking")
    try:
        guard.touch(exist_ok=False)
    except FileExistsError:
        if _silent_for(guard) > STALE_AFTER:
            guard.unlink(missing_ok=True)
        return
    try:
        if _is_stale(lock):
            lock.unlink(missing_ok=True)
    finally:
        guard.unlink(missing_ok=True)


def _describe(lock: Path) -> str:
    found = _read(lock) or {}
    job = f", SLURM job {found['slurm_job']}" if found.get("slurm_job") else ""
    return f"process {found.get('process')} on {found.get('host')}{job}"
