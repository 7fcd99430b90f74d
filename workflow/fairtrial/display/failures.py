"""What a failed job said: the end of its log, and what SLURM says of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fairtrial.display.board import BegunJob
from fairtrial.files.logs import last_lines

SHOWN = 10  # lines of a log at most
SLURM_ERROR = "slurmstepd: error: "  # begins the line with which SLURM says why it ends a job


def failure_text(job: BegunJob, message: str = "", slurm_logs: Sequence[Path] = ()) -> str:
    """What failed, the last lines of its log, and the names of its logs.

    message: what Snakemake knows of the end, such as SLURM's state; slurm_logs: the outputs of the
    job as SLURM keeps them, which say more where the job could not write its own log.
    """
    said = [] if _is_of_before(job) else _last(job.log)
    if not said:
        said = [line for log in slurm_logs for line in _last(log)]
    else:
        said += [
            line for log in slurm_logs for line in last_lines(log) if line.startswith(SLURM_ERROR)
        ]
    logs = [log for log in (job.log, *slurm_logs) if log.is_file()]
    lines = [f"{job.title} failed" + (f": {' '.join(message.split())}" if message else "")]
    lines += [f"    {line}" for line in said]
    return "\n".join([*lines, *(f"  log: {_short(log)}" for log in logs)])


def latest(jobs: Sequence[BegunJob]) -> BegunJob:
    """Of jobs that are one for SLURM the one that failed: the last that wrote to its log, else the
    first."""
    wrote = [job for job in jobs if not _is_of_before(job)]
    return wrote[-1] if wrote else jobs[0]


def _is_of_before(job: BegunJob) -> bool:
    """Whether the log of a job is older than the job, or missing."""
    try:
        return job.log.stat().st_mtime < job.begun - 1  # some disks keep whole seconds
    except OSError:
        return True


def _last(log: Path) -> list[str]:
    return [line for line in last_lines(log) if line][-SHOWN:]


def _short(log: Path) -> Path:
    here = Path.cwd()
    return log.relative_to(here) if log.is_relative_to(here) else log
