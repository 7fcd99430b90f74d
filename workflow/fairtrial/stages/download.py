"""Fetch or draw the raw files of one source, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fairtrial import DataError
from fairtrial.files import checksums, folders
from fairtrial.plugins import plugin
from fairtrial.store import entries


def download(*, settings: dict[str, Any], raw: Path, manifest: Path) -> None:
    """Download or generate the raw files of one source.

    What an interrupted download leaves is in store/downloads/, and is used by the next one.

    Args:
        settings: JSON of the resolved settings, or @FILE with it
        raw: folder to write: the raw files
        manifest: file to write: the SHA-256 of each file of `raw`

    Raises:
        DataError: a file is missing or wrong; `raw` and `manifest` are then unchanged
    """
    own = dict(settings)
    name, source = own.pop("name"), plugin("sources", own.pop("kind"))
    with folders.whole_folder(raw) as folder:
        source.fetch(source.Settings(**own), name, folder, entries.root() / "downloads")
        files = [folders.checked_path(file, name) for file in folders.files_below(folder)]
        if not files:
            raise DataError(f"{name}: there is no file in this source")
        sums = checksums.sha256_of(folder, files)
        manifest.unlink(missing_ok=True)  # never a manifest beside a folder it does not describe
    checksums.write_manifest(sums, manifest)
