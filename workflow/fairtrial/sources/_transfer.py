"""Transfers of files from a server or a mirror: resumed, retried, checked."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from netrc import NetrcParseError
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field

from fairtrial import DataError
from fairtrial.files import folders
from fairtrial.sources._progress import TransferProgress

if TYPE_CHECKING:
    import httpx

_LONGEST_WAIT = 60.0  # seconds between two tries, unless the server asks for more
_LONGEST_RETRY_AFTER = 600.0  # the longest wait that a server can ask for
_GONE_AFTER = 64  # files that fail without a success between them before all others are given up
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class Patience(BaseModel):
    """Connections, retries and timeouts. They have no influence on what is fetched."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    connections: int = Field(8, ge=1, le=64)  # files fetched at the same time
    tries: int = Field(5, ge=1)  # of a file, before it is given up
    wait: float = Field(1.0, ge=0)  # seconds before the second try; doubles with each
    timeout: float = Field(30.0, gt=0)  # seconds without any byte before a try fails
    # Of one file, as it is written, in GB: an answer that never ends must not fill the disk.
    max_gb: float = Field(100.0, gt=0, exclude_if=lambda size: size == 100.0)


@dataclass(frozen=True)
class Transfer:
    """One file: its address or its path in a mirror, its place on this machine, and its check."""

    source: str | Path
    place: Path
    check: Callable[[Path], str]  # returns why a file is wrong; an empty text if it is right


def transfer(files: dict[str, Transfer], patience: Patience, name: str) -> dict[str, str]:
    """Put every file in its place. Returns why files failed, by their keys in `files`."""
    import httpx

    if not files:
        return {}
    with (
        httpx.Client(
            timeout=patience.timeout,
            follow_redirects=True,
            headers={"Accept-Encoding": "identity"},  # a range counts the file's own bytes
            auth=_netrc(),
        ) as client,
        TransferProgress(name, len(files)) as progress,
        ThreadPoolExecutor(patience.connections) as pool,
    ):
        session = _Session(patience, client, progress)
        try:
            reasons = list(pool.map(session.fetch, files.values()))
        except BaseException:  # such as Ctrl-C: the pool still waits for the tries that have begun
            session.stopped.set()
            raise
    return {key: reason for key, reason in zip(files, reasons, strict=True) if reason}


def _netrc() -> httpx.NetRCAuth | None:
    """User and password of a server from the file .netrc, or the one that NETRC names."""
    import httpx

    path = Path(os.environ.get("NETRC", Path.home() / ".netrc"))
    try:
        return httpx.NetRCAuth(str(path)) if path.is_file() else None
    except NetrcParseError as error:
        raise DataError(f"{path}: {error}") from None


def _shown(url: object) -> str:
    """An address as messages may show it: that of a mirror may hold a user and a password."""
    parts = urlsplit(str(url))
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


