"""Keyed, locked, whole-or-absent entries outside every declared output.

Snakemake, DVC and SLURM each have moments in which they delete or repeat finished work. What
costs a night is therefore made here, under a key of everything that determines it, and the
declared outputs are copies:

    store/runs/<key>/        an entry: it has this name only when it is whole
    store/runs/<key>.part/   the same in the making, or as far as an interrupted attempt came
    store/runs/<key>.lock    who makes it (locks.py)
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from fairtrial import StoreError
from fairtrial.store import locks

FULL = {errno.EDQUOT, errno.EFBIG, errno.ENOSPC, errno.EROFS}
REFUSED = {errno.EACCES, errno.EEXIST, errno.ENOTDIR, errno.EPERM}


def root() -> Path:
    """The store's folder. In DVC's temporary copies it is the parent repository's."""
    return Path(os.environ.get("DVC_ROOT", "."), "store")


def obtain(kind: str, key: str, make: Callable[[Path], None]) -> tuple[Path, bool]:
    """The folder of an entry, made by `make(folder)` unless it is there already.

    Waits while somebody else makes the same entry, so that no two ever write one.
    `folder` is empty at the first attempt; what an attempt leaves there when it raises or is
    killed is handed to the next one, which goes on from it or clears it.
    Returns the folder and whether it was there (adopted). What `make` raises is passed on.
    """
    entry = root() / kind / key
    if entry.is_dir():
        return entry, True
    lock = entry.with_name(f"{key}.lock")
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        with locks.held(lock, entry.is_dir) as mine:
            if not mine:
                return entry, True
            _make_whole(entry, make)
    except OSError as error:
        if not _is_about_the_store(error):
            raise
        raise StoreError(
            f"{error.filename or entry.parent}: {error.strerror}. The store must be a writable "
            "folder, and it and the temporary folder need free space."
        ) from error
    return entry, False


def unfinished(kind: str, key: str) -> Path:
    """Where an entry is made; what lies there is what an interrupted attempt left."""
    return root() / kind / f"{key}.part"


def discard(kind: str, key: str) -> None:
    """Remove what an attempt left unfinished, unless somebody goes on with it."""
    part = unfinished(kind, key)
    if not part.exists() or _is_in_hand(part):
        return
    with locks.held(part.with_suffix(".lock"), lambda: not part.exists()) as mine:
        if mine:
            shutil.rmtree(part)


def entries(kind: str) -> list[Path]:
    """The finished entries, and the unfinished ones that nobody is working on."""
    folders = [path for path in (root() / kind).glob("*") if path.is_dir()]
    return sorted(path for path in folders if not _is_in_hand(path))


def _is_in_hand(path: Path) -> bool:
    lock = path.with_name(path.name.removesuffix(".part") + ".lock")
    return lock.exists() and not locks.is_stale(lock)


def _is_about_the_store(error: OSError) -> bool:
    """Whether a person can mend it there; `make` may fail for reasons of its own."""
    named = Path(os.fsdecode(error.filename)) if error.filename else Path()
    return error.errno in FULL or (
        error.errno in REFUSED and (named == root() or root() in named.parents)
    )


def _make_whole(entry: Path, make: Callable[[Path], None]) -> None:
    part = entry.with_name(f"{entry.name}.part")
    part.mkdir(exist_ok=True)
    make(part)
    for path in (*sorted(part.rglob("*")), part):
        _flush(path)
    require_lock(part)
    part.rename(entry)
    _flush(entry.parent)


def require_lock(part: Path) -> None:
    """Raise StoreError where this process has no right any more to work in an unfinished entry."""
    lock = part.with_name(part.name.removesuffix(".part") + ".lock")
    if not locks.is_own(lock):
        raise StoreError(
            f"{part}: this process was silent for so long that its lock was given to another "
            f"one ({locks.describe(lock)}); what it makes is not kept"
        )


def _flush(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
