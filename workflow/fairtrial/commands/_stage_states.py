"""What a stage is doing that writes no progress: from its sign of life, its log, and the job as
which Snakemake submitted it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from fairtrial.commands._slurm_queue import Queue
from fairtrial.devices.pinning import WAITING
from fairtrial.display.failures import SLURM_ERROR
from fairtrial.files.logs import error_line, last_line, last_lines
from fairtrial.lineage.alive import alive_file
from fairtrial.lineage.made import made_file
from fairtrial.planning.finished import snakemakes_file
from fairtrial.store import locks

SUBMITTED = Path(".snakemake/incomplete")  # Snakemake's notes of outputs that jobs are to write


@dataclass(frozen=True)
class StageState:
    """running, waiting (whether or not it is in SLURM's queue) or failed, and why."""

    state: str
    note: str = ""
    job: str | None = None
    node: str | None = None


def log_of(experiment: str, stage: str, run: str) -> Path:
    """The log of one stage of a run."""
    return Path("logs", experiment, stage, f"{run}.log")


def stage_state(
    experiment: str, stage: str, run: str, output: Path, queue: Queue, prefix: str = "fairtrial "
) -> StageState:
    """The state of a stage whose `output` is not there; `prefix` begins its errors."""
    file = alive_file(made_file(stage, run, experiment))
    holder = locks.read(file)
    log = log_of(experiment, stage, run)
    if holder and not locks.looks_stale(file):
        said = last_line(log)
        note = said if said.startswith(WAITING) else ""
        return StageState("running", note, holder.slurm_job, holder.host)
    if error := error_line(log, prefix):
        return StageState("failed", error)
    if holder:
        note = cause_of_end(log, holder.slurm_job)
        return StageState("failed", note, holder.slurm_job, holder.host)
    return _submitted(output, queue)


def _submitted(output: Path, queue: Queue) -> StageState:
    """The state of the SLURM job that is to write a file, as long as the stage has not begun."""
    job = submitted_job(output)
    queued = queue.jobs.get(job) if job else None
    if queued is None:
        return StageState("waiting")
    if queued.state == "RUNNING":  # one job runs several stages, and scores several runs
        return StageState("waiting", "its SLURM job runs, and comes to it", job, queued.nodes)
    return StageState("waiting", f"in SLURM's queue: {queued.state.lower()}", job)


def submitted_job(output: Path) -> str | None:
    """The SLURM job as which Snakemake last submitted the job that writes a file, unless that has
    ended; None without one."""
    try:
        text = snakemakes_file(SUBMITTED, output.as_posix()).read_text(encoding="utf-8")
        job = json.loads(text)["external_jobid"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return job if isinstance(job, str) else None


def cause_of_end(log: Path, job: str | None) -> str:
    """Why SLURM ended the job, from the job's own output; otherwise the last line of the log."""
    outputs = sorted(Path(".snakemake/slurm_logs").rglob(f"{job}.log")) if job else []
    for output in outputs:
        for line in last_lines(output):
            if line.startswith(SLURM_ERROR):
                return line.removeprefix(SLURM_ERROR).strip("* ")
    line = last_line(log)
    return f"ended without an error message; its last line: {line}" if line else "was killed"