@dataclass
class _Session:
    """What the threads of one call share."""

    patience: Patience
    client: httpx.Client
    progress: TransferProgress
    # Set when the user interrupts, or when a server seems to be gone: the other files then
    # fail at once instead of after hours.
    stopped: threading.Event = field(default_factory=threading.Event)
    answered: bool = False  # whether the server has ever answered
    failures: int = 0  # failed tries since the last success (threads may miscount by a few)
    resume_at: float = 0.0  # by time.monotonic(): when the server allows the next request

    def fetch(self, file: Transfer) -> str:
        """Fetch one file with retries. Returns why it failed; an empty text if it did not."""
        reason = "not tried: the server did not answer the tries before"
        for attempt in range(self.patience.tries):
            if attempt:
                self.sleep(min(self.patience.wait * 2 ** (attempt - 1), _LONGEST_WAIT))
            self.sleep(self.resume_at - time.monotonic())
            if self.stopped.is_set():
                return reason
            try:
                self.attempt(file)
            except _Refusal as refusal:
                reason = str(refusal)
                if refusal.final:
                    return reason
                self.note_failure(refusal)
            else:
                self.failures = 0
                return ""
        return reason

    def sleep(self, seconds: float) -> None:
        """Wait, but not longer than until everything is to stop."""
        if seconds > 0:
            self.stopped.wait(seconds)

    def note_failure(self, refusal: _Refusal) -> None:
        """Set when the server may be asked again; give it up if it seems to be gone."""
        self.resume_at = max(
            self.resume_at, time.monotonic() + min(refusal.retry_after, _LONGEST_RETRY_AFTER)
        )
        self.failures += 1
        files = _GONE_AFTER if self.answered else self.patience.connections
        if self.failures >= files * self.patience.tries:
            self.stopped.set()

    def attempt(self, file: Transfer) -> None:
        """Fetch one file once. Raises _Refusal with the reason if that fails."""
        part = file.place.with_name(f"{file.place.name}.part")
        part.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(file.source, Path):
            self.copy(file.source, part)
        else:
            self.download(file.source, part)
        if problem := file.check(part):
            part.unlink()
            raise _Refusal(problem)
        part.replace(file.place)
        self.progress.finished()

    def copy(self, source: Path, part: Path) -> None:
        """Copy one file from a mirror that is a folder."""
        if not source.is_file():
            raise _Refusal(f"not in the mirror: there is no {source}", final=True)
        size = source.stat().st_size
        self.progress.expect(size)
        folders.copy_file(source, part)
        self.progress.add(size)

    def download(self, url: str, part: Path) -> None:
        """Download the bytes that `part` lacks of the file at `url`."""
        import httpx

        offset = part.stat().st_size if part.exists() else 0
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        try:
            with self.client.stream("GET", url, headers=headers) as response:
                self.answered = True
                self.progress.expect(_accept(response, part))
                resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
                with part.open("ab" if resumed else "wb") as file:
                    for block in response.iter_bytes():
                        if self.stopped.is_set():
                            raise _Refusal("stopped; the next try resumes here", final=True)
                        self._refuse_endless(file.tell() + len(block), part, url)
                        file.write(block)
                        self.progress.add(len(block))
        except httpx.InvalidURL as error:
            raise _Refusal(f"{_shown(url)} is no address: {error}", final=True) from error
        except httpx.HTTPError as error:
            raise _Refusal(f"{type(error).__name__}: {error} ({_shown(url)})") from error

    def _refuse_endless(self, size: int, part: Path, url: str) -> None:
        """Refuse a file of more than `max_gb`, whatever its length was said to be."""
        if size > self.patience.max_gb * 1e9:
            part.unlink()
            raise _Refusal(
                f"{_shown(url)} sends more than {self.patience.max_gb:g} GB; `max_gb` of the "
                "source allows more",
                final=True,
            )


def _accept(response: httpx.Response, part: Path) -> int:
    """The number of bytes that follow. Raises _Refusal unless they can be appended to `part`, or
    replace it."""
    status, url = response.status_code, _shown(response.url)
    if status == 416:  # `part` is as long as the file or longer, and is wrong
        part.unlink(missing_ok=True)
        raise _Refusal(f"HTTP {status} from {url}")
    if status in _TRY_AGAIN:
        raise _Refusal(f"HTTP {status} from {url}", retry_after=_retry_after(response))
    if status == 206:
        offset = part.stat().st_size if part.exists() else 0
        if not response.headers.get("Content-Range", "").startswith(f"bytes {offset}-"):
            part.unlink(missing_ok=True)
            raise _Refusal(f"another range than requested from {url}")
    elif status != 200:
        raise _Refusal(f"HTTP {status} from {url}", final=True)
    text = response.headers.get("Content-Length", "")
    length = int(text) if text.isdigit() else 0
    try:
        folders.require_space(part.parent, length, url)
    except DataError as error:
        raise _Refusal(str(error), final=True) from error
    return length


def _retry_after(response: httpx.Response) -> float:
    """Seconds that a Retry-After header asks for, as a number or a date; 0 without one."""
    text = response.headers.get("Retry-After", "")
    if text.isdigit():
        return float(text)
    try:  # both dates by the clock of the server
        now = parsedate_to_datetime(response.headers["Date"])
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (KeyError, ValueError, TypeError):
        return 0.0


class _Refusal(Exception):
    """Why a try failed. `final`: another try is useless; `retry_after`: seconds that the server
    asks to be left alone."""

    def __init__(self, reason: str, *, final: bool = False, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.final, self.retry_after = final, retry_after
