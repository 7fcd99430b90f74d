"""The state of every run of an experiment, from files alone: results, progress, locks, logs.

Snakemake is not used, so this works beside a running Snakemake, on another machine with the same
disk, and after Snakemake was killed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fairtrial import DataError
from fairtrial.commands._slurm_queue import Queue
from fairtrial.commands._stage_states import StageState, cause_of_end, log_of, stage_state
from fairtrial.planning.experiment import PlannedExperiment
from fairtrial.planning.planned_run import PlannedRun
from fairtrial.settings.stages import TrainSettings
from fairtrial.store import entries, locks
from fairtrial.training.progress import (
    TrainingProgress,
    fitness_of,
    progress_file,
    read_progress,
    seconds_left,
    settings_hash,
)
from fairtrial.training.record import RunRecord, read_record

STATES = ("done", "running", "waiting", "failed")


@dataclass
class Row:
    """The state of one run or study."""

    run: str
    state: str  # one of STATES
    stage: str = ""  # the one that runs or failed
    epoch: int | None = None  # the last one that is done
    epochs: int | None = None  # planned
    best: float | None = None  # highest fitness on val
    left: float | None = None  # seconds
    job: str | None = None
    node: str | None = None
    note: str = ""  # why it waits, or the last line of its error
    log: str = ""
    pace: float | None = None  # seconds an epoch, as measured
    gpus: float | None = None  # that it uses, where that is known
    gpu: str | None = None  # the card of its machine


def run_states(plan: PlannedExperiment, queue: Queue) -> list[Row]:
    """A row a run, in the order of the experiment."""
    return [_row(plan, run, queue) for run in plan.runs.values()]


def _row(plan: PlannedExperiment, run: PlannedRun, queue: Queue) -> Row:
    settings = run.train_settings
    record = None if plan.awaits(run.name) else _present_record(plan.name, run, settings)
    progress = read_progress(progress_file(plan.name, run.name))
    if progress and progress.settings == settings_hash(settings):
        row = _training(plan.name, progress, queue)
    elif record:
        row = _after_training(plan.name, record, queue)
    else:
        row = _before_training(plan.name, run, queue)
    if row.epochs is None:
        row.epochs = run.settings.get("epochs")
    return row


def _present_record(experiment: str, run: PlannedRun, settings: TrainSettings) -> RunRecord | None:
    """The record of a finished training; None without one, or where its settings have changed."""
    try:
        record = read_record(Path("results", experiment, "runs", run.name, "record.json"))
    except (DataError, OSError):
        return None
    recorded = (record.backend, record.dataset, record.settings)
    planned = (run.backend, run.dataset, settings.model_dump(mode="json")["settings"])
    return record if recorded == planned else None


# --------------------------------------------------------------------------- training


def _training(experiment: str, progress: TrainingProgress, queue: Queue) -> Row:
    """The row of a run whose training has begun and has not ended, unless by an error."""
    entry = entries.root() / "runs" / progress.key
    lock = entry.with_name(f"{entry.name}.lock")
    row = Row(progress.run, "failed", "train", progress.epoch, progress.epochs, progress.best)
    row.job = progress.slurm.job if progress.slurm else None
    row.node = (progress.slurm and progress.slurm.node) or progress.holder.host
    row.pace = progress.seconds / progress.attempt if progress.attempt else None
    row.gpu = progress.gpu
    lock_holder = locks.read(lock)
    if progress.error is not None:
        row.note = progress.error
    elif lock_holder and lock_holder != progress.holder and not locks.looks_stale(lock):
        row.state = "waiting"
        row.note = f"the same training is run by {locks.describe(lock)}"
    elif _is_alive(progress, lock, lock_holder, queue):
        row.state, row.left = "running", seconds_left(progress)
        row.note = progress.waits_for or ""
    elif entry.is_dir():
        row.state = "waiting"
        row.note = "trained already; Snakemake takes it from the store when it runs again"
    else:
        row.note = cause_of_end(log_of(experiment, "train", progress.run), row.job)
    row.log = str(log_of(experiment, "train", progress.run)) if row.state == "failed" else ""
    return row


def _is_alive(
    progress: TrainingProgress, lock: Path, lock_holder: locks.Holder | None, queue: Queue
) -> bool:
    """Whether the process that wrote the progress file still works."""
    if lock_holder != progress.holder:  # before it acquires its lock, or after it releases it
        return locks.is_alive_here(progress.holder) is True
    job = queue.jobs.get(progress.slurm.job) if progress.slurm else None
    return (job is not None and job.state == "RUNNING") or not locks.looks_stale(lock)


# --------------------------------------------------------------------------- before and after


def _before_training(experiment: str, run: PlannedRun, queue: Queue) -> Row:
    """Waiting or about to begin, unless the log says why the training could not begin, or why
    predictions that were made elsewhere could not be taken."""
    stage = "receive" if run.is_elsewhere else "train"
    folder = Path("results", experiment, "runs", run.name)
    output = folder / ("record.json" if run.is_elsewhere else "weights.pt")
    state = stage_state(experiment, stage, run.name, output, queue, f"fairtrial {stage}: ")
    row = Row(run.name, state.state, "" if state.state == "waiting" else stage)
    return _with_stage(row, state, experiment, stage)


def _with_stage(row: Row, state: StageState, experiment: str, stage: str) -> Row:
    row.note, row.job, row.node = state.note, state.job or row.job, state.node or row.node
    row.log = str(log_of(experiment, stage, row.run)) if row.state == "failed" else ""
    return row


def _after_training(experiment: str, record: RunRecord, queue: Queue) -> Row:
    """The row of a run whose training is finished: done once predict and validate are, too."""
    folder = Path("results", experiment, "runs", record.run)
    row = Row(record.run, "done", "", None if record.elsewhere else record.epochs_run)
    row.epochs = record.epochs_run or None  # fewer than planned after early stopping
    row.best = _best(Path("results", experiment, "history", f"{record.run}.csv"), record)
    row.pace, row.gpus = measured(record)
    if record.slurm:
        row.job, row.node = record.slurm.job, record.slurm.node
    predict = {} if record.elsewhere else {"predict": "speed.json"}
    for stage, output in (predict | {"validate": "metrics.json"}).items():
        if not (folder / output).exists():
            state = stage_state(experiment, stage, record.run, folder / output, queue)
            row.stage, row.state = stage, state.state
            return _with_stage(row, state, experiment, stage)
    return row


def measured(record: RunRecord) -> tuple[float | None, float | None]:
    """Seconds an epoch of a finished training, and GPUs at a time; None where not known."""
    epochs = sum(attempt.epochs for attempt in record.attempts)
    pace = sum(attempt.seconds for attempt in record.attempts) / epochs if epochs else None
    if not record.seconds:
        return pace, None
    return pace, (record.gpu_seconds or 0.0) / record.seconds


def _best(history: Path, record: RunRecord) -> float | None:
    """The fitness of the best epoch, from the epoch's line in the history; None where there is
    none. Reads no further lines."""
    epoch = record.best_epoch
    if not epoch:
        return None
    try:
        lines = history.read_text(encoding="utf-8").split("\n", epoch + 1)
        return fitness_of(dict(zip(lines[0].split(","), lines[epoch].split(","), strict=True)))
    except (OSError, IndexError, ValueError):
        return None
