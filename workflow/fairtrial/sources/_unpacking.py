"""The files of a zip or tar, and nothing outside of their folder, however they are named."""

from __future__ import annotations

import lzma
import posixpath
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from fairtrial import DataError
from fairtrial.files import folders

_BLOCK = 1 << 20  # bytes copied at a time
_LEAST = 4096  # bytes that a file takes on a disk, however short it is
_BROKEN = (
    EOFError,  # a compressed file that has been cut
    NotImplementedError,  # a compression that is not known here
    UnicodeError,  # a name that is none
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True)
class _Member:
    """A file, or a link to one; folders are made as their files need them."""

    path: str
    content: Callable[[], IO[bytes] | None]
    link: str = ""  # the path, in the archive, of the file that it stands for


@dataclass
class _Room:
    """How many bytes may still be unpacked: a few kilobytes can hold terabytes."""

    limit: int
    used: int = 0

    def take(self, count: int) -> None:
        """Count in some bytes. Raises DataError above the limit."""
        self.used += count
        if self.used > self.limit:
            raise DataError(
                f"holds more than {self.limit / 1e9:g} GB, which is what `largest` says"
            )


def unpack(archive: Path, folder: Path, taken: Callable[[str], bool], limit: int) -> None:
    """Write the taken files of an archive into the empty `folder`; links become copies.

    Raises DataError for what is no archive or cut, a member that would leave the folder or is
    neither file, folder nor link, two of one name, and more than `limit` bytes.
    """
    room, links = _Room(limit), {}
    try:
        for member in _members(archive, room):
            if not taken(member.path):
                continue
            if member.link:
                links[member.path] = member.link
            else:
                _write(member, folder / member.path, room)
    except (OSError, *_BROKEN) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's, not the archive's: gzip and bzip2 give theirs no number
        raise DataError(f"is not whole, or not readable ({error})") from error
    for path, target in sorted(links.items()):
        _copy(folder, path, _end(target, links), room)


def _members(archive: Path, room: _Room) -> Iterator[_Member]:
    if tarfile.is_tarfile(archive):  # first: the end of a tar may be that of a zip in it
        yield from _of_tar(archive, room)
    elif zipfile.is_zipfile(archive):
        yield from _of_zip(archive)
    else:
        raise DataError("is neither zip nor tar, or has been cut")


def _of_zip(archive: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if info.is_dir():
                _checked(info.filename, folder=True)
                continue
            path = _checked(info.filename)
            if info.flag_bits & 1:
                raise DataError(f"{path} is encrypted")
            if kind not in (0, stat.S_IFREG, stat.S_IFLNK):
                raise DataError(f"{path} is neither file, folder nor link")
            link = ""
            if kind == stat.S_IFLNK:
                with opened.open(info) as file:
                    link = _target(path, file.read(_LEAST).decode("utf-8", "replace"))
            yield _Member(path, partial(opened.open, info), link)


def _of_tar(archive: Path, room: _Room) -> Iterator[_Member]:
    with tarfile.open(archive) as opened:
        for info in opened:
            if info.isdir():
                _checked(info.name, folder=True)
                continue
            path = _checked(info.name)
            if info.issym() or info.islnk():
                link = _target(path if info.issym() else "", info.linkname)
                yield _Member(path, lambda: None, link)
            elif info.isreg():
                yield _Member(path, partial(opened.extractfile, info))
            else:
                raise DataError(f"{path} is neither file, folder nor link")
        _to_its_end(opened, room)


def _to_its_end(opened: tarfile.TarFile, room: _Room) -> None:
    """Raise unless a tar ends as it must, so that none that was cut between files passes."""
    file = opened.fileobj
    assert file is not None
    if file.tell() < opened.offset + tarfile.BLOCKSIZE:  # the block of zeros has been read
        raise tarfile.ReadError("it has no end")
    while block := file.read(_BLOCK):  # zeros; behind them a compressed file has its checksum
        room.take(len(block))


def _checked(name: str, *, folder: bool = False) -> str:
    if folder and name.strip("./") == "" and ".." not in name and not name.startswith("/"):
        return ""  # the archive's own top
    return folders.checked_path(name, "a member")


def _target(path: str, link: str) -> str:
    """Where a link leads: from its own folder if it is symbolic (then `path` is its place)."""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(path), link))
    if target.startswith(("/", "../")) or target == "..":
        raise DataError(f"{path or link}: the link to {link} leaves the folder")
    return _checked(target)


def _end(target: str, links: dict[str, str]) -> str:
    """The file at the end of a chain of links."""
    for _ in range(len(links)):
        if target not in links:
            break
        target = links[target]
    return target


def _opened(member: _Member) -> IO[bytes]:
    file = member.content()
    if file is None:
        raise DataError(f"{member.path} is neither file, folder nor link")
    return file


def _write(member: _Member, target: Path, room: _Room) -> None:
    room.take(_LEAST)
    with _new(target, member.path) as to, _opened(member) as file:
        while block := file.read(_BLOCK):
            room.take(len(block))
            to.write(block)


def _copy(folder: Path, path: str, target: str, room: _Room) -> None:
    if not (folder / target).is_file():
        raise DataError(f"{path} is a link to {target}, and that is no file here")
    room.take(_LEAST + (folder / target).stat().st_size)
    with _new(folder / path, path):
        pass
    folders.copy_file(folder / target, folder / path)


@contextmanager
def _new(target: Path, name: str) -> Iterator[IO[bytes]]:
    """A file that is not there yet, opened for writing."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        file = target.open("xb")
    except (FileExistsError, NotADirectoryError) as error:
        raise DataError(f"{name} stands in it twice, or as file and as folder") from error
    with file:
        yield file
