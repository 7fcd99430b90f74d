"""download: the raw files of one source, all of them or none."""

from __future__ import annotations

from pathlib import Path

from fairtrial import DataError
from fairtrial.files import checksums, folders
from fairtrial.plugins import plugin
from fairtrial.settings.stages import DownloadSettings
from fairtrial.store import entries


def download(*, settings: DownloadSettings, raw: Path, manifest: Path) -> None:
    """Download or generate the raw files of one source.

    What an interrupted download has fetched stays in store/downloads/, and is not fetched again.

    Args:
        settings: JSON of the resolved settings, or @FILE with it
        raw: folder to write: the raw files
        manifest: file to write: the SHA-256 of each file of `raw`

    Raises:
        DataError: a file is missing or wrong; `raw` and `manifest` are then unchanged
    """
    name, source = settings.name, plugin("sources", settings.kind)
    options, downloads = source.Settings(**settings.settings), entries.root() / "downloads"
    with folders.whole_folder(raw) as folder:
        source.fetch(options, name, folder, downloads)
        files = [folders.checked_path(file, name) for file in folders.files_below(folder)]
        if not files:
            raise DataError(f"{name}: there is no file in this source")
        sums = checksums.sha256_of(folder, files)
        manifest.unlink(missing_ok=True)  # so that it never stands beside other files than its own
    checksums.write_manifest(sums, manifest)
