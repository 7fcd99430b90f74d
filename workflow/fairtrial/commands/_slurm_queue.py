"""SLURM's queue, read by one call of squeue a minute at most, however many `status` run."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from fairtrial import DataError
from fairtrial.files.folders import folder_lock
from fairtrial.files.modelfile import FileModel, read_model, write_model
from fairtrial.store import entries

MAX_AGE = 60.0  # seconds for which an answer is used again
FIELDS = "%i|%T|%N|%Z"  # job, state, nodes, working directory


@dataclass(frozen=True)
class QueuedJob:
    """A job in the queue: its state as SLURM names it, and its nodes ("" before it runs)."""

    state: str
    nodes: str


@dataclass(frozen=True)
class Queue:
    """The user's jobs in SLURM by id; `counts`: by state, those of this folder alone."""

    asked: float | None  # by the clock; None where there is no SLURM or it did not answer
    jobs: dict[str, QueuedJob]
    counts: dict[str, int]


NO_QUEUE = Queue(None, {}, {})


class _Answer(FileModel):
    """store/status/squeue.json: the last answer of squeue."""

    asked: float  # by the clock
    answered: bool
    lines: list[str]


def read_queue() -> Queue:
    """The queue as it was at most MAX_AGE seconds ago. Calls squeue, never sacct."""
    if shutil.which("squeue") is None:
        return NO_QUEUE
    folder = entries.root() / "status"
    try:
        with folder_lock(folder):
            answer = _recent_answer(folder / "squeue.json")
    except OSError:  # without a stored answer squeue would be called each time
        return NO_QUEUE
    if not answer.answered:
        return NO_QUEUE
    fields = [line.split("|", 3) for line in answer.lines]
    rows = [row for row in fields if len(row) == 4]
    counts = Counter(state for _, state, _, place in rows if place == str(Path.cwd()))
    jobs = {job: QueuedJob(state, nodes) for job, state, nodes, _ in rows}
    return Queue(answer.asked, jobs, dict(sorted(counts.items())))


def _recent_answer(file: Path) -> _Answer:
    """The answer in the file, or a new one, which replaces it, if that is too old."""
    try:
        answer = read_model(file, _Answer)
        if abs(time.time() - answer.asked) < MAX_AGE:  # a clock may also be set back
            return answer
    except DataError:
        pass
    lines = _squeue()
    answer = _Answer(asked=time.time(), answered=lines is not None, lines=lines or [])
    write_model(file, answer)
    return answer


def _squeue() -> list[str] | None:
    """The lines of the user's queue; None where SLURM does not answer."""
    command = ["squeue", "--noheader", f"--user={os.getuid()}", f"--format={FIELDS}"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.splitlines() if result.returncode == 0 else None
