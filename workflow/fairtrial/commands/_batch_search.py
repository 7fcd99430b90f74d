"""The largest batch that fits, by doubling and bisection; each is tried in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import psutil

import fairtrial
from fairtrial import BackendError
from fairtrial.training.batch_trial import BatchOutcome, BatchTrial

POLL = 0.05  # seconds between two looks at the memory of a process
NEAR = 16  # the search ends where two batches differ by this part of the smaller one


def largest(fits: Callable[[int], bool], start: int, most: int) -> int | None:
    """The largest batch up to `most` that fits, to a sixteenth; None where not even 1 does.

    From `start` on it doubles as long as batches fit, or halves until one does.
    """
    low, high = 0, most + 1
    batch = min(start, most)
    while low == 0 or high > most:
        if fits(batch):
            low = batch
            if low == most:
                return low
            if high <= most:
                break
            batch = min(2 * batch, most)
        else:
            high = batch
            if high == 1:
                return None
            if low:
                break
            batch = high // 2
    while high - low > max(1, low // NEAR):
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def outcome(trial: BatchTrial, limit: int | None, gpu: str) -> BatchOutcome:
    """Try one batch in another process, which is ended once it takes more than `limit` bytes of
    this machine's memory.

    gpu: the UUID of the card that it sees; empty: it sees what this process does. Raises
    BackendError, with the end of what the process said, where it fails for another reason than
    memory.
    """
    environment = dict(os.environ)
    code = str(Path(fairtrial.__file__).parents[1])
    others = environment.get("PYTHONPATH")
    environment["PYTHONPATH"] = os.pathsep.join([code, *([others] if others else [])])
    if gpu:
        environment["CUDA_VISIBLE_DEVICES"] = gpu
    with tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "fairtrial.training.batch_trial"],
            stdin=subprocess.PIPE,
            stdout=answer,
            stderr=said,
            env=environment,
        )
        assert process.stdin is not None
        process.stdin.write(trial.model_dump_json().encode())
        process.stdin.close()
        try:
            peak = _watched(process, limit)
        finally:
            _end(process)
        if limit is not None and peak > limit:
            return BatchOutcome(fits=False, peak=peak, memory_of="process")
        return _read(answer, said, process.returncode, peak)


def _read(answer: IO[bytes], said: IO[bytes], status: int, peak: int) -> BatchOutcome:
    if status == -9:  # the system's own answer to too little memory
        return BatchOutcome(fits=False, peak=peak, memory_of="process")
    answer.seek(0)
    text = answer.read()
    if status or not text:
        said.seek(0)
        lines = said.read().decode(errors="replace").splitlines()
        raise BackendError("no step could be tried; its process said:\n" + "\n".join(lines[-8:]))
    found = BatchOutcome.model_validate_json(text)
    if found.problem:
        raise BackendError(found.problem)
    if found.memory_of == "process":
        found = found.model_copy(update={"peak": max(found.peak, peak)})
    return found


def _watched(process: subprocess.Popen[bytes], limit: int | None) -> int:
    """The most memory of a process and of those that it starts, seen until it ends or takes more
    than the limit."""
    peak = 0
    while process.poll() is None:
        peak = max(peak, _memory(process.pid))
        if limit is not None and peak > limit:
            break
        time.sleep(POLL)
    return peak


def _memory(process: int) -> int:
    try:
        first = psutil.Process(process)
        family = [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    return sum(map(_of_one, family))


def _of_one(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process, and those that it has started, if it still runs."""
    if process.poll() is not None:
        return
    try:
        started = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        started = []
    process.kill()
    for child in started:
        try:
            child.kill()
        except psutil.NoSuchProcess:
            continue
    process.wait()
