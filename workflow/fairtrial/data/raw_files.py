"""The files of a raw folder: what is listed, what is an image, and what is left out.

Files of systems and tools (hidden folders, thumbnails, checkpoints of notebooks, resource forks)
are in no listing. An image is known by its suffix or, under an unknown one, by its first bytes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from fairtrial import DataError
from fairtrial.data.dataset import Dataset
from fairtrial.files.folders import files_below

SUFFIXES = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".bmp", ".dib", ".gif"),
        *(".tif", ".tiff", ".webp", ".pgm", ".ppm", ".pnm", ".pbm", ".avif", ".heic", ".heif"),
        *(".jp2", ".j2k", ".jpx", ".jpf", ".tga", ".qoi"),
    }
)
# Suffixes of files whose first bytes need not be looked at.
_TEXTS = frozenset(
    {".txt", ".xml", ".json", ".csv", ".yaml", ".yml", ".md", ".html", ".py", ".log", ".npy"}
)
_SYSTEM = frozenset(
    {
        "__macosx",  # resource forks in zip files made by macOS
        "__pycache__",
        "thumbs.db",
        "ehthumbs.db",
        "desktop.ini",
        "@eadir",  # thumbnails of a Synology
        "#recycle",
        "$recycle.bin",
        "recycler",
        "system volume information",
        "lost+found",
    }
)
# Why files are not read, by key of `not_read`.
REASONS = {
    "of_systems": "files of systems and tools (hidden folders, thumbnails, checkpoints)",
    "excluded": "files that `exclude` names",
    "images": "images that the annotations do not name",
    "others": "files that are neither images nor annotations of the set",
}
# The first bytes of the types of images that decoders here read, and of HEIC, which they do not.
_SIGNATURE = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n|GIF8[79]a|BM.{4}\0\0\0\0|II\*\0|MM\0\*|II\+\0|MM\0\+|RIFF.{4}WEBP"
    rb"|.{4}ftyp(?:avi[fs]|hei[cxfs]|hev[cx]|mif1|msf1)|.{4}jP  |\xff\x4f\xff\x51|P[1-6]\s|qoif",
    re.DOTALL,
)


def is_of_system(file: str) -> bool:
    """Whether a file, by its relative path, is one of a system or tool and no data of a person."""
    parts = file.split("/")
    return any(part.startswith((".", "~$")) or part.lower() in _SYSTEM for part in parts)


def listed_files(folder: Path) -> list[str]:
    """The files of a folder as sorted POSIX paths relative to it, without those of systems."""
    return [file for file in files_below(folder) if not is_of_system(file)]


def not_read(
    folder: Path, files: Iterable[str], dataset: Dataset, exclude: Sequence[str]
) -> dict[str, list[str]]:
    """The files of a raw folder that a set was not read from, sorted, by a key of REASONS.

    `exclude`: patterns of those that a source leaves out.
    """
    read = {image.file_name for image in dataset.images} | dataset.label_files
    found: dict[str, list[str]] = {key: [] for key in REASONS}
    for file in sorted(set(files) - read):
        if matches(file, exclude):
            key = "excluded"
        elif is_of_system(file):
            key = "of_systems"
        else:
            key = "images" if is_image(folder, file) else "others"
        found[key].append(file)
    return {key: files for key, files in found.items() if files}


def matches(file: str, patterns: Sequence[str]) -> bool:
    """Whether a relative path matches one of some patterns; a * also matches a /."""
    return any(fnmatchcase(file, pattern) for pattern in patterns)


def has_image_suffix(file: str) -> bool:
    """Whether the name of a file ends as that of an image does."""
    return _suffix(file) in SUFFIXES


def _suffix(file: str) -> str:
    """The suffix of a file's name in lower case, as pathlib has it, which takes twenty times as
    long."""
    name = _name(file)
    dot = name.rfind(".")
    return name[dot:].lower() if 0 < dot < len(name) - 1 else ""


def is_image(folder: Path, file: str) -> bool:
    """Whether a file, relative to `folder`, is an image: by its suffix or its first bytes."""
    suffix = _suffix(file)
    if suffix in SUFFIXES or suffix in _TEXTS:
        return suffix in SUFFIXES
    with (folder / file).open("rb") as opened:
        return _SIGNATURE.match(opened.read(32)) is not None


def image_files(folder: Path) -> list[str]:
    """The images below a folder, relative to it and sorted."""
    return [file for file in listed_files(folder) if is_image(folder, file)]


def present_folder(folder: Path, place: str, option: str) -> Path:
    """The folder `place` below `folder`.

    Raises DataError where it is not there; it lists the folders that are.
    """
    if (folder / place).is_dir():
        return folder / place
    raise no_folder(folder, place, option)


def no_folder(folder: Path, place: str, option: str) -> DataError:
    """The error for a folder that is not there. `option`: the one that names it."""
    above = folder / PurePosixPath(place).parent
    if not above.is_dir():
        above = folder
    entries = sorted(above.iterdir()) if above.is_dir() else []
    found = [e.relative_to(folder).as_posix() for e in entries if e.is_dir()]
    there = ", ".join(name for name in found if not is_of_system(name)) or "none"
    same = [name for name in found if _folded(name) == _folded(place)]
    hint = f"; did you mean `{same[0]}`?" if same else ""
    return DataError(f"there is no folder {place} in {folder} ({option}){hint}; there are: {there}")


class FileIndex:
    """The files of a folder by what their names have in common with misspelt ones."""

    def __init__(self, files: Iterable[str]) -> None:
        self._by_path: dict[str, list[str]] = {}
        self._by_name: dict[str, list[str]] = {}
        self._by_stem: dict[str, list[str]] = {}
        for file in files:
            folded = _folded(file)
            self._by_path.setdefault(folded, []).append(file)
            self._by_name.setdefault(_name(folded), []).append(file)
            self._by_stem.setdefault(_stem(folded), []).append(file)

    def meant(self, file: str) -> list[str]:
        """The files that `file` may mean: another case, another Unicode form, `\\` or `%20` in it;
        else the same name in another folder, or with another suffix."""
        folded = _folded(file)
        return (
            self._by_path.get(folded)
            or self._by_name.get(_name(folded))
            or self._by_stem.get(_stem(folded))
            or []
        )


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _stem(path: str) -> str:
    return _name(path).partition(".")[0]


def _folded(file: str) -> str:
    return unicodedata.normalize("NFC", unquote(file).replace("\\", "/")).casefold()
