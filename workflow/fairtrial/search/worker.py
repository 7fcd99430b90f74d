"""One worker of a search: trial after trial, until the budget is spent, or the space.

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
from fairtrial.data.dataset import SplitDataset
from fairtrial.scoring import fitness
from fairtrial.search import engines
from fairtrial.search.journal import STATES, Figures, Journal, Trial
from fairtrial.store import entries, keys
from fairtrial.training.cached_training import entry_key, train_or_adopt
from fairtrial.training.checkpoint import HISTORY

ATTEMPTS = 3  # workers that may die with a trial, without a new epoch, before it has failed


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
    view: Callable[[], SplitDataset]
    initial: Path | None
    threads: int

    @property
    def key(self) -> str:
        """Everything that determines the trials, never how many there are to be.

        Nor the fitness: another one judges the same trials anew.
        """
        nameless = self.start | {"weights": None, "fitness": None}
        drawn = [self.space, self.engine, self.seed, self.pruning]
        return keys.key([self.framework, nameless, drawn, self.code, self.inputs])

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


def work(task: Task, tell: Callable[[Sequence[Trial], bool], None] = lambda *told: None) -> None:
    """Take up and finish trials until the budget is spent, or the space.

    `tell` is called with all of them whenever one has begun or ended, and whether no other
    begins. Raises StoreError, and BackendError where already the settings that the search
    starts from cannot be trained, or where the machine failed.
    """
    journal = Journal(task.key)
    while True:
        with journal.taken(lambda: _next(task, journal)) as trial:
            tell(journal.trials(), trial is None)
            if trial is None:
                return
            _run(task, journal, trial)


def _next(task: Task, journal: Journal) -> Trial | None:
    """Begin a new trial, if the budget and the space still hold one."""
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
    return journal.begin(drawn) if drawn else None


def _run(task: Task, journal: Journal, trial: Trial) -> None:
    attempts = trial.note("attempts", 0)
    attempt = _TrialAttempt(task, journal, trial)
    if attempts >= ATTEMPTS:
        return attempt.fail(f"{attempts} workers died with it")
    attempt.write(attempts=attempts + 1)
    _say(trial, f"begins: {trial.params}")
    try:
        history, entry = _trained(task, attempt)
    except _Pruned as pruned:
        attempt.give_up(TrialState.PRUNED, str(pruned))
    except (BackendError, ArithmeticError, ValueError, RuntimeError, MemoryError) as error:
        told = f"{type(error).__name__}: {error}"
        if not _is_of_parameters(error):
            raise BackendError(
                f"trial {trial.number} was interrupted: {told}. It stays unfinished, and the next "
                "attempt goes on with it"
            ) from error
        attempt.fail(told)
    else:
        attempt.finish(history, entry)


def _is_of_parameters(error: Exception) -> bool:
    """Whether an error may be the fault of a trial's parameters rather than of the machine.

    After some errors of CUDA every later call in the process raises RuntimeError at once, and
    would fail all trials that are left.
    """
    if isinstance(error, RuntimeError):
        return "out of memory" in str(error)
    return not isinstance(error, MemoryError)


def _trained(task: Task, attempt: _TrialAttempt) -> tuple[list[Figures], str]:
    """The history of the trial's training, and its entry in the store."""
    unfinished = entries.unfinished("runs", attempt.key) / HISTORY
    if unfinished.exists():  # an epoch may have been committed and not noted yet
        for epoch, figures in enumerate(_history(unfinished), 1):
            attempt.note(epoch, figures)
    entry, _ = train_or_adopt(
        framework=task.framework,
        settings=attempt.settings,
        code=task.code,
        inputs=task.inputs,
        view=task.view,
        initial=task.initial,
        threads=task.threads,
        after_epoch=attempt.after_epoch,
    )
    return _history(entry / HISTORY), entry.name


class _TrialAttempt:
    """One attempt at a trial: notes each epoch, ends it where it is hopeless, and says how it
    ended."""

    def __init__(self, task: Task, journal: Journal, trial: Trial) -> None:
        self._task, self._journal, self._trial = task, journal, trial
        self._begun: float = time.monotonic() - trial.note("seconds", 0.0)
        self.settings = task.start | trial.params
        self.key = entry_key(*task.keyed(self.settings))

    @property
    def _seconds(self) -> float:
        """What the trial has taken so far."""
        return round(time.monotonic() - self._begun, 6)

    def write(self, **notes: Any) -> None:
        self._trial = self._journal.write(self._trial, **notes)

    def after_epoch(self, row: dict[str, Any]) -> None:
        if self._trial.note("attempts"):  # only those without a new epoch count
            self.write(attempts=0)
        self.note(row["epoch"], _figures(row))

    def note(self, epoch: int, figures: Figures) -> None:
        """Write an epoch down. Raises _Pruned if the trial is to end with it."""
        self._trial = self._journal.write_epoch(self._trial, epoch, figures, self._seconds)
        if self._task.pruning == "off":
            return
        weights = self._task.weights
        others = [t for t in self._journal.trials() if t.state == "finished"]
        known = [trial.valued(weights) for trial in others]
        values = self._trial.judged(weights)[:epoch]
        if engines.is_hopeless(known, values, self._task.start["epochs"]):
            raise _Pruned(f"below the median after epoch {epoch}")

    def finish(self, history: list[Figures], entry: str) -> None:
        """The trial was trained to its end."""
        values = [fitness.score(figures, self._task.weights) for figures in history]
        if not values or not all(map(math.isfinite, values)):
            self.give_up(TrialState.FAIL, "its fitness is not a number")
        else:
            self.write(seconds=self._seconds)
            self._journal.finish(self._trial, history, max(values), entry)
            _say(self._trial, f"finished: {max(values):.4g}")

    def fail(self, why: str) -> None:
        """The trial cannot be trained. Raises BackendError where it is the first one: once its
        cause is mended, that is tried again."""
        if self._trial.number == 0:
            self.write(attempts=0)
            raise BackendError(f"the settings that the search starts from cannot be trained: {why}")
        self.give_up(TrialState.FAIL, why)

    def give_up(self, state: TrialState, message: str) -> None:
        """The trial was pruned, or failed; what it left unfinished is of no more use."""
        self.write(seconds=self._seconds)
        self._journal.give_up(self._trial, state, message)
        entries.discard("runs", self.key)
        _say(self._trial, f"{STATES[state]}: {message}")


def _history(path: Path) -> list[Figures]:
    with path.open(newline="", encoding="utf-8") as file:
        return [_figures(row) for row in csv.DictReader(file)]


def _figures(row: Mapping[str, Any]) -> Figures:
    """The figures on val of a row, to the six digits of history.csv."""
    names = [name for name in fitness.METRICS.values() if f"val/{name}" in row]
    return {name: float(f"{float(row[f'val/{name}']):.6g}") for name in names}


def _say(trial: Trial, text: str) -> None:
    print(f"trial {trial.number} {text}", file=sys.stderr, flush=True)
