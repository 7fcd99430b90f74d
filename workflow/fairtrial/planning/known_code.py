"""Fingerprints that were found before, of exactly this code: to find them takes seconds.

One file holds them, beside a hash of every file of the package and of the version of Python. Where
that is another, nothing of the file is believed.
"""

from __future__ import annotations

import hashlib
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

from fairtrial import DataError
from fairtrial.files import snapshot
from fairtrial.files.modelfile import FileModel, read_model, write_model
from fairtrial.planning import definitions
from fairtrial.planning.fingerprint import fingerprint

FILE = Path(".snakemake/fairtrial/fingerprints.json")


class KnownCode(FileModel):
    """The fingerprints of one state of the package, by their entries."""

    package: str
    fingerprints: dict[str, str]


@cache
def known_fingerprint(*entries: str) -> str:
    """As `fingerprint`; looked up where the same code was asked before in this folder."""
    package, key = _package_sha256(), " ".join(entries)
    if (found := _known(package).get(key)) is not None:
        return found
    found = fingerprint(*entries)
    # A driver was here, and nobody has edited the code since it was hashed.
    if FILE.parent.is_dir() and package_sha256(definitions.PACKAGE) == package:
        content = KnownCode(package=package, fingerprints=_known(package) | {key: found})
        with suppress(OSError):  # another user's folder
            write_model(FILE, content)
    return found


def _known(package: str) -> dict[str, str]:
    with suppress(DataError, OSError):
        known = read_model(FILE, KnownCode)
        return known.fingerprints if known.package == package else {}
    return {}


@cache
def _package_sha256() -> str:
    """That of the first look, which came before any of the code was searched."""
    return package_sha256(definitions.PACKAGE)


def package_sha256(folder: Path) -> str:
    """The SHA-256 of the names and contents of all files of a package that may count, and of
    Python's version, whose parser reads them."""
    content = f"{sys.version}\0{snapshot.digest(folder)}"
    return hashlib.sha256(content.encode()).hexdigest()
