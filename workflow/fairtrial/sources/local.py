"""A folder that is already on this machine; it is copied and never changed."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from fairtrial import DataError
from fairtrial.files import folders
from fairtrial.sources._choice import FileChoice, on_this_machine
from fairtrial.sources._needs import Needs


class Settings(FileChoice):
    """Which folder, and which of its files."""

    path: str  # absolute, or relative to the project


def fetch(settings: Settings, name: str, folder: Path, downloads: Path) -> None:
    """Copy the files into `folder`, sharing blocks with the originals where possible.

    Raises DataError for a missing folder, one that cannot be read, a link that leaves it, a link
    to a folder, and too little free space; ChecksumError where the files are not those of the
    manifest.
    """
    root = on_this_machine(settings.path)
    if not root.is_dir():
        raise DataError(f"source {name}: there is no folder {root} (path)")
    files = list(filter(settings.taken(), _files(root, name)))
    needed = sum((root / file).stat().st_size for file in files)
    folders.require_space(folder, needed, f"source {name}")
    for file in files:
        folders.copy_file(root / file, folder / file)
    settings.verify(folder)


def needs(settings: Settings) -> Needs:
    """The folder, and the size of what is taken from it."""
    root = on_this_machine(settings.path)
    files = filter(settings.taken(), folders.files_below(root) if root.is_dir() else [])
    sizes = ((root / file).stat().st_size for file in files if (root / file).exists())
    return Needs(places=[root], size=sum(sizes))


def _files(root: Path, name: str) -> list[str]:
    """All files below `root`. Raises DataError for a link that leaves it or leads to no file, and
    for what is no file, such as a pipe, whose end would never come."""
    inside = root.resolve()
    for top, below, files in os.walk(root):
        for entry in (Path(top, inner) for inner in below + files):
            mode = entry.lstat().st_mode
            if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
                continue
            if not stat.S_ISLNK(mode):
                raise DataError(
                    f"source {name}: {entry} is neither a file nor a folder (a pipe, a device, …)"
                )
            if not entry.resolve().is_relative_to(inside):
                raise DataError(f"source {name}: {entry} is a link that leaves {root}")
            if not entry.is_file():
                raise DataError(f"source {name}: {entry} is a link, but to no file")
    return folders.files_below(root)
