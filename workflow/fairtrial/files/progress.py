"""How far a long piece of work is: a bar on a terminal, a line every ten seconds in a log."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LINE = "{percentage:.0f} % of {total} {desc}, {rate_fmt}, {remaining} left"
IN_A_LOG = 10.0  # seconds between two lines where standard error is no terminal


class LinesOnStderr:
    """Standard error, on which each state of a bar is a line of its own."""

    def write(self, text: str) -> None:
        """Write one state of the bar."""
        if line := text.strip():
            sys.stderr.write(f"{line}\n")

    def flush(self) -> None:
        """Flush standard error."""
        sys.stderr.flush()


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[], None]]:
    """Yield a function that counts one more of `total`; threads may share it.

    Shown are the share that is done, the rate and the time left; nothing in a log where all is
    done within ten seconds. Without a total: how many are done, and the rate.
    """
    from tqdm import tqdm

    on_terminal = sys.stderr.isatty()
    every = 0.1 if on_terminal else IN_A_LOG
    lock = threading.Lock()
    with tqdm(
        total=total,
        desc=what,
        unit=f" {what}",
        bar_format=None if on_terminal else _LINE if total else "{n_fmt} {desc}, {rate_fmt}",
        position=None if on_terminal else 0,  # a bar within a bar moves no cursor in a log
        mininterval=every,
        miniters=1,
        delay=every,
        file=sys.stderr if on_terminal else LinesOnStderr(),
    ) as bar:

        def advance() -> None:
            with lock:
                bar.update()

        yield advance
