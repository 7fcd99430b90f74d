"""What the sources that download share: where files are kept, the mirror, what is missing.

A file is kept under its address, `<downloads>/<host>/<path>`, and only once it has been found
right. So a changed setting, an interrupted download or a second source asks for nothing twice.

`FAIRTRIAL_MIRROR` (a folder, or an http address) replaces every server: the file `<path>` of
the source `<name>` is then taken from `<mirror>/<name>/<path>`. It is verified all the same.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, Field

from fairtrial import DataError
from fairtrial.files import checksums, folders
from fairtrial.files.threads import map_in_order
from fairtrial.sources._transfer import Patience, Transfer, transfer

_SHOWN = 50  # files in one error


def _valid_address(address: str) -> str:
    try:
        urlsplit(address).port  # noqa: B018  asking is what checks it
    except ValueError as error:
        raise ValueError(f"is no address ({error})") from error
    return address


Address = Annotated[str, Field(pattern="^https?://[^/]"), AfterValidator(_valid_address)]


@dataclass(frozen=True)
class Wanted:
    """One file to fetch: its path within its source, its address, and the check of its content."""

    path: str
    address: str
    check: Callable[[Path], str]  # why a file is not the wanted one; empty if it is


def has_sha256(digest: str) -> Callable[[Path], str]:
    """The check of a file whose SHA-256 is known."""

    def check(path: Path) -> str:
        actual = checksums.sha256(path)
        return "" if actual == digest else f"wrong content (SHA-256 {actual}, not {digest})"

    return check


def obtain(
    wanted: Sequence[Wanted], patience: Patience, name: str, downloads: Path
) -> dict[str, Path]:
    """Where each file of the source `name` lies below `downloads`, by its path, once all do.

    Raises DataError listing each file that could not be had, and why; the next call asks
    for these alone.
    """
    places = {file.path: place_of(downloads, file.address) for file in wanted}
    hosts = {urlsplit(file.address).netloc for file in wanted}
    with ExitStack() as locks:
        for host in sorted(hosts):
            locks.enter_context(folders.folder_lock(downloads / host))
        present = map_in_order(lambda file: _is_present(file, places[file.path]), wanted)
        missing = {
            file.path: Transfer(origin(file, name), places[file.path], file.check)
            for file, is_present in zip(wanted, present, strict=True)
            if not is_present
        }
        failed = transfer(missing, patience, name)
    listed = downloads / f"{name}.missing"
    listed.unlink(missing_ok=True)
    if failed:
        raise DataError(_message(failed, f"source {name}: {len(failed)} of {len(wanted)}", listed))
    return places


def origin(file: Wanted, name: str) -> str | Path:
    """Where a file is taken from: the mirror's folder or address if there is one."""
    mirror = os.environ.get("FAIRTRIAL_MIRROR", "")
    if not mirror:
        return file.address
    if mirror.startswith(("http://", "https://")):
        return f"{mirror.rstrip('/')}/{quote(name)}/{quote(file.path)}"
    return Path(mirror, name, file.path)


def place_of(downloads: Path, address: str) -> Path:
    """Where the file of an address is kept. Raises DataError for one outside of `downloads`."""
    parts = urlsplit(address)
    path = folders.checked_path(f"{parts.netloc}/{parts.path.lstrip('/')}", address)
    if parts.query:  # another file, whose name may be long
        path += f"-{hashlib.sha256(parts.query.encode()).hexdigest()[:12]}"
    return downloads / path


def _is_present(file: Wanted, place: Path) -> bool:
    return place.is_file() and not file.check(place)


def _message(failed: dict[str, str], start: str, listed: Path) -> str:
    """The error's text. Where it would be too long, the whole list is written to `listed`."""
    lines = [f"  {path}: {reason}" for path, reason in sorted(failed.items())]
    if len(lines) > _SHOWN:
        listed.write_text("\n".join(lines) + "\n", encoding="utf-8")
        lines[_SHOWN:] = [f"  … and {len(lines) - _SHOWN} more: all are listed in {listed}"]
    head = f"{start} files could not be fetched (the next try asks for these alone):"
    return "\n".join([head, *lines])
