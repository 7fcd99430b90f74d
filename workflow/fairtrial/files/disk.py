"""Which folders are full, for an error of the operating system that names none."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

FULL = {errno.ENOSPC, errno.EDQUOT}
LEAST = 2**20  # bytes; with less, nothing can be written


def place_of(error: OSError, folders: Iterable[Path]) -> str:
    """The file that an error names; where it names none since a disk is full, those of `folders`
    and of the temporary folder that are on it; else an empty text."""
    if error.filename or error.errno not in FULL:
        return str(error.filename or "")
    places = (*folders, _temporary())
    return ", ".join(
        str(place) for place in places if place.exists() and shutil.disk_usage(place).free < LEAST
    )


def _temporary() -> Path:
    """The temporary folder. Python itself has none where it can write in none."""
    try:
        return Path(tempfile.gettempdir())
    except OSError:
        return Path(os.environ.get("TMPDIR", "."))
