"""A line for each training and each search that runs, from the files that `status` reads too."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fairtrial.display.board import BegunJob
from fairtrial.files.text import duration
from fairtrial.search.progress import StudyProgress, read_study
from fairtrial.training.progress import TrainingProgress, read_progress, seconds_left


def running_lines(jobs: Iterable[BegunJob]) -> dict[BegunJob, str]:
    """Of these jobs those that run, each with its line; of the workers of a search the first."""
    lines: dict[BegunJob, str] = {}
    for job in jobs:
        line = _line(job)
        if line and line not in lines.values():
            lines[job] = line
    return lines


def _line(job: BegunJob) -> str:
    """ "" where the job waits in SLURM's queue, has failed, or is no training."""
    if job.stage == "train":
        file = job.log.with_suffix(".json")
        training = read_progress(file) if _is_of(file, job) else None
        return training_line(training) if training and training.error is None else ""
    if job.stage == "search":
        name = job.name.split()[0]
        file = job.log.with_name(f"{name}.json")
        study = read_study(file) if _is_of(file, job) else None
        return study_line(name, study) if study else ""
    return ""


def _is_of(file: Path, job: BegunJob) -> bool:
    """Whether a file was written since a job began; else it is of an earlier attempt."""
    try:
        return file.stat().st_mtime >= job.begun
    except OSError:
        return False


def training_line(progress: TrainingProgress) -> str:
    """`small-s0: epoch 7 of 12, best 0.312 in epoch 5, 40 s left`."""
    if progress.waits_for:
        return f"{progress.run}: {progress.waits_for}"
    parts = [f"{progress.run}: epoch {progress.epoch} of {progress.epochs}"]
    if progress.best is not None:
        parts.append(f"best {progress.best:.3f} in epoch {progress.best_epoch}")
    if left := duration(seconds_left(progress)):
        parts.append(f"{left} left")
    parts += [progress.gpu] if progress.gpu else []
    return ", ".join(parts)


def study_line(name: str, progress: StudyProgress) -> str:
    """`tpe-0: trial 12 of 40, best 0.512`, or its hours where those are the budget."""
    begun, hours = sum(progress.states.values()), progress.seconds / 3600
    parts = [f"{name}: trial {begun}"]
    if progress.trials is not None:
        parts[0] += f" of {progress.trials}"
    elif progress.hours is not None:
        parts.append(f"{hours:.1f} of {progress.hours:g} h")
    if progress.best is not None:
        parts.append(f"best {progress.best:.3f}")
    return ", ".join(parts)
