"""A folder that is already on this machine; it is copied and never changed."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from fairtrial import DataError, checksums, folders


class Settings(BaseModel):
    """Which folder, and which of its files."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str  # absolute, or relative to the project
    # A list of files and their SHA-256 (as `sha256sum` writes it), relative to the project.
    # With it, exactly these files are taken, and each must be the one named.
    manifest: str | None = None
    # Patterns of relative paths, such as "*.jpg" (a * also matches a /); a file that
    # matches none of them is left out.
    include: tuple[str, ...] = ("*",)


def fetch(settings: Settings, name: str, folder: Path, downloads: Path) -> None:
    """Copy the files into `folder`, sharing blocks with the originals where possible.

    Raises DataError for a missing folder, a link that leaves it, a link to a folder, and
    too little free space; ChecksumError where the files are not those of the manifest.
    """
    root = Path(settings.path)
    if not root.is_dir():
        raise DataError(f"source {name}: there is no folder {root} (path)")
    files = _chosen(root, settings, name)
    needed = sum((root / file).stat().st_size for file in files)
    folders.require_space(folder, needed, f"source {name}")
    for file in files:
        folders.copy_file(root / file, folder / file)
    if settings.manifest is not None:
        checksums.verify(folder, Path(settings.manifest))


def _chosen(root: Path, settings: Settings, name: str) -> list[str]:
    present = _files(root, name)
    if settings.manifest is not None:
        listed = checksums.read_manifest(Path(settings.manifest))
        return [file for file in present if file in listed]  # a missing one fails in verify
    return [file for file in present if any(fnmatchcase(file, p) for p in settings.include)]


def _files(root: Path, name: str) -> list[str]:
    """All files below `root`, once no link among them leads out of it."""
    inside = root.resolve()
    for top, below, files in os.walk(root):
        for entry in (Path(top, each) for each in below + files):
            if not entry.is_symlink():
                continue
            if not entry.resolve().is_relative_to(inside):
                raise DataError(f"source {name}: {entry} is a link that leaves {root}")
            if not entry.is_file():
                raise DataError(f"source {name}: {entry} is a link, but to no file")
    return folders.files_below(root)
