"""An archive on this machine or on a web server: zip, or tar, plain or with gzip, bzip2 or xz."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import Field, model_validator

from fairtrial import ChecksumError, DataError
from fairtrial.sources._choice import FileChoice, on_this_machine
from fairtrial.sources._fetching import RemoteFile, has_sha256, obtain
from fairtrial.sources._needs import Needs
from fairtrial.sources._transfer import Patience
from fairtrial.sources._unpacking import unpack


class Settings(Patience, FileChoice):
    """Where the archive is, and which of its files are taken."""

    archive: str  # an http(s) address, or a path: absolute, or relative to the project
    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$")  # needed with an address
    largest: float = Field(50.0, gt=0)  # GB (10⁹ bytes) that it may hold when unpacked

    @property
    def is_remote(self) -> bool:
        """Whether it is fetched from a server, or its mirror."""
        return self.archive.startswith(("http://", "https://"))

    @model_validator(mode="after")
    def _is_known(self) -> Settings:
        if self.is_remote and self.sha256 is None:
            raise ValueError("an archive that is fetched needs its `sha256`")
        if self.is_remote and not urlsplit(self.archive).path.strip("/"):
            raise ValueError("the address in `archive` names no file")
        return self


def fetch(settings: Settings, name: str, folder: Path, downloads: Path) -> None:
    """Unpack the files that are taken into `folder`.

    Raises DataError for an archive that cannot be fetched or read, that holds more than
    `largest`, or in which a member would leave the folder; ChecksumError where the archive
    or its files have another SHA-256 than stated.
    """
    archive = _local(settings, name, downloads)
    try:
        unpack(archive, folder, settings.taken(), round(settings.largest * 1e9))
    except DataError as error:
        raise DataError(f"source {name}: {settings.archive}: {error}") from error
    settings.verify(folder)


def needs(settings: Settings) -> Needs:
    """The archive. The size of its content is unknown."""
    if not settings.is_remote or settings.sha256 is None:
        return Needs(places=[on_this_machine(settings.archive)])
    file = unquote(Path(urlsplit(settings.archive).path).name)
    return Needs([RemoteFile(file, settings.archive, has_sha256(settings.sha256))])


def _local(settings: Settings, name: str, downloads: Path) -> Path:
    """The path of the archive on this machine, fetched if need be and checked."""
    if remote := needs(settings).fetched:
        return obtain(remote, settings, name, downloads)[remote[0].path]
    path = on_this_machine(settings.archive)
    if not path.is_file():
        raise DataError(f"source {name}: there is no file {path} (archive)")
    if settings.sha256 is not None and (problem := has_sha256(settings.sha256)(path)):
        raise ChecksumError(f"source {name}: {path}: {problem}")
    return path
