"""Downloads of a source's files: where they are stored, the mirror, the list of missing ones.

A file is stored under its address, `<downloads>/<host>/<path>`, once it has passed its check. So
nothing is fetched twice after a changed setting, an interruption or for a second source.

`FAIRTRIAL_MIRROR` (a folder, or an http address) replaces every server: the file `<path>` of
the source `<name>` is then taken from `<mirror>/<name>/<path>`. It is checked all the same.
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

_MOST_LISTED = 50  # files in one error message


def _valid_address(address: str) -> str:
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018  reading it checks it
    except ValueError as error:
        raise ValueError(f"is no address ({error})") from error
    if parts.username is not None:  # it would stand in git, in logs, and in names of folders
        raise ValueError(
            "must not hold a user or a password; put them into the file .netrc of your home: "
            f"`machine {parts.hostname} login … password …`"
        )
    return address


Address = Annotated[str, Field(pattern="^https?://[^/]"), AfterValidator(_valid_address)]


@dataclass(frozen=True)
class RemoteFile:
    """One file to fetch: its path within its source, its address, and the check of its content."""

    path: str
    address: str
    check: Callable[[Path], str]  # returns why a file is wrong; an empty text if it is right


def has_sha256(digest: str) -> Callable[[Path], str]:
    """The check of a file whose SHA-256 is known."""

    def check(path: Path) -> str:
        actual = checksums.sha256(path)
        return "" if actual == digest else f"wrong content (SHA-256 {actual}, not {digest})"

    return check


def obtain(
    files: Sequence[RemoteFile], patience: Patience, name: str, downloads: Path
) -> dict[str, Path]:
    """Fetch the files of the source `name` that are not in `downloads` yet.

    Returns the place of each file by its path in the source. Raises DataError that lists each file
    that could not be fetched, and why; the next call fetches only these.
    """
    places = {file.path: place_of(downloads, file.address) for file in files}
    hosts = {urlsplit(file.address).netloc for file in files}
    with ExitStack() as locks:
        for host in sorted(hosts):
            locks.enter_context(folders.folder_lock(downloads / host))
        present = map_in_order(lambda file: _is_present(file, places[file.path]), files)
        missing = {
            file.path: Transfer(origin(file, name), places[file.path], file.check)
            for file, is_present in zip(files, present, strict=True)
            if not is_present
        }
        failed = transfer(missing, patience, name)
    listed = downloads / f"{name}.missing"
    listed.unlink(missing_ok=True)
    if failed:
        raise DataError(_message(failed, f"source {name}: {len(failed)} of {len(files)}", listed))
    return places


def origin(file: RemoteFile, name: str) -> str | Path:
    """Where a file is fetched from: a path or address in the mirror, if there is one."""
    mirror = os.environ.get("FAIRTRIAL_MIRROR", "")
    if not mirror:
        return file.address
    if mirror.startswith(("http://", "https://")):
        return f"{mirror.rstrip('/')}/{quote(name)}/{quote(file.path)}"
    return Path(mirror, name, file.path)


def place_of(downloads: Path, address: str) -> Path:
    """Where the file of an address is stored. Raises DataError for one outside of `downloads`."""
    parts = urlsplit(address)
    path = folders.checked_path(f"{parts.netloc}/{parts.path.lstrip('/')}", address)
    if parts.query:  # a query selects another file; its text may be too long for a name
        path += f"-{hashlib.sha256(parts.query.encode()).hexdigest()[:12]}"
    return downloads / path


def _is_present(file: RemoteFile, place: Path) -> bool:
    return place.is_file() and not file.check(place)


def _message(failed: dict[str, str], start: str, listed: Path) -> str:
    """The error's text. Where it would be too long, the whole list is written to `listed`."""
    lines = [f"  {path}: {reason}" for path, reason in sorted(failed.items())]
    if len(lines) > _MOST_LISTED:
        listed.write_text("\n".join(lines) + "\n", encoding="utf-8")
        lines[_MOST_LISTED:] = [
            f"  … and {len(lines) - _MOST_LISTED} more: all are listed in {listed}"
        ]
    title = f"{start} files could not be fetched (the next try fetches only these):"
    return "\n".join([title, *lines])
