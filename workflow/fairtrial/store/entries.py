"""Entries of the store: whole or absent, under a key, outside of every declared output.

Snakemake, DVC and SLURM delete or repeat finished work at certain moments. What takes hours is
therefore made here, under a key of everything that determines it, and the declared outputs are
copies:

    store/runs/<key>/        an entry; it gets this name when it is whole
    store/runs/<key>.part/   an unfinished entry, with what an interrupted attempt left
    store/runs/<key>.lock    the lock of whoever makes it (locks.py)
    store/runs/<key>.damaged an entry that no longer was what its checksums say

An entry holds the SHA-256 of each of its files, in `sums.FILE`, and is checked by them before it is
used.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Callable, Collection
from pathlib import Path

from fairtrial import StoreError
from fairtrial.files import disk
from fairtrial.store import locks, sums

FULL = {errno.EDQUOT, errno.EFBIG, errno.ENOSPC, errno.EROFS}
REFUSED = {errno.EACCES, errno.EEXIST, errno.ENOTDIR, errno.EPERM}


def root() -> Path:
    """The store's folder. In DVC's temporary copies it is the parent repository's."""
    return Path(os.environ.get("DVC_ROOT", "."), "store")


def obtain(
    kind: str, key: str, make: Callable[[Path], None], may_lack: Collection[str] = ()
) -> tuple[Path, bool]:
    """The folder of an entry, made by `make(folder)` unless it exists, and whether it existed
    (adopted).

    Waits while another process makes the same entry, so that no two ever write one. `folder` is
    empty at the first attempt; what an attempt leaves there when it raises or is killed is given
    to the next one, which resumes from it or clears it. A damaged entry is put aside, with a
    message on stderr, and made again; one that lacks files of `may_lack` is none. What `make`
    raises is passed on; raises StoreError where the store cannot be written.
    """
    entry = root() / kind / key
    if not sums.damage(entry, may_lack):
        return entry, True
    lock = entry.with_name(f"{key}.lock")
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        with locks.acquired(lock, lambda: not sums.damage(entry, may_lack)) as is_acquired:
            if not is_acquired:
                return entry, True
            _put_aside(entry)
            _make_whole(entry, make)
    except OSError as error:
        if not _is_about_the_store(error):
            raise
        place = disk.place_of(error, [entry.parent]) or entry.parent
        raise StoreError(
            f"{place}: {error.strerror}. The store must be a writable "
            "folder, and it and the temporary folder need free space."
        ) from error
    return entry, False


def remove_file(entry: Path, name: str) -> None:
    """Remove a file of a finished entry, which stays whole without it."""
    sums.forget(entry, name)
    (entry / name).unlink()


def unfinished(kind: str, key: str) -> Path:
    """The folder of an unfinished entry, with what an interrupted attempt left."""
    return root() / kind / f"{key}.part"


def discard(kind: str, key: str) -> None:
    """Remove an unfinished entry, unless a process works on it."""
    part = unfinished(kind, key)
    if not part.exists() or _is_locked(part):
        return
    with locks.acquired(part.with_suffix(".lock"), lambda: not part.exists()) as is_acquired:
        if is_acquired:
            shutil.rmtree(part)


def entries(kind: str) -> list[Path]:
    """The finished entries, damaged ones, and the unfinished ones on which no process works,
    sorted."""
    folders = [path for path in (root() / kind).glob("*") if path.is_dir()]
    return sorted(path for path in folders if not _is_locked(path))


def _is_locked(path: Path) -> bool:
    lock = path.with_name(path.name.removesuffix(".part").removesuffix(".damaged") + ".lock")
    return lock.exists() and not locks.is_stale(lock)


def _is_about_the_store(error: OSError) -> bool:
    """Whether the store itself cannot be written; `make` may fail for other reasons."""
    path = Path(os.fsdecode(error.filename)) if error.filename else Path()
    return error.errno in FULL or (
        error.errno in REFUSED and (path == root() or root() in path.parents)
    )


def _make_whole(entry: Path, make: Callable[[Path], None]) -> None:
    """Make an entry in its unfinished folder, and rename that once it is whole and on disk."""
    part = entry.with_name(f"{entry.name}.part")
    part.mkdir(exist_ok=True)
    make(part)
    sums.write(part)
    for path in (*sorted(part.rglob("*")), part):
        _flush(path)
    require_lock(part)
    part.rename(entry)
    _flush(entry.parent)


def _put_aside(entry: Path) -> None:
    """Rename a damaged entry, of which the last one is kept."""
    if not entry.is_dir():
        return
    aside = entry.with_name(f"{entry.name}.damaged")
    print(f"{sums.damage(entry)}: put aside as {aside.name}, and made again", file=sys.stderr)
    shutil.rmtree(aside, ignore_errors=True)
    entry.rename(aside)


def require_lock(part: Path) -> None:
    """Raise StoreError where this process has lost the lock of an unfinished entry."""
    lock = part.with_name(part.name.removesuffix(".part") + ".lock")
    if not locks.holds(lock):
        raise StoreError(
            f"{part}: this process had no heartbeat for so long that another one took its lock "
            f"({locks.describe(lock)}); the result is discarded"
        )


def _flush(path: Path) -> None:
    """Make the content of a file, or the names in a folder, safe on disk (fsync)."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
