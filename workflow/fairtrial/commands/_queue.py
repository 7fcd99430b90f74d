"""SLURM's queue, asked at most once a minute however many people and terminals look."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairtrial import DataError
from fairtrial.files.folders import only_one
from fairtrial.files.jsonfile import read_json, write_json
from fairtrial.store import entries

EVERY = 60.0  # seconds
FIELDS = "%i|%T|%N|%Z"  # job, state, nodes, working directory


@dataclass(frozen=True)
class Queue:
    """The user's jobs in SLURM: job → (state, node); `counts` are those of this project."""

    asked: float | None  # when, by the clock; None where there is no SLURM or no answer
    jobs: dict[str, tuple[str, str]]
    counts: dict[str, int]


def read() -> Queue:
    """The queue as it was at most a minute ago. Never asks SLURM's accounting."""
    if shutil.which("squeue") is None:
        return Queue(None, {}, {})
    folder = entries.root() / "status"
    try:
        with only_one(folder):
            answer = _fresh(folder / "squeue.json")
    except OSError:  # a store that cannot be written: better no answer than one each second
        return Queue(None, {}, {})
    rows = [line.split("|", 3) for line in answer["lines"]]
    whole = [row for row in rows if len(row) == 4]
    here = Counter(state for _, state, _, place in whole if place == str(Path.cwd()))
    jobs = {job: (state, node) for job, state, node, _ in whole}
    return Queue(answer["asked"] if answer["answered"] else None, jobs, dict(sorted(here.items())))


def _fresh(file: Path) -> dict[str, Any]:
    """The last answer, or a new one if it is more than a minute old."""
    try:
        answer: dict[str, Any] = read_json(file)
        if abs(time.time() - answer["asked"]) < EVERY:  # a clock may also be set back
            return answer
    except (DataError, KeyError, TypeError):
        pass
    lines = _ask()
    answer = {"asked": time.time(), "answered": lines is not None, "lines": lines or []}
    write_json(file, answer)
    return answer


def _ask() -> list[str] | None:
    command = ["squeue", "--noheader", f"--user={os.getuid()}", f"--format={FIELDS}"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return asked.stdout.splitlines() if asked.returncode == 0 else None
