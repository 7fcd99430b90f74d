"""The progress bar of a download: bytes, rate, time left, and finished files."""

from __future__ import annotations

import sys
import threading
from types import TracebackType

from fairtrial.files.progress import IN_A_LOG, LinesOnStderr


class TransferProgress:
    """A bar over bytes; their total is estimated from the files whose length is known.

    In a log it is a line every ten seconds. Threads may share it.
    """

    def __init__(self, name: str, files: int) -> None:
        from tqdm import tqdm

        on_terminal = sys.stderr.isatty()
        self.bar = tqdm(
            desc=name,
            unit="B",
            unit_scale=True,
            unit_divisor=1000,
            dynamic_ncols=on_terminal,
            mininterval=0.1 if on_terminal else IN_A_LOG,
            file=sys.stderr if on_terminal else LinesOnStderr(),
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
        """Add the length of one more file, in bytes, to the expected total."""
        with self.lock:
            self.known += 1
            self.length += length
            self.bar.total = max(self.length, self.length * self.files // self.known)

    def add(self, count: int) -> None:
        """Add bytes that have arrived."""
        with self.lock:
            self.bar.update(count)

    def finished(self) -> None:
        """Count one more file that has passed its check."""
        with self.lock:
            self.done += 1
            self.bar.set_postfix_str(f"{self.done} of {self.files} files", refresh=False)
