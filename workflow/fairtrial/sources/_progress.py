"""The bar of a download: bytes, rate and time left, and how many files are there."""

from __future__ import annotations

import sys
import threading
from types import TracebackType

_IN_A_LOG = 10.0  # seconds between two lines where nobody sees a bar move


class TransferProgress:
    """A bar over bytes, whose total is guessed from the files of which the length is known.

    On a terminal it moves; in a log it is a line every ten seconds. Threads may share it.
    """

    def __init__(self, name: str, files: int) -> None:
        from tqdm import tqdm

        seen = sys.stderr.isatty()
        self.bar = tqdm(
            desc=name,
            unit="B",
            unit_scale=True,
            unit_divisor=1000,
            dynamic_ncols=seen,
            mininterval=0.1 if seen else _IN_A_LOG,
            file=sys.stderr if seen else _Lines(),
        )
        self.files, self.done = files, 0
        self.known = self.length = 0  # files of which the length is known, and their bytes
        self.lock = threading.Lock()

    def __enter__(self) -> TransferProgress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.close()

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

    def finished(self) -> None:
        """Count in one more file that is there and right."""
        with self.lock:
            self.done += 1
            self.bar.set_postfix_str(f"{self.done} of {self.files} files", refresh=False)


class _Lines:
    """Standard error, on which each state of the bar is a line of its own."""

    def write(self, text: str) -> None:
        if line := text.strip():
            sys.stderr.write(f"{line}\n")

    def flush(self) -> None:
        sys.stderr.flush()
