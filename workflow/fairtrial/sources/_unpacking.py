"""Unpack zip and tar archives; no member can leave the folder, however it is named."""

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
_LEAST = 4096  # bytes that even the shortest file takes on a disk
_BROKEN = (
    EOFError,  # a truncated compressed file
    NotImplementedError,  # an unknown compression
    UnicodeError,  # a name that cannot be decoded
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True)
class _Member:
    """A file of an archive, or a link to one. Folders are created for their files."""

    path: str
    content: Callable[[], IO[bytes] | None]
    link: str = ""  # the path, in the archive, of the file that it links to; empty for a file


@dataclass
class _ByteBudget:
    """The limit of bytes to unpack: an archive of a few kilobytes can hold terabytes."""

    limit: int
    used: int = 0

    def take(self, count: int) -> None:
        """Count `count` more bytes. Raises DataError above the limit."""
        self.used += count
        if self.used > self.limit:
            raise DataError(
                f"holds more than {self.limit / 1e9:g} GB, the limit that `largest` sets"
            )


def unpack(archive: Path, folder: Path, taken: Callable[[str], bool], limit: int) -> None:
    """Write the files for which `taken` is true into the empty `folder`; links become copies.

    Raises DataError for a file that is no archive or is truncated, a member that would leave the
    folder or is neither file, folder nor link, two members of one name, and more than `limit`
    bytes.
    """
    budget, links = _ByteBudget(limit), {}
    try:
        for member in _members(archive, budget):
            if not taken(member.path):
                continue
            if member.link:
                links[member.path] = member.link
            else:
                _write(member, folder / member.path, budget)
    except (OSError, *_BROKEN) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # an error of the disk; those of gzip and bzip2 have no errno
        raise DataError(f"is not whole, or not readable ({error})") from error
    for path, target in sorted(links.items()):
        _copy(folder, path, _link_end(target, links), budget)


def _members(archive: Path, budget: _ByteBudget) -> Iterator[_Member]:
    if tarfile.is_tarfile(archive):  # first, since a tar that ends with a zip also passes for a zip
        yield from _of_tar(archive, budget)
    elif zipfile.is_zipfile(archive):
        yield from _of_zip(archive)
    else:
        raise DataError("is neither zip nor tar, or is truncated")


def _of_zip(archive: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if info.is_dir():
                _checked_member(info.filename, folder=True)
                continue
            path = _checked_member(info.filename)
            if info.flag_bits & 1:
                raise DataError(f"{path} is encrypted")
            if kind not in (0, stat.S_IFREG, stat.S_IFLNK):
                raise DataError(f"{path} is neither file, folder nor link")
            link = ""
            if kind == stat.S_IFLNK:
                with opened.open(info) as file:
                    link = _target(path, file.read(_LEAST).decode("utf-8", "replace"))
            yield _Member(path, partial(opened.open, info), link)


def _of_tar(archive: Path, budget: _ByteBudget) -> Iterator[_Member]:
    with tarfile.open(archive) as opened:
        for info in opened:
            if info.isdir():
                _checked_member(info.name, folder=True)
                continue
            path = _checked_member(info.name)
            if info.issym() or info.islnk():
                link = _target(path if info.issym() else "", info.linkname)
                yield _Member(path, lambda: None, link)
            elif info.isreg():
                yield _Member(path, partial(opened.extractfile, info))
            else:
                raise DataError(f"{path} is neither file, folder nor link")
        _read_to_end(opened, budget)


def _read_to_end(opened: tarfile.TarFile, budget: _ByteBudget) -> None:
    """Read a tar to its end. Raises ReadError where it has none: it was truncated between files."""
    file = opened.fileobj
    assert file is not None
    if file.tell() < opened.offset + tarfile.BLOCKSIZE:  # the block of zeros has been read
        raise tarfile.ReadError("it has no end")
    while block := file.read(_BLOCK):  # zeros; after them, a compressed file checks its checksum
        budget.take(len(block))


def _checked_member(name: str, *, folder: bool = False) -> str:
    if folder and name.strip("./") == "" and ".." not in name and not name.startswith("/"):
        return ""  # the top folder of the archive
    return folders.checked_path(name, "a member")


def _target(path: str, link: str) -> str:
    """The path in the archive to which a link leads.

    path: of a symbolic link, which is relative to its folder; empty for a hard link.
    """
    target = posixpath.normpath(posixpath.join(posixpath.dirname(path), link))
    if target.startswith(("/", "../")) or target == "..":
        raise DataError(f"{path or link}: the link to {link} leaves the folder")
    return _checked_member(target)


def _link_end(target: str, links: dict[str, str]) -> str:
    """The path at the end of a chain of links."""
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


def _write(member: _Member, target: Path, budget: _ByteBudget) -> None:
    budget.take(_LEAST)
    with _created(target, member.path) as output, _opened(member) as file:
        while block := file.read(_BLOCK):
            budget.take(len(block))
            output.write(block)


def _copy(folder: Path, path: str, target: str, budget: _ByteBudget) -> None:
    if not (folder / target).is_file():
        raise DataError(f"{path} is a link to {target}, which is no file in it")
    budget.take(_LEAST + (folder / target).stat().st_size)
    with _created(folder / path, path):
        pass
    folders.copy_file(folder / target, folder / path)


@contextmanager
def _created(target: Path, name: str) -> Iterator[IO[bytes]]:
    """Create a file and open it for writing. Raises DataError where there is one: `name` is in the
    archive twice."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        file = target.open("xb")
    except (FileExistsError, NotADirectoryError) as error:
        raise DataError(f"{name} is in it twice, or as file and as folder") from error
    with file:
        yield file
