"""One file after the other from a server or a mirror: resumed, tried again, verified."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from fairtrial import DataError
from fairtrial.files import folders
from fairtrial.sources._progress import TransferProgress

if TYPE_CHECKING:
    import httpx

_LONGEST_WAIT = 60.0  # seconds between two tries, unless the server asks for more,
_LONGEST_RETRY_AFTER = 600.0  # which it may do up to this
_GONE_AFTER = 64  # files given up one after the other, with none that came between them
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class Patience(BaseModel):
    """How patiently a server is asked. None of it is part of what is fetched."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    connections: int = Field(8, ge=1, le=64)  # files fetched at the same time
    tries: int = Field(5, ge=1)  # of a file, before it is given up
    wait: float = Field(1.0, ge=0)  # seconds before the second try; doubles with each
    timeout: float = Field(30.0, gt=0)  # seconds without any byte before a try fails


@dataclass(frozen=True)
class Transfer:
    """One file: its address, or its path in a mirror that is a folder; and its place here."""

    source: str | Path
    place: Path
    check: Callable[[Path], str]  # why a file is not the wanted one; empty if it is


def transfer(files: dict[str, Transfer], patience: Patience, name: str) -> dict[str, str]:
    """Put every file in its place; the reasons, by the keys of `files`, of those that failed."""
    import httpx

    if not files:
        return {}
    with (
        httpx.Client(
            timeout=patience.timeout,
            follow_redirects=True,
            headers={"Accept-Encoding": "identity"},  # a range counts the file's own bytes
        ) as client,
        TransferProgress(name, len(files)) as progress,
        ThreadPoolExecutor(patience.connections) as pool,
    ):
        session = _Session(patience, client, progress)
        try:
            reasons = list(pool.map(session.fetch, files.values()))
        except BaseException:  # such as Ctrl-C: the pool still waits for what is under way
            session.stopped.set()
            raise
    return {path: why for path, why in zip(files, reasons, strict=True) if why}


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
    failures: int = 0  # tries that failed since a file last came (two threads may lose one)
    resume_at: float = 0.0  # when the server wants to be asked again, by any of the threads

    def fetch(self, file: Transfer) -> str:
        """Fetch one file with retries; why it cannot be had, or nothing."""
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
                self.count(refusal)
            else:
                self.failures = 0
                return ""
        return reason

    def sleep(self, seconds: float) -> None:
        """Wait, unless everything is to stop."""
        if seconds > 0:
            self.stopped.wait(seconds)

    def count(self, refusal: _Refusal) -> None:
        """Leave a server alone for as long as it asks, and for good if it never answers."""
        self.resume_at = max(
            self.resume_at, time.monotonic() + min(refusal.retry_after, _LONGEST_RETRY_AFTER)
        )
        self.failures += 1
        files = _GONE_AFTER if self.answered else self.patience.connections
        if self.failures >= files * self.patience.tries:
            self.stopped.set()

    def attempt(self, file: Transfer) -> None:
        """Fetch one file once. Raises _Refusal with the reason if it is not there afterwards."""
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
        """Take one file from a mirror that is a folder."""
        if not source.is_file():
            raise _Refusal(f"not in the mirror: there is no {source}", final=True)
        size = source.stat().st_size
        self.progress.expect(size)
        folders.copy_file(source, part)
        self.progress.add(size)

    def download(self, url: str, part: Path) -> None:
        """Bring `part` up to the whole file, from where an earlier try left it."""
        import httpx

        begun = part.stat().st_size if part.exists() else 0
        headers = {"Range": f"bytes={begun}-"} if begun else {}
        try:
            with self.client.stream("GET", url, headers=headers) as answer:
                self.answered = True
                self.progress.expect(_accept(answer, part))
                resumed = answer.status_code == httpx.codes.PARTIAL_CONTENT
                with part.open("ab" if resumed else "wb") as file:
                    for block in answer.iter_bytes():
                        if self.stopped.is_set():
                            raise _Refusal("stopped; what has come is kept", final=True)
                        file.write(block)
                        self.progress.add(len(block))
        except httpx.InvalidURL as error:
            raise _Refusal(f"{url} is no address: {error}", final=True) from error
        except httpx.HTTPError as error:
            raise _Refusal(f"{type(error).__name__}: {error} ({url})") from error


def _accept(answer: httpx.Response, part: Path) -> int:
    """The bytes that are to come; raises _Refusal unless they can be written to `part`."""
    status, url = answer.status_code, answer.url
    if status == 416:  # what is there is as long as the file, or longer, and yet not it
        part.unlink(missing_ok=True)
        raise _Refusal(f"HTTP {status} from {url}")
    if status in _TRY_AGAIN:
        raise _Refusal(f"HTTP {status} from {url}", retry_after=_retry_after(answer))
    if status == 206:
        begun = part.stat().st_size if part.exists() else 0
        if not answer.headers.get("Content-Range", "").startswith(f"bytes {begun}-"):
            part.unlink(missing_ok=True)
            raise _Refusal(f"another range than asked for from {url}")
    elif status != 200:
        raise _Refusal(f"HTTP {status} from {url}", final=True)
    text = answer.headers.get("Content-Length", "")
    length = int(text) if text.isdigit() else 0
    try:
        folders.require_space(part.parent, length, str(url))
    except DataError as error:
        raise _Refusal(str(error), final=True) from error
    return length


def _retry_after(answer: httpx.Response) -> float:
    """Seconds that a Retry-After header asks for, as a number or a date; 0 without one."""
    text = answer.headers.get("Retry-After", "")
    if text.isdigit():
        return float(text)
    try:  # both dates by the clock of the server
        now = parsedate_to_datetime(answer.headers["Date"])
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (KeyError, ValueError, TypeError):
        return 0.0


class _Refusal(Exception):
    """Why a try failed. `final`: another try is useless; `retry_after`: seconds that the server
    asks to be left alone."""

    def __init__(self, reason: str, *, final: bool = False, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.final, self.retry_after = final, retry_after
