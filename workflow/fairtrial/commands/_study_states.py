"""The state of every study of an experiment, from its progress file, locks and logs."""

from __future__ import annotations

from pathlib import Path

from fairtrial.commands._run_states import Row
from fairtrial.files.logs import error_line
from fairtrial.planning.experiment import PlannedExperiment
from fairtrial.search.progress import StudyProgress, read_progress
from fairtrial.store import entries, locks


def study_states(plan: PlannedExperiment) -> list[Row]:
    """A row a study, in the order of the experiment."""
    return [_row(plan, name) for name in plan.studies]


def _row(plan: PlannedExperiment, study: str) -> Row:
    row = Row(study, "waiting", "search")
    error, log = _error(plan, study)
    progress = read_progress(plan.name, study, plan.studies[study].of_worker())
    if progress is not None:
        row.best, row.note, row.left = progress.best, _summary(progress), _seconds_left(progress)
        if progress.over:
            row.state, row.stage, row.left = "done", "", None
            return row
        if _is_being_trained(progress.key):
            row.state = "running"
            return row
    if error:
        row.state, row.note, row.log = "failed", error, log
    return row


def _summary(progress: StudyProgress) -> str:
    """`12 of 40 trials: 9 finished, 2 pruned, 1 unfinished; 1.2 h`."""
    count = sum(progress.states.values())
    spent = f"{progress.seconds / 3600:.1f}"
    if progress.hours is None:
        trials, hours = f"{count} of {progress.trials} trials", f"{spent} h"
    else:
        trials, hours = f"{count} trials", f"{spent} of {progress.hours:g} h"
    states = ", ".join(f"{number} {state}" for state, number in progress.states.items())
    return f"{trials}: {states}; {hours}"


def _seconds_left(progress: StudyProgress) -> float | None:
    """Seconds of training until the budget is spent; None before the first trial has ended."""
    if progress.hours is not None:
        return max(0.0, progress.hours * 3600 - progress.seconds)
    ended = sum(n for state, n in progress.states.items() if state != "unfinished")
    if progress.trials is None or not ended:
        return None
    return max(0, progress.trials - ended) * progress.seconds / ended


def _is_being_trained(key: str) -> bool:
    """Whether a worker holds the lock of any trial of the study."""
    trial_locks = (entries.root() / "searches" / key).glob("trial-*.lock")
    return any(not locks.looks_stale(lock) for lock in trial_locks)


def _error(plan: PlannedExperiment, study: str) -> tuple[str, str]:
    """The error with which the first failed worker ended, and its log; empty where none failed."""
    for worker in plan.studies[study].workers:
        log = Path("logs", plan.name, "search", f"{study}-{worker}.log")
        if error := error_line(log, "fairtrial search: "):
            return error, str(log)
    return "", ""
