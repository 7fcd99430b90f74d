"""The board where there is no terminal: a line when a job ends or a long one begins, and now and
then one on the trainings that run."""

from __future__ import annotations

import sys
import threading
import time

from fairtrial.display.board import BegunJob, Board
from fairtrial.display.trainings import running_lines
from fairtrial.files.text import counted

EVERY = 60.0  # seconds between two lines on trainings; after ten minutes, a tenth of the time
LONG = ("download", "convert", "search", "train")
NAMED = 3  # trainings in such a line at most


class Lines:
    """Writes lines to standard error."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._over = threading.Event()
        self._began = time.monotonic()

    def start(self) -> None:
        """Say how many jobs there are; from now on, report on trainings."""
        counts = ", ".join(f"{count.planned} {count.stage}" for count in self._board.counts)
        self.message(f"{counted(self._board.planned, 'job')}: {counts}")
        threading.Thread(target=self._report, daemon=True).start()

    def begun(self, job: BegunJob) -> None:
        """Say that a long job has begun."""
        if job.stage in LONG:
            self.message(f"{job.title} begins")

    def ended(self, job: BegunJob) -> None:
        """Say that a job is done, and how many are."""
        self.message(f"{job.title} done, {self._board.done} of {self._board.planned}")

    def message(self, text: str) -> None:
        """Write any text."""
        print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)

    def stop(self) -> None:
        """Report no more."""
        self._over.set()

    def _report(self) -> None:
        while not self._over.wait(max(EVERY, (time.monotonic() - self._began) / 10)):
            running = list(running_lines(self._board.under_way).values())
            if len(running) > NAMED:
                running[NAMED:] = [f"and {len(running) - NAMED} more"]
            if running:
                self.message("; ".join(running))
