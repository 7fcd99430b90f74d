"""Files and folders that are whole or absent; copies that share blocks; safe paths."""

from __future__ import annotations

import os
import re
import shutil
import sys
import unicodedata
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO, Any

from fairtrial import DataError

_NOT_IN_NAMES = {
    "Cc",
    "Cs",
    "Zl",
    "Zp",
}  # Unicode categories: control, surrogate, line and paragraph breaks
_PLAIN = re.compile(r"\w[\w.-]*(?:/\w[\w.-]*)*", re.ASCII)  # paths that are right at a glance
_FICLONE = 0x40049409  # Linux's request to share blocks between two files (linux/fs.h)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside `path`, which replaces `path` if the block succeeds.

    If the block raises, an existing `path` stays as it is.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    old = path.with_name(f".{path.name}.old")
    _remove(part)
    part.mkdir()
    try:
        yield part
        _remove(old)
        if path.exists():
            path.replace(old)
        part.replace(path)
    finally:
        _remove(part)
        _remove(old)


@contextmanager
def whole_file(path: Path, mode: str = "w", sync: bool = True) -> Iterator[IO[Any]]:
    """Open a file for writing, as text (`w`, UTF-8) or bytes (`wb`).

    It replaces `path` if the block succeeds. If the block raises, an existing `path` stays. Without
    `sync` the disk is not waited for, and after a power cut the file may be empty.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    encoding = None if "b" in mode else "utf-8"
    try:
        with part.open(mode, encoding=encoding, newline=None if "b" in mode else "") as file:
            yield file
            file.flush()
            if sync:
                os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder; wait while another process on this machine holds it.

    It is the kernel's flock on `<folder>/.lock`, which ends with the process. Where there is no
    flock (Windows, some file systems) nothing is locked. store/locks.py has locks that hold
    between machines.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting: another process works in {folder}", file=sys.stderr)
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:  # a file system without locks
            pass
        yield


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def copy_file(source: Path, target: Path) -> None:
    """Copy one file's bytes, sharing its blocks where the file system can (Btrfs, XFS).

    Never a hard link: a program that writes to the copy must not reach the original.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if not _reflink(source, target):
        shutil.copyfile(source, target)


def _reflink(source: Path, target: Path) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows
        return False
    with suppress(OSError), source.open("rb") as read, target.open("wb") as write:
        fcntl.ioctl(write, _FICLONE, read.fileno())
        return True
    return False


def link_or_copy(source: Path, target: Path) -> None:
    """Hard-link one of our own files (never a user's) to a second place, or copy it."""
    with suppress(OSError):  # another file system, one without links, or no folder yet
        os.link(source, target)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        copy_file(source, target)


def files_below(folder: Path) -> list[str]:
    """The files of a folder as sorted POSIX paths relative to it. Links are not followed.

    A folder that is not there has none. Raises DataError for one that cannot be read.
    """
    walk = os.walk(folder, onerror=_refuse_unreadable)
    paths = (Path(top, name) for top, _, names in walk for name in names)
    return sorted(path.relative_to(folder).as_posix() for path in paths)


def _refuse_unreadable(error: OSError) -> None:
    """Raise DataError for a folder that os.walk would silently skip, unless it is absent."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise DataError(f"{error.filename}: the folder cannot be read ({error.strerror})")


def checked_path(text: str, where: str) -> str:
    """`text` as a relative POSIX path that cannot leave its folder and can stand in a manifest.

    Raises DataError for an absolute path, a `..`, a backslash, an empty path, a line break or
    other control character, and a name that is not UTF-8.
    """
    if _PLAIN.fullmatch(text):  # nearly all are, and there may be millions
        return text
    path = PurePosixPath(text)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in text:
        raise DataError(f"{where}: {text!r} is not a path below its folder")
    if any(unicodedata.category(letter) in _NOT_IN_NAMES for letter in text):
        raise DataError(f"{where}: {text!r} has a control character or line break, or is not UTF-8")
    return path.as_posix()


def require_space(folder: Path, needed: int, what: str) -> None:
    """Raise DataError if the file system of `folder` has less than `needed` bytes free."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DataError(
            f"{what}: needs {needed / 1e6:.0f} MB in {folder}, where {free / 1e6:.0f} MB are free"
        )
