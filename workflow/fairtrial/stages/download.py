"""Fetch or draw the raw files of one source, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fairtrial import DataError
from fairtrial.files import checksums, folders
from fairtrial.plugins import plugin
from fairtrial.store import entries


def download(*, settings: dict[str, Any], raw: Path, manifest: Path) -> None:
    """Fill the folder `raw` and write its `manifest`.

    `settings`: `name`, `kind`, and the settings of that kind. What an interrupted try
    leaves stands in store/downloads/ and is used by the next one. Raises DataError, and
    leaves `raw` and `manifest` as they were, if a file is missing or wrong.
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
