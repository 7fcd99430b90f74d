"""How a format recognises its files in a folder: the folder's listing, and what was recognised."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Literal

from fairtrial.data.boxes import Size
from fairtrial.data.dataset import SPLITS
from fairtrial.data.raw_files import is_image, listed_files

Sure = Literal["certain", "likely", "possible"]
SURENESS: tuple[Sure, ...] = ("certain", "likely", "possible")  # the surest first
_HEAD = 65536  # bytes of a file that are looked at
_SPLIT_WORD = re.compile(
    r"(?<![a-z])(?:(train|training)|(val|valid|validation)|(test|testing))(?![a-z])"
)


@dataclass(frozen=True)
class Likeness:
    """What a format sees in a folder. `options`: those that read it; `seen`: in words."""

    sure: Sure
    seen: str
    options: Mapping[str, object]
    notes: tuple[str, ...] = ()  # choices that a person should check


class Listing:
    """The files of a folder, listed once for all formats; those of systems are left out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = listed_files(folder)

    @cached_property
    def images(self) -> list[str]:
        """The image files, by their suffix or content."""
        return [file for file in self.files if is_image(self.folder, file)]

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        by_name: dict[str, list[str]] = {}
        for file in self.images:
            by_name.setdefault(PurePosixPath(file).name, []).append(file)
        return by_name

    @cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        by_stem: dict[str, list[str]] = {}
        for file in self.images:
            path = PurePosixPath(file)
            by_stem.setdefault(path.stem, []).append(path.with_suffix("").as_posix())
        return by_stem

    def ending(self, *suffixes: str) -> list[str]:
        """The files whose name ends so, in lower case."""
        return [file for file in self.files if file.lower().endswith(suffixes)]

    def head(self, file: str) -> str:
        """The first 64 KiB of a file as text."""
        with (self.folder / file).open("rb") as opened:
            return opened.read(_HEAD).decode("utf-8-sig", "replace")

    def folder_of(self, names: Iterable[str], near: str = "") -> tuple[str, int]:
        """The folder to which most of the names of images are relative, and of how many.

        Of equal ones that whose path has the split of `near`, then the one nearest to it.
        """
        plain = (name.replace("\\", "/").removeprefix("./") for name in names)
        return _holder(self._by_name, plain, near)

    def folder_named_as(self, labels: Iterable[str], base: str) -> tuple[str, int]:
        """As `folder_of`, of images named as label files are, relative to the folder `base`."""
        paths = (PurePosixPath(label) for label in labels)
        files = (path.with_suffix("") for path in paths if path.name and not path.is_absolute())
        names = (path.relative_to(base).as_posix() for path in files)
        return _holder(self._by_stem, names, f"{base}/")

    def text_of(self, files: Sequence[str], most: int = 20) -> list[str]:
        """The first 64 KiB of some of the files, evenly chosen."""
        step = max(1, len(files) // most)
        return [self.head(file) for file in files[::step][:most]]

    def size_of(self, image: str) -> Size | None:
        """Width and height of an image as stored; None where it cannot be opened."""
        from PIL import Image, UnidentifiedImageError

        try:
            with Image.open(self.folder / image) as opened:
                return opened.size
        except (OSError, UnidentifiedImageError, ValueError, Image.DecompressionBombError):
            return None


def _holder(
    files_by: Mapping[str, Sequence[str]], names: Iterable[str], near: str
) -> tuple[str, int]:
    """The folder in which most of the names lie, and how many of them."""
    found: Counter[str] = Counter()
    for name in names:
        for file in files_by.get(PurePosixPath(name).name, []):
            if file == name or file.endswith(f"/{name}"):
                found[file[: len(file) - len(name)].rstrip("/") or "."] += 1
    if not found:
        return ".", 0
    split, parent = split_of_path(near), PurePosixPath(near).parent.as_posix()
    place = max(
        sorted(found),
        key=lambda place: (
            found[place],
            split is not None and split_of_path(place) == split,
            place == parent,
            len(_shared(place, parent)),
        ),
    )
    return place, found[place]


def split_of_path(text: str) -> str | None:
    """The split that the words of a path name, such as `val` in `images/valid_2`; the last one."""
    found = _SPLIT_WORD.findall(text.lower())
    if not found:
        return None
    return SPLITS[next(at for at, word in enumerate(found[-1]) if word)]


def by_split(folders: Iterable[str]) -> dict[str, str] | None:
    """The folders by the split that each names; None unless each names one of its own."""
    places = {split_of_path(folder): folder for folder in sorted(folders)}
    if None in places or len(places) < len(set(folders)) or not {"train"} < set(places):
        return None
    return {split: places[split] for split in SPLITS if split in places}


def common_folder(files: Sequence[str]) -> str:
    """The deepest folder that holds all of the files."""
    parents = {PurePosixPath(file).parent.as_posix() for file in files}
    first, *rest = sorted(parents)
    shared = PurePosixPath(first).parts
    for other in rest:
        shared = _shared("/".join(shared), other)
    return PurePosixPath(*shared).as_posix() if shared else "."


def augmented_group(files: Iterable[str]) -> str | None:
    """The expression for the photograph of a file, where Roboflow has made versions of some."""
    stems = [match[1] for file in files if (match := re.search(r"([^/]*)\.rf\.[0-9a-f]{32}", file))]
    return r"([^/]*)\.rf\.[0-9a-f]{32}" if len(set(stems)) < len(stems) else None


def holding(files: Iterable[str]) -> list[str]:
    """The folders that hold the files themselves, sorted."""
    return sorted({PurePosixPath(file).parent.as_posix() for file in files})


def _shared(one: str, other: str) -> tuple[str, ...]:
    parts, others = PurePosixPath(one).parts, PurePosixPath(other).parts
    count = next((at for at, (a, b) in enumerate(zip(parts, others, strict=False)) if a != b), None)
    return parts[: min(len(parts), len(others)) if count is None else count]
