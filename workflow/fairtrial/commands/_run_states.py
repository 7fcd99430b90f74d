"""The state of every run of an experiment, from files alone: results, progress, locks, logs.

Nothing here asks Snakemake, so that it works beside a running one, on another machine of the
same disk, and after one that was killed.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairtrial import DataError
from fairtrial.commands._logs import error_line, last_line, last_lines
from fairtrial.commands._queue import Queue
from fairtrial.files.jsonfile import read_json
from fairtrial.planning.plan import Plan
from fairtrial.planning.runs import PlannedRun
from fairtrial.store import entries, keys, locks
from fairtrial.training import progress

STATES = ("done", "running", "waiting", "failed")
SILENT = 600.0  # seconds without a new line in its log after which predict or validate has ended
OVER = "slurmstepd: error: "  # what SLURM writes into a job's output when it ends one


@dataclass
class Row:
    """One run: how far it is. Seconds are `left`; `best` is the fitness on val."""

    run: str
    state: str
    stage: str = ""  # the one that runs or failed
    epoch: int | None = None
    epochs: int | None = None
    best: float | None = None
    left: float | None = None
    job: str | None = None
    node: str | None = None
    note: str = ""  # why it waits, or the last line of its error
    log: str = ""


def board(plan: Plan, queue: Queue) -> list[Row]:
    """A row a run, in the order of the experiment."""
    return [
        _row(plan.name, run, json.loads(plan.settings("train", run.name)), queue)
        for run in plan.runs.values()
    ]


def _row(experiment: str, run: PlannedRun, told: dict[str, Any], queue: Queue) -> Row:
    """`told`: what the run's training is told now."""
    epochs = told["settings"].get("epochs")
    record = _record_of(experiment, run, told)
    live = progress.read(progress.place(experiment, run.name))
    if live and live["settings"] != keys.key(told):
        live = None  # of other settings than are asked for now
    if live:
        row = _training(experiment, live, queue)
    elif record:
        row = _after_training(experiment, run.name, record)
    else:
        row = _before_training(experiment, run.name)
    row.epochs = epochs if row.epochs is None else row.epochs
    return row


def _record_of(experiment: str, run: PlannedRun, told: dict[str, Any]) -> dict[str, Any] | None:
    """The record of a finished training, if it is of the settings that are asked for now."""
    try:
        record = read_json(Path("results", experiment, "runs", run.name, "record.json"))
    except (DataError, OSError):
        return None
    made = [record.get("backend"), record.get("dataset"), record.get("settings")]
    wanted = [run.backend, run.dataset, _with_chosen(experiment, run, told["settings"])]
    return record if made == wanted else None


def _with_chosen(
    experiment: str, run: PlannedRun, settings: dict[str, Any]
) -> dict[str, Any] | None:
    """`settings` with the values of the trial that gives some of them; None before it does."""
    if run.chosen is None:
        return settings
    choices = Path("results", experiment, "search", run.chosen.study, "choices")
    try:
        values = read_json(choices / run.chosen.file)["values"]
        given = {name: values[name] for name in run.chosen.names}
    except (DataError, OSError, KeyError):
        return None
    return settings | given


# --------------------------------------------------------------------------- training


def _training(experiment: str, live: dict[str, Any], queue: Queue) -> Row:
    log = Path("logs", experiment, "train", f"{live['run']}.log")
    slurm, holder = live["slurm"] or {}, live["holder"]
    row = Row(live["run"], "running", "train", live["epoch"], live["epochs"], live["best"])
    row.job, row.node = slurm.get("job"), slurm.get("node") or holder["host"]
    entry = entries.root() / "runs" / live["key"]
    lock = entry.with_name(f"{entry.name}.lock")
    other = locks.read(lock)
    if live["error"] is not None:
        row.note = live["error"]
    elif other and other != holder and not locks.is_silent(lock):
        row.state, row.note = "waiting", f"the same training is made by {locks.describe(lock)}"
    elif _works(lock, other, holder, slurm, queue):
        row.left = _left(live)
        return row
    elif entry.is_dir():
        row.state, row.note = "waiting", "trained already; taken from the store when called again"
    else:
        row.note = _last_words(log, slurm.get("job"))
    if row.state == "running":
        row.state, row.log = "failed", str(log)
    return row


def _works(
    lock: Path, other: Any, holder: dict[str, Any], slurm: dict[str, str], queue: Queue
) -> bool:
    """Whether the process that told of itself still works."""
    if other != holder:  # before it has its lock, or after it gave it back
        return locks.lives_here(holder) is True
    state = queue.jobs.get(slurm.get("job", ""), ("", ""))[0]
    return state == "RUNNING" or not locks.is_silent(lock)


def _left(live: dict[str, Any]) -> float | None:
    """Seconds to the last epoch that was asked for, at the pace of this attempt."""
    if not live["attempt"] or live["epochs"] is None:
        return None
    pace = live["seconds"] / live["attempt"]
    since = max(0.0, time.time() - live["began"] - live["seconds"])  # of the epoch that runs
    return float(max(0.0, pace * (live["epochs"] - live["epoch"]) - min(since, pace)))


def _last_words(log: Path, job: str | None) -> str:
    """The last line of a log; and why SLURM ended the job, which is in the job's own output."""
    said = last_line(log)
    outputs = sorted(Path(".snakemake/slurm_logs").rglob(f"{job}.log")) if job else []
    for output in outputs:
        for line in last_lines(output):
            if line.startswith(OVER):
                return line.removeprefix(OVER).strip("* ")
    return f"ended without a word of its own; its last line: {said}" if said else "was killed"


# --------------------------------------------------------------------------- before and after


def _before_training(experiment: str, run: str) -> Row:
    """Waiting, unless its log says why it did not even begin."""
    log = Path("logs", experiment, "train", f"{run}.log")
    said = error_line(log, "fairtrial train: ")
    if not said:
        return Row(run, "waiting")
    return Row(run, "failed", "train", note=said, log=str(log))


def _after_training(experiment: str, run: str, record: dict[str, Any]) -> Row:
    folder = Path("results", experiment, "runs", run)
    row = Row(run, "done", "", record.get("epochs_run"))
    row.epochs = record.get("epochs_run") or None  # patience may have ended it
    row.best = _best(Path("results", experiment, "history", f"{run}.csv"), record)
    slurm = record.get("slurm") or {}
    row.job, row.node = slurm.get("job"), slurm.get("node")
    made = {"predict": folder / "speed.json", "validate": folder / "metrics.json"}
    for row.stage, path in made.items():
        if not path.exists():
            log = Path("logs", experiment, row.stage, f"{run}.log")
            row.state, row.note = _state_of_stage(log, folder / "record.json")
            row.log = str(log) if row.state == "failed" else ""
            return row
    row.stage = ""
    return row


def _state_of_stage(log: Path, before: Path) -> tuple[str, str]:
    """Of predict and validate, which tell nothing but their logs."""
    try:
        written = log.stat().st_mtime
    except OSError:
        return "waiting", ""
    if said := error_line(log, "fairtrial "):
        return "failed", said
    if written < before.stat().st_mtime or time.time() - written > SILENT:
        return "waiting", ""
    return "running", ""


def _best(history: Path, record: dict[str, Any]) -> float | None:
    """The fitness of the best epoch, from that one line of the history."""
    epoch = record.get("best_epoch")
    if not epoch:
        return None
    try:
        lines = history.read_text(encoding="utf-8").split("\n", epoch + 1)
        row = dict(zip(lines[0].split(","), lines[epoch].split(","), strict=True))
        return progress.fitness_of(row)
    except (OSError, IndexError, ValueError):
        return None
