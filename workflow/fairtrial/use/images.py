"""Images and videos that a person names: files, folders, globs, archives and addresses."""

from __future__ import annotations

import glob
import io
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np

from fairtrial import DataError
from fairtrial.files.folders import files_below
from fairtrial.use.preparation import Pixels

if TYPE_CHECKING:
    import PIL.Image

IMAGES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
VIDEOS = (".avi", ".gif", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm", ".wmv")
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")
ADDRESSES = ("http", "https", "rtmp", "rtsp", "tcp", "udp")
SECONDS = 20.0  # without a byte from an address


@dataclass(frozen=True)
class Input:
    """An image or a video. name: where its results lie, relative to the folder of results, with
    its own suffix; shown: how a person knows it. `source` is a path, an address, or the path of
    an archive, within which it is `member`."""

    name: str
    shown: str
    source: str
    is_video: bool
    member: str | None = None

    def content(self) -> bytes | str:
        """The bytes of what lies in an archive or, of an image, behind an address; else path or
        address."""
        if self.member is not None:
            return _from_archive(Path(self.source), self.member)
        if not self.is_video and is_address(self.source):
            return _fetched(self.source)
        return self.source

    def pixels(self) -> Pixels:
        """An image as it is shown: turned by its EXIF, RGB of 8 bits. Raises DataError where it
        cannot be read."""
        from PIL import Image

        try:
            content = self.content()
            opened = Image.open(io.BytesIO(content) if isinstance(content, bytes) else content)
            with opened as image:
                return upright(image)
        except Exception as error:  # whatever a decoder raises, the image cannot be used
            reason = " ".join(str(error).split())[:120]
            raise DataError(f"{self.shown}: cannot be read as an image ({reason})") from error


def upright(image: PIL.Image.Image) -> Pixels:
    """An image as it is shown: turned by its EXIF, RGB of 8 bits."""
    from PIL import Image, ImageOps

    shown = ImageOps.exif_transpose(image)
    if shown.mode.startswith("I;16"):
        shown = Image.fromarray((np.asarray(shown) >> 8).astype(np.uint8))
    return np.asarray(shown.convert("RGB"))


def is_address(text: str) -> bool:
    """Whether a text is an address of the network."""
    return urlsplit(text).scheme in ADDRESSES and "://" in text


def found(texts: Sequence[str]) -> list[Input]:
    """All images and videos that `texts` name, each by a name of its own.

    Raises DataError where a text names nothing.
    """
    inputs: list[Input] = []
    for text in texts:
        inside = list(_named(text))
        if not inside:
            raise DataError(f"{text}: no image and no video in it ({', '.join(IMAGES + VIDEOS)})")
        inputs += inside
    return list(_with_own_names(inputs))


def _named(text: str) -> Iterator[Input]:
    path = Path(text)
    if is_address(text):
        yield _at_address(text)
    elif path.is_dir():
        for name in files_below(path):
            if _is_known(name):
                yield Input(name, str(path / name), str(path / name), _is_video(name))
    elif path.is_file() and path.name.lower().endswith(ARCHIVES):
        for name in sorted(_members(path)):
            if _is_known(name) and ".." not in PurePosixPath(name).parts:
                yield Input(name.lstrip("/"), f"{text}:{name}", text, _is_video(name), name)
    elif path.is_file():
        is_image = path.suffix.lower() in IMAGES
        yield Input(path.name, text, text, not is_image)
    elif glob.has_magic(text):
        for each in sorted(glob.glob(text, recursive=True)):  # noqa: PTH207  # may be absolute
            if Path(each).is_file():
                yield from _named(each)
    else:
        raise DataError(f"{text}: no such file or folder")


def _at_address(text: str) -> Input:
    name = PurePosixPath(urlsplit(text).path).name or "stream"
    return Input(name, text, text, not name.lower().endswith(IMAGES))


def _is_known(name: str) -> bool:
    return name.lower().endswith((*IMAGES, *VIDEOS)) and not PurePosixPath(name).name.startswith(
        "."
    )


def _is_video(name: str) -> bool:
    return name.lower().endswith(VIDEOS)


def _with_own_names(inputs: Sequence[Input]) -> Iterator[Input]:
    """Inputs of equal name get a number: b.jpg, b-2.jpg."""
    names: set[str] = set()
    for each in inputs:
        path, name, number = PurePosixPath(each.name), each.name, 1
        while name in names:
            number += 1
            name = str(path.with_stem(f"{path.stem}-{number}"))
        names.add(name)
        yield Input(name, each.shown, each.source, each.is_video, each.member)


def _members(archive: Path) -> list[str]:
    """The files of an archive. Raises DataError where it cannot be read."""
    try:
        if archive.suffix.lower() == ".zip":
            with zipfile.ZipFile(archive) as opened:
                return [info.filename for info in opened.infolist() if not info.is_dir()]
        with tarfile.open(archive) as tar:
            return [member.name for member in tar.getmembers() if member.isfile()]
    except (zipfile.BadZipFile, tarfile.TarError, OSError, EOFError) as error:
        raise DataError(f"{archive}: cannot be read as an archive ({error})") from error


def _from_archive(archive: Path, member: str) -> bytes:
    if archive.suffix.lower() == ".zip":
        with zipfile.ZipFile(archive) as opened:
            return opened.read(member)
    with tarfile.open(archive) as tar:
        file = tar.extractfile(member)
        return b"" if file is None else file.read()


def _fetched(address: str) -> bytes:
    import httpx

    answer = httpx.get(address, timeout=SECONDS, follow_redirects=True)
    answer.raise_for_status()
    return answer.content
