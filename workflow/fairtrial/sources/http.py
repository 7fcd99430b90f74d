"""Files of a web server, each named with its SHA-256 in a manifest that the project tracks.

Because every file is verified, neither an interrupted download nor a mirror can change a
result.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from fairtrial.files import checksums, folders
from fairtrial.sources._fetching import Address, RemoteFile, has_sha256, obtain
from fairtrial.sources._needs import Needs
from fairtrial.sources._transfer import Patience


class Settings(Patience):
    """Where the files are."""

    base: Address  # a file is at <base>/<its path in the manifest>
    manifest: str  # files and their SHA-256 (as `sha256sum` writes it), relative to the project


def fetch(settings: Settings, name: str, folder: Path, downloads: Path) -> None:
    """Put every file of the manifest into `folder`.

    Raises DataError that lists each file that could not be fetched, and why.
    """
    for path, place in obtain(needs(settings).fetched, settings, name, downloads).items():
        folders.link_or_copy(place, folder / path)


def needs(settings: Settings) -> Needs:
    """Every file of the manifest. Only the server knows their sizes."""
    base = settings.base.rstrip("/")
    listed = checksums.read_manifest(Path(settings.manifest))
    return Needs(
        [RemoteFile(p, f"{base}/{quote(p)}", has_sha256(sha256)) for p, sha256 in listed.items()]
    )
