"""Files of a web server, each named with its SHA-256 in a manifest that the project tracks.

Because every file is verified, neither an interrupted download nor a mirror can change a
result. `FAIRTRIAL_MIRROR` (a folder, or an http address) replaces the server: the file
`<path>` of the source `<name>` is then taken from `<mirror>/<name>/<path>`.
"""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from fairtrial import DataError, checksums, folders

if TYPE_CHECKING:
    import httpx
    from tqdm import tqdm

_LONGEST_WAIT = 60.0  # seconds between two tries
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class Settings(BaseModel):
    """Where the files are and how patiently they are asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base: str = Field(pattern="^https?://")  # a file is at <base>/<its path in the manifest>
    manifest: str  # files and their SHA-256 (as `sha256sum` writes it), relative to the project
    connections: int = Field(8, ge=1, le=64)  # files fetched at the same time
    tries: int = Field(5, ge=1)  # of a file, before it is given up
    wait: float = Field(1.0, ge=0)  # seconds before the second try; doubles with each
    timeout: float = Field(30.0, gt=0)  # seconds without any byte before a try fails


def fetch(settings: Settings, name: str, folder: Path, partial: Path) -> None:
    """Put every file of the manifest into `folder`; finished and begun ones stay in `partial`.

    Raises DataError listing each file that could not be had, and why; the next call asks
    for these alone.
    """
    wanted = checksums.read_manifest(Path(settings.manifest))
    with folders.only_one(partial):
        missing = {path: sha for path, sha in wanted.items() if not _is(partial / path, sha)}
        failed = _fetch_all(settings, name, partial, missing)
        if failed:
            lines = "\n".join(f"  {path}: {reason}" for path, reason in sorted(failed.items()))
            raise DataError(
                f"source {name}: {len(failed)} of {len(wanted)} files could not be fetched "
                f"(the next try asks for these alone):\n{lines}"
            )
        for path in wanted:
            folders.link_or_copy(partial / path, folder / path)


def _fetch_all(
    settings: Settings, name: str, partial: Path, missing: dict[str, str]
) -> dict[str, str]:
    """Fetch every file (SHA-256 by path); the reasons by path of those that failed."""
    import httpx
    from tqdm import tqdm

    if not missing:
        return {}
    with (
        httpx.Client(
            timeout=settings.timeout,
            follow_redirects=True,
            headers={"Accept-Encoding": "identity"},  # a range counts the file's own bytes
        ) as client,
        tqdm(desc=name, unit="B", unit_scale=True, disable=None, file=sys.stderr) as bar,
        ThreadPoolExecutor(settings.connections) as pool,
    ):
        fetch = _Fetch(settings, name, partial, client, _Progress(bar, len(missing)))
        try:
            reasons = list(pool.map(fetch.one, missing.items()))
        except BaseException:  # such as Ctrl-C: the pool still waits for what is under way
            fetch.stopped.set()
            raise
    return {path: why for path, why in zip(missing, reasons, strict=True) if why is not None}


def _is(path: Path, digest: str) -> bool:
    return path.is_file() and checksums.sha256(path) == digest


@dataclass
class _Progress:
    """A bar over bytes, whose total is guessed from the files of which the length is known."""

    bar: tqdm[Any]
    files: int
    known: int = 0
    length: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def expect(self, length: int) -> None:
        """Count in one more file's length in bytes."""
        with self.lock:
            self.known += 1
            self.length += length
            self.bar.total = max(self.length, self.length * self.files // self.known)

    def add(self, count: int) -> None:
        """Count in bytes that have come."""
        with self.lock:
            self.bar.update(count)


@dataclass
class _Fetch:
    """One call of `fetch`: what its threads share."""

    settings: Settings
    name: str
    partial: Path
    client: httpx.Client
    progress: _Progress
    # Set when the user interrupts, or once many connections have failed and none has ever
    # been answered: the other files then fail at once instead of after hours.
    stopped: threading.Event = field(default_factory=threading.Event)
    unanswered: int = 0
    answered: bool = False

    def one(self, item: tuple[str, str]) -> str | None:
        """Fetch one file with retries; None, or why it cannot be had."""
        path, digest = item
        reason = "not tried: the server did not answer"
        for attempt in range(self.settings.tries):
            if self.stopped.is_set():
                return reason
            try:
                self.attempt(path, digest)
            except _Refusal as refusal:
                reason = str(refusal)
                if refusal.final:
                    return reason
                if attempt + 1 < self.settings.tries:
                    self.pause(attempt, refusal.wait)
            else:
                return None
        return reason

    def pause(self, attempt: int, asked: float) -> None:
        """Wait before the next try: doubling, and at least as long as the server asks."""
        self.stopped.wait(min(max(self.settings.wait * 2**attempt, asked), _LONGEST_WAIT))

    def attempt(self, path: str, digest: str) -> None:
        """Fetch one file once. Raises _Refusal with the reason if it is not there afterwards."""
        part = self.partial / f"{path}.part"
        part.parent.mkdir(parents=True, exist_ok=True)
        mirror = os.environ.get("FAIRTRIAL_MIRROR", "")
        if mirror and not mirror.startswith(("http://", "https://")):
            self.copy(Path(mirror, self.name, path), part)
        else:
            base = f"{mirror.rstrip('/')}/{quote(self.name)}" if mirror else self.settings.base
            self.download(f"{base.rstrip('/')}/{quote(path)}", part)
        found = checksums.sha256(part)
        if found != digest:
            part.unlink()
            raise _Refusal(f"wrong content (SHA-256 {found}, not {digest})")
        part.replace(self.partial / path)

    def copy(self, source: Path, part: Path) -> None:
        """Take one file from a mirror that is a folder."""
        if not source.is_file():
            raise _Refusal(f"not in the mirror: there is no {source}", final=True)
        folders.copy_file(source, part)

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
                            raise _Refusal("interrupted", final=True)
                        file.write(block)
                        self.progress.add(len(block))
        except httpx.HTTPError as error:
            if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
                self.count_silence()
            raise _Refusal(f"{type(error).__name__}: {error} ({url})") from error

    def count_silence(self) -> None:
        """Stop asking a server that never answers. (A count lost between threads is harmless.)"""
        self.unanswered += 1
        enough = self.settings.connections * self.settings.tries
        if not self.answered and self.unanswered >= enough:
            self.stopped.set()


def _accept(answer: httpx.Response, part: Path) -> int:
    """The bytes that are to come; raises _Refusal unless they can be written to `part`."""
    status, url = answer.status_code, answer.url
    if status == 416:  # what is there is as long as the file, or longer, and yet not it
        part.unlink(missing_ok=True)
        raise _Refusal(f"HTTP {status} from {url}")
    if status in _TRY_AGAIN:
        raise _Refusal(f"HTTP {status} from {url}", wait=_asked(answer))
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


def _asked(answer: httpx.Response) -> float:
    """Seconds that a Retry-After header asks for; 0 where it names none (or a date)."""
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isdigit() else 0.0


class _Refusal(Exception):
    """Why a try failed; `final` if another one is useless; seconds that the server asks for."""

    def __init__(self, reason: str, *, final: bool = False, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.final, self.wait = final, wait
