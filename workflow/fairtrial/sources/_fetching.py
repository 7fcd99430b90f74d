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


def _of_a_server(address: str) -> str:
    try:
        urlsplit(address).port  # noqa: B018  asking is what checks it
    except ValueError as error:
        raise ValueError(f"is no address ({error})") from error
    return address


Address = Annotated[str, Field(pattern="^https?://[^/]"), AfterValidator(_of_a_server)]


@dataclass(frozen=True)
class Wanted:
    """One file: its path within its source, its address, and what tells that it is the one."""

    path: str
    address: str
    fault: Callable[[Path], str]  # why the file that came is not the one; empty if it is


def has_sha256(digest: str) -> Callable[[Path], str]:
    """The check of a file whose SHA-256 is known."""

    def fault(path: Path) -> str:
        found = checksums.sha256(path)
        return "" if found == digest else f"wrong content (SHA-256 {found}, not {digest})"

    return fault


def obtain(
    wanted: Sequence[Wanted], patience: Patience, name: str, downloads: Path
) -> dict[str, Path]:
    """Where each file of the source `name` lies below `downloads`, by its path, once all do.

    Raises DataError listing each file that could not be had, and why; the next call asks
    for these alone.
    """
    places = {one.path: place_of(downloads, one.address) for one in wanted}
    hosts = {urlsplit(one.address).netloc for one in wanted}
    with ExitStack() as locks:
        for host in sorted(hosts):
            locks.enter_context(folders.only_one(downloads / host))
        there = map_in_order(lambda one: _is_there(one, places[one.path]), wanted)
        missing = {
            one.path: Transfer(origin(one, name), places[one.path], one.fault)
            for one, found in zip(wanted, there, strict=True)
            if not found
        }
        failed = transfer(missing, patience, name)
    listed = downloads / f"{name}.missing"
    listed.unlink(missing_ok=True)
    if failed:
        raise DataError(_told(failed, f"source {name}: {len(failed)} of {len(wanted)}", listed))
    return places


def origin(one: Wanted, name: str) -> str | Path:
    """Where a file is taken from: the mirror's folder or address if there is one."""
    mirror = os.environ.get("FAIRTRIAL_MIRROR", "")
    if not mirror:
        return one.address
    if mirror.startswith(("http://", "https://")):
        return f"{mirror.rstrip('/')}/{quote(name)}/{quote(one.path)}"
    return Path(mirror, name, one.path)


def place_of(downloads: Path, address: str) -> Path:
    """Where the file of an address is kept. Raises DataError for one that would leave there."""
    parts = urlsplit(address)
    path = folders.checked_path(f"{parts.netloc}/{parts.path.lstrip('/')}", address)
    if parts.query:  # another file, whose name may be long
        path += f"-{hashlib.sha256(parts.query.encode()).hexdigest()[:12]}"
    return downloads / path


def _is_there(one: Wanted, place: Path) -> bool:
    return place.is_file() and not one.fault(place)


def _told(failed: dict[str, str], start: str, listed: Path) -> str:
    """The error's text; where it would be too long, all of the list goes into a file."""
    lines = [f"  {path}: {reason}" for path, reason in sorted(failed.items())]
    if len(lines) > _SHOWN:
        listed.write_text("\n".join(lines) + "\n", encoding="utf-8")
        lines[_SHOWN:] = [f"  … and {len(lines) - _SHOWN} more: all are listed in {listed}"]
    head = f"{start} files could not be fetched (the next try asks for these alone):"
    return "\n".join([head, *lines])
