"""One worker of a search: trial after trial, until the budget is spent.

Each is trained through the store by the function that trains a run, so that a trial and a run
with equal settings are one entry, and a trial that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import csv
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.trial import TrialState

from fairtrial import BackendError
from fairtrial.data.dataset import View
from fairtrial.scoring import fitness
from fairtrial.search import engines
from fairtrial.search.journal import Figures, Journal, Trial
from fairtrial.training import provenance, store
from fairtrial.training.checkpoint import HISTORY
from fairtrial.training.obtain import entry_key, obtain_trained

ATTEMPTS = 3  # workers that may die with a trial before it counts as failed


class _Pruned(Exception):
    """The trial is given up; raised through the framework's training."""


@dataclass(frozen=True)
class Task:
    """A study as a worker sees it. `start`: settings of the first trial; `space`, `trials` and
    `hours` as planned; `inputs` and `code` as a training's."""

    framework: str
    start: dict[str, Any]
    space: dict[str, dict[str, Any]]
    engine: str
    seed: int
    pruning: str
    trials: int | None
    hours: float | None
    code: str
    inputs: dict[str, str | None]
    view: Callable[[], View]
    initial: Path | None
    threads: int

    @property
    def key(self) -> str:
        """Everything that determines the trials, never how many there are to be.

        Nor the fitness: another one judges the same trials anew.
        """
        nameless = self.start | {"weights": None, "fitness": None}
        drawn = [self.space, self.engine, self.seed, self.pruning]
        return provenance.key([self.framework, nameless, drawn, self.code, self.inputs])

    def keyed(self, settings: dict[str, Any]) -> tuple[Any, ...]:
        """What the store knows the training of these settings by."""
        return self.framework, settings, self.code, self.inputs

    def is_spent(self, trials: Sequence[Trial]) -> bool:
        """Whether the budget holds no trial beside these."""
        if self.trials is not None:
            return len(trials) >= self.trials
        spent: float = sum(trial.note("seconds", 0.0) for trial in trials)
        return self.hours is not None and spent >= self.hours * 3600

    @property
    def weights(self) -> Mapping[str, float] | None:
        found: Mapping[str, float] | None = self.start["fitness"]
        return found


def work(task: Task, tell: Callable[[Sequence[Trial]], None] = lambda trials: None) -> None:
    """Take up and finish trials until the budget is spent; `tell` is called with all of them
    whenever one has begun or ended. Raises StoreError, and BackendError where already the
    settings that the search starts from cannot be trained."""
    journal = Journal(task.key)
    while True:
        with journal.taken(lambda: _next(task, journal)) as trial:
            tell(journal.trials())
            if trial is None:
                return
            _run(task, journal, trial)


def _next(task: Task, journal: Journal) -> Trial | None:
    """Begin a new trial, if the budget still holds one."""
    before = journal.trials()
    if task.is_spent(before):
        return None
    drawn = engines.draw(
        task.engine,
        task.seed,
        [trial.valued(task.weights) for trial in before],
        task.space,
        {name: task.start[name] for name in task.space},
    )
    return journal.begin(drawn)


def _run(task: Task, journal: Journal, trial: Trial) -> None:
    attempts = trial.note("attempts", 0)
    if attempts >= ATTEMPTS:
        message = f"{attempts} workers died with it"
        return _end(journal, trial, TrialState.FAIL, message)
    trial = journal.write(trial, attempts=attempts + 1)
    _say(trial, f"begins: {trial.params}")
    settings = task.start | trial.params
    try:
        history, entry = _trained(task, journal, trial, settings)
    except _Pruned as pruned:
        _end(journal, trial, TrialState.PRUNED, str(pruned))
        store.discard("runs", entry_key(*task.keyed(settings)))
    except (BackendError, ArithmeticError, MemoryError, RuntimeError, ValueError) as error:
        if trial.number == 0:
            raise BackendError(
                f"the settings that the search starts from cannot be trained: {error}"
            ) from error
        _end(journal, trial, TrialState.FAIL, f"{type(error).__name__}: {error}")
    else:
        values = [fitness.score(figures, task.weights) for figures in history]
        if not values or not all(map(math.isfinite, values)):
            return _end(journal, trial, TrialState.FAIL, "its fitness is not a number")
        journal.finish(trial, history, max(values), entry)
        _say(trial, f"finished: {max(values):.4g}")


def _trained(
    task: Task, journal: Journal, trial: Trial, settings: dict[str, Any]
) -> tuple[list[Figures], str]:
    """The history of the trial's training, and its entry in the store."""
    watch = _Watch(task, journal, trial)
    unfinished = store.unfinished("runs", entry_key(*task.keyed(settings))) / HISTORY
    if unfinished.exists():  # an epoch may have been committed and not noted yet
        for epoch, figures in enumerate(_history(unfinished), 1):
            watch.note(epoch, figures)
    entry, _ = obtain_trained(
        framework=task.framework,
        settings=settings,
        code=task.code,
        inputs=task.inputs,
        view=task.view,
        initial=task.initial,
        threads=task.threads,
        after_epoch=watch.after_epoch,
    )
    return _history(entry / HISTORY), entry.name


class _Watch:
    """Notes each epoch of a trial, and ends it where it is hopeless."""

    def __init__(self, task: Task, journal: Journal, trial: Trial) -> None:
        self._task, self._journal, self._trial = task, journal, trial
        self._begun = time.monotonic() - trial.note("seconds", 0.0)

    def after_epoch(self, row: dict[str, Any]) -> None:
        self.note(row["epoch"], _figures(row))

    def note(self, epoch: int, figures: Figures) -> None:
        """Write an epoch down. Raises _Pruned if the trial is to end with it."""
        seconds = time.monotonic() - self._begun
        self._trial = self._journal.write_epoch(self._trial, epoch, figures, seconds)
        if self._task.pruning == "off":
            return
        weights = self._task.weights
        others = [t for t in self._journal.trials() if t.state == "finished"]
        known = [trial.valued(weights) for trial in others]
        values = self._trial.judged(weights)[:epoch]
        if engines.is_hopeless(known, values, self._task.start["epochs"]):
            raise _Pruned(f"below the median after epoch {epoch}")


def _history(path: Path) -> list[Figures]:
    with path.open(newline="", encoding="utf-8") as file:
        return [_figures(row) for row in csv.DictReader(file)]


def _figures(row: Mapping[str, Any]) -> Figures:
    """The figures on val of a row, to the six digits of history.csv."""
    names = [name for name in fitness.FIGURES.values() if f"val/{name}" in row]
    return {name: float(f"{float(row[f'val/{name}']):.6g}") for name in names}


def _end(journal: Journal, trial: Trial, state: TrialState, message: str) -> None:
    journal.give_up(trial, state, message)
    _say(trial, f"{journal.trials()[trial.number].state}: {message}")


def _say(trial: Trial, text: str) -> None:
    print(f"trial {trial.number} {text}", file=sys.stderr, flush=True)
