"""Local paths, and which files of a folder or archive are taken: by a manifest or by patterns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from fairtrial.data.raw_files import matches
from fairtrial.files import checksums
from fairtrial.store import entries


def on_this_machine(path: str) -> Path:
    """A path that is absolute, or relative to the project.

    DVC's temporary copies of a project lack what git ignores; there, the path is that of the
    original project.
    """
    local = Path(path)
    return local if local.exists() else entries.root().parent / local


class FileChoice(BaseModel):
    """The settings of kinds of sources that have a whole folder or archive."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # A list of files and their SHA-256 (as `sha256sum` writes it), relative to the project.
    # With it, exactly these files are taken, and each must be the one named.
    manifest: str | None = None
    # Patterns of relative paths, such as "*.jpg" (a * also matches a /); a file that
    # matches none of them is left out.
    include: tuple[str, ...] = ("*",)
    # Likewise; a file that matches one of them is left out.
    exclude: tuple[str, ...] = ()

    def taken(self) -> Callable[[str], bool]:
        """A function that says whether a file, by its relative path, is taken."""
        if self.manifest is not None:
            return checksums.read_manifest(Path(self.manifest)).__contains__
        return lambda file: matches(file, self.include) and not matches(file, self.exclude)

    def verify(self, folder: Path) -> None:
        """Raise ChecksumError where a file of the manifest is missing in `folder` or differs."""
        if self.manifest is not None:
            checksums.verify(folder, Path(self.manifest))
