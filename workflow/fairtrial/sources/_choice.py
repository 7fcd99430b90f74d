"""Where a folder or an archive lies; which of its files are taken: by a manifest or by patterns."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from fairtrial.files import checksums
from fairtrial.store import entries


def on_this_machine(path: str) -> Path:
    """A path that is absolute, or relative to the project.

    DVC's temporary copies lack what git ignores; there it is that of the parent repository.
    """
    here = Path(path)
    return here if here.exists() else entries.root().parent / here


class Choice(BaseModel):
    """The settings of every kind whose files do not come one by one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # A list of files and their SHA-256 (as `sha256sum` writes it), relative to the project.
    # With it, exactly these files are taken, and each must be the one named.
    manifest: str | None = None
    # Patterns of relative paths, such as "*.jpg" (a * also matches a /); a file that
    # matches none of them is left out.
    include: tuple[str, ...] = ("*",)

    def taken(self) -> Callable[[str], bool]:
        """Whether a file, by its relative path, is taken; a missing one shows in `verify`."""
        if self.manifest is not None:
            return checksums.read_manifest(Path(self.manifest)).__contains__
        return lambda file: any(fnmatchcase(file, pattern) for pattern in self.include)

    def verify(self, folder: Path) -> None:
        """Raise ChecksumError unless the files taken are those of the manifest, if there is one."""
        if self.manifest is not None:
            checksums.verify(folder, Path(self.manifest))
