"""Who uses a card of this machine, and who waits for one, of all projects and people.

A job has a file in a folder that all of them share, and the kernel's lock (flock) on it as long as
its process lives. So a kill frees its cards at once, and nothing is left that could be stale. Files
are read and written by one process at a time, which holds the lock of the folder.
"""

from __future__ import annotations

import os
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import Field, ValidationError

from fairtrial.files.modelfile import FileModel
from fairtrial.store.locks import Holder

if sys.platform != "win32":
    import fcntl

VARIABLE = "FAIRTRIAL_GPU_CLAIMS"  # another folder than FOLDER
# Not $TMPDIR: the same for all people and jobs of the machine. No file is replaced there.
FOLDER = "/tmp/fairtrial-gpus"  # noqa: S108
STALLED = 60.0  # seconds without a sign of life after which a waiting process is passed over


class Claim(FileModel):
    """A job of a project's folder that uses cards, or waits for them as long as `taken` is empty.

    since: when it began to wait, in seconds since 1970; visible: the cards among which it chooses,
    by UUID; cards: how many it needs; share: how many jobs may share each of them; free: which
    percentage of a card's memory must be free for all of these.
    """

    holder: Holder
    user: str
    folder: str
    job: str
    since: float
    visible: list[str]
    cards: int
    share: int
    free: int
    taken: list[str] = Field(default_factory=list)

    @property
    def is_alone(self) -> bool:
        """Whether it shares its cards with nobody."""
        return self.share == 1

    def __str__(self) -> str:
        return f"{self.job} (process {self.holder.process} of {self.user}, {self.folder})"


class OwnClaim:
    """The claim of this process, in a file that is locked as long as the process lives."""

    def __init__(self, claim: Claim) -> None:
        """Write it. The caller holds the lock of the folder."""
        self.path = folder() / f"{claim.holder.process}-{uuid.uuid4().hex}.json"
        self._file = _created(self.path)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        os.register_at_fork(after_in_child=self._leave)
        self.write(claim)

    def write(self, claim: Claim) -> None:
        """Write another state of it. The caller holds the lock of the folder."""
        content = claim.model_dump_json().encode()
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, content, 0)
        self.claim = claim

    def release(self) -> None:
        """Give the cards back."""
        self.path.unlink(missing_ok=True)
        self._leave()

    def _leave(self) -> None:
        """Close the file; in a forked process the lock stays its parent's."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def folder() -> Path:
    """The folder of all claims on this machine."""
    return Path(os.environ.get(VARIABLE, FOLDER))


@contextmanager
def locked_folder() -> Iterator[None]:
    """Hold the lock of the folder, which is made where there is none."""
    with suppress(FileExistsError):
        folder().mkdir()
        folder().chmod(0o1777)
    lock = folder() / "lock"
    with suppress(FileExistsError):
        os.close(_created(lock))
    descriptor = os.open(lock, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _created(path: Path) -> int:
    """A new file that all people can read, whatever this one's umask; opened for writing.

    With O_CREAT alone Linux would refuse another person's file in a folder like /tmp.
    """
    file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o644)
    os.fchmod(file, 0o644)
    return file


def living() -> list[Claim]:
    """The claims of processes that live, by age, but for those that wait and give no sign of life.

    Files of dead ones are removed where the caller may; it holds the lock of the folder.
    """
    claims = []
    for path in folder().glob("*.json"):
        with suppress(OSError):
            claim = _claim(path)
            if claim and (claim.taken or time.time() - path.stat().st_mtime < STALLED):
                claims.append(claim)
            elif claim is None:
                path.unlink()
    return sorted(claims, key=lambda claim: (claim.since, claim.holder.process))


def _claim(path: Path) -> Claim | None:
    """The claim in a file; None where its process has ended."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            with suppress(ValidationError):
                return Claim.model_validate_json(file.read())
        return None
