"""A line for each training that runs, from the progress file that `status` reads too."""

from __future__ import annotations

from collections.abc import Iterable

from fairtrial.display.board import BegunJob
from fairtrial.files.text import duration
from fairtrial.training.progress import TrainingProgress, read_progress, seconds_left


def running_trainings(jobs: Iterable[BegunJob]) -> list[TrainingProgress]:
    """The progress of those of these jobs whose training runs.

    A file that is older than the job is of an earlier attempt; one with an error, of one that
    failed. A job that waits in SLURM's queue has none.
    """
    found = []
    for job in jobs:
        file = job.log.with_suffix(".json")
        try:
            is_of_this_attempt = file.stat().st_mtime >= job.begun
        except OSError:
            continue
        progress = read_progress(file) if is_of_this_attempt else None
        if progress is not None and progress.error is None:
            found.append(progress)
    return found


def training_line(progress: TrainingProgress) -> str:
    """`small-s0: epoch 7 of 12, best 0.312 in epoch 5, 40 s left`."""
    parts = [f"{progress.run}: epoch {progress.epoch} of {progress.epochs}"]
    if progress.best is not None:
        parts.append(f"best {progress.best:.3f} in epoch {progress.best_epoch}")
    if left := duration(seconds_left(progress)):
        parts.append(f"{left} left")
    return ", ".join(parts)
