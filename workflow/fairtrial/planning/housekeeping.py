"""What the Snakefile does before its jobs and after them."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from fairtrial.files.folders import whole_file

INLINE = 32 * 2**10  # bytes; Linux refuses an argument of 128 KiB, and a shell's command is one


def settings_argument(settings: str, folder: Path = Path(".snakemake/fairtrial")) -> str:
    """The value of `--settings` for this JSON text: the text, or `@file` where it is long.

    Settings of plot and report name every run. The file, which is written here, is named after its
    content, so that the argument changes with the settings alone.
    """
    content = settings.encode()
    if len(content) <= INLINE:
        return settings
    path = folder / f"{hashlib.sha256(content).hexdigest()}.json"
    if not path.exists():
        with whole_file(path, "wb") as file:
            file.write(content)
    return f"@{path}"


def unshare_records(folder: Path = Path(".snakemake/metadata")) -> None:
    """Replace Snakemake's records by copies where DVC has linked them to its cache.

    Snakemake writes its records in place; through a hard or symbolic link it would change what
    DVC has stored. With `cache.type` reflink or copy, as committed, there is none.
    """
    if not folder.is_dir():
        return
    for entry in _entries(folder):
        if _is_shared(entry):
            path = Path(entry.path)
            copy = path.with_name(path.name + ".own")
            shutil.copyfile(path, copy)
            copy.replace(path)


def _entries(folder: Path | str) -> Iterator[os.DirEntry[str]]:
    """What is in a folder and in those below it, which may be tens of thousands of files."""
    with os.scandir(folder) as entries:
        for entry in list(entries):
            yield entry
            if entry.is_dir(follow_symlinks=False):
                yield from _entries(entry.path)


def _is_shared(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_symlink() or (entry.is_file() and entry.stat().st_nlink > 1)
    except FileNotFoundError:  # another Snakemake has just removed it
        return False
