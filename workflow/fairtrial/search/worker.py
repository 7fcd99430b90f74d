"""One worker of a study: trains trial after trial, until the budget or the space is spent.

Each trial is trained through the store by the function that trains a run. So a trial and a run
with equal settings are one entry, and a trial that was interrupted resumes where it stopped.
"""

from __future__ import annotations

import csv
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from optuna.trial import TrialState

from fairtrial import BackendError
from fairtrial.data.dataset import SplitDataset
from fairtrial.scoring import fitness
from fairtrial.search import engines, pruning
from fairtrial.search.costs import Timing, costs_of, refuse_uncounted
from fairtrial.search.journal import STATES, FirstTrial, Journal, Metrics, MetricWeights, Trial
from fairtrial.search.objectives import directions, valued
from fairtrial.settings.search import COSTS
from fairtrial.settings.study import Params, SearchStageSettings
from fairtrial.store import entries, keys
from fairtrial.training.cached_training import Training, backend_settings, train_or_adopt
from fairtrial.training.checkpoint import HISTORY, WEIGHTS
from fairtrial.training.contract import HistoryRow
from fairtrial.training.inputs import TrainingInputs

MAX_ATTEMPTS = 3  # workers that may die with a trial, without a new epoch, before it has failed


class _Pruned(Exception):
    """Raised in `after_epoch`, and so through the backend's training, to prune a trial."""


@dataclass(frozen=True)
class RunningStudy:
    """A study as its workers see it: its settings, and what each training needs beside them.

    code, inputs, data, pretrained, threads and most_lost are those of `train_or_adopt`.
    """

    settings: SearchStageSettings
    code: str
    inputs: TrainingInputs
    data: Callable[[], SplitDataset]
    pretrained: Path | None
    threads: int
    most_lost: float = 0.0
    first: tuple[FirstTrial, ...] = ()  # trials of another study
    timing: Timing | None = None  # where the time of an image is an objective

    @property
    def key(self) -> str:
        """The name of the study in the store: everything that determines its trials.

        Budget, fitness and objectives are no part of it: with others the same trials are evaluated
        again.
        The pretrained checkpoint counts by its content, which is among `inputs`.
        """
        settings = self.settings
        start = settings.start | {"pretrained": None, "fitness": None}
        space = {name: spec.model_dump(mode="json") for name, spec in settings.space.items()}
        sampling = [space, settings.engine, settings.seed, settings.pruning]
        first = [[trial.entry for trial in self.first]] if self.first else []
        return keys.key([settings.backend, start, sampling, self.code, asdict(self.inputs), *first])

    def is_spent(self, trials: Sequence[Trial]) -> bool:
        """Whether the budget allows no trial beside these."""
        if self.settings.trials is not None:
            return sum(not trial.is_first for trial in trials) >= self.settings.trials
        seconds = sum(trial.seconds for trial in trials)
        return self.settings.hours is not None and seconds >= self.settings.hours * 3600

    def training(self, params: Params, weights: MetricWeights | Literal["own"] = "own") -> Training:
        """The training of a trial, whose best epoch other metric `weights` may pick."""
        values = self.settings.start | params
        if weights != "own":
            values |= {"fitness": weights}
        return Training(
            backend=self.settings.backend,
            settings=backend_settings(self.settings.backend, values),
            code=self.code,
            inputs=self.inputs,
            data=self.data,
            pretrained=self.pretrained,
            threads=self.threads,
            most_lost=self.most_lost,
        )

    @property
    def metric_weights(self) -> MetricWeights:
        """The metric weights of the fitness by which trials are ranked."""
        weights: MetricWeights = self.settings.start["fitness"]
        return weights


def work(
    study: RunningStudy,
    report: Callable[[Sequence[Trial], bool], None] = lambda trials, is_last: None,
) -> None:
    """Train trials until the budget or the space is spent.

    `report` is called whenever a trial has begun or ended, with all trials and whether no further
    one begins. Raises StoreError, and BackendError where the first trial, which has the settings
    that the search starts from, cannot be trained, or where the machine failed.
    """
    journal = Journal(study.key)
    while True:
        with journal.next_trial(lambda: _begin(study, journal)) as trial:
            report(journal.trials(), trial is None)
            if trial is None:
                return
            _run(study, journal, trial)


def _begin(study: RunningStudy, journal: Journal) -> Trial | None:
    """Begin a new trial; None where the budget or the space is spent."""
    settings = study.settings
    for first in study.first[len(journal.trials()) :]:
        _take(first, study, journal)
    _measure(study, journal)
    trials = journal.trials()
    if study.is_spent(trials):
        return None
    drawn = engines.draw(
        settings.engine,
        settings.seed,
        [valued(trial, study.metric_weights, settings.objectives) for trial in trials],
        settings.space,
        {name: settings.start[name] for name in settings.space},
        directions(settings.objectives),
    )
    return journal.begin(drawn) if drawn else None


def _measure(study: RunningStudy, journal: Journal) -> None:
    """Note the costs that are objectives, of the finished trials of which they are not known. One
    whose entry was removed from the store keeps none."""
    objectives = study.settings.objectives
    if not set(objectives) & set(COSTS):
        return
    for trial in journal.trials():
        entry = entries.root() / "runs" / trial.entry
        is_known = trial.costs is not None and trial.costs.covers(objectives)
        if trial.state == "finished" and not is_known and entry.is_dir():
            costs = costs_of(entry, entry / WEIGHTS, study.timing)
            refuse_uncounted(costs, objectives)
            journal.write_costs(trial, costs)


def _take(first: FirstTrial, study: RunningStudy, journal: Journal) -> None:
    """Add a finished trial of another study."""
    settings = study.settings
    trial = journal.begin(engines.given(settings.engine, first.params, settings.space))
    values = [fitness.score(metrics, study.metric_weights) for metrics in first.history]
    journal.write(trial, first=True)
    journal.finish(trial, first.history, max(values), first.entry, first.fitness)


def _run(study: RunningStudy, journal: Journal, trial: Trial) -> None:
    """Train a trial and mark it as finished, pruned or failed."""
    attempt = _TrialAttempt(study, journal, trial)
    if trial.attempts >= MAX_ATTEMPTS:
        return attempt.fail(f"{trial.attempts} workers died with it")
    attempt.write(attempts=trial.attempts + 1)
    _log(trial, f"begins: {trial.params}")
    try:
        history, entry = _trained(study, attempt)
    except _Pruned as pruned:
        attempt.give_up(TrialState.PRUNED, str(pruned))
    except (BackendError, ArithmeticError, ValueError, RuntimeError, MemoryError) as error:
        message = f"{type(error).__name__}: {error}"
        if not _is_due_to_parameters(error):
            raise BackendError(
                f"trial {trial.number} was interrupted: {message}. It stays unfinished, and the "
                "next worker resumes it"
            ) from error
        attempt.fail(message)
    else:
        attempt.finish(history, entry)


def _is_due_to_parameters(error: Exception) -> bool:
    """Whether an error may be due to a trial's parameters rather than to the machine.

    After some errors of CUDA every later call in the process raises RuntimeError at once, and
    would fail all trials that are left.
    """
    if isinstance(error, RuntimeError):
        return "out of memory" in str(error)
    return not isinstance(error, MemoryError)


def _trained(study: RunningStudy, attempt: _TrialAttempt) -> tuple[list[Metrics], str]:
    """Train a trial; returns its metrics by epoch and the name of its entry in the store."""
    unfinished = entries.unfinished("runs", attempt.training.key) / HISTORY
    if unfinished.exists():  # an epoch may have been committed and not noted yet
        for epoch, metrics in enumerate(_history(unfinished), 1):
            attempt.note(epoch, metrics)
    entry, _ = train_or_adopt(attempt.training, attempt.after_epoch)
    return _history(entry / HISTORY), entry.name


class _TrialAttempt:
    """One attempt at a trial: notes each epoch, prunes the trial, and notes how it ended."""

    def __init__(self, study: RunningStudy, journal: Journal, trial: Trial) -> None:
        self._study, self._journal, self._trial = study, journal, trial
        self._start: float = time.monotonic() - trial.seconds
        self.training = study.training(trial.params)

    @property
    def _seconds(self) -> float:
        """How long the trial has been trained, over all attempts."""
        return round(time.monotonic() - self._start, 6)

    def write(self, **notes: object) -> None:
        self._trial = self._journal.write(self._trial, **notes)

    def after_epoch(self, row: HistoryRow) -> None:
        is_new = int(row["epoch"]) > len(self._trial.epochs)
        if self._trial.attempts and is_new:  # only those without a new epoch count
            self.write(attempts=0)
        self.note(int(row["epoch"]), _metrics(row))

    def note(self, epoch: int, metrics: Metrics) -> None:
        """Write an epoch down. Raises _Pruned if the trial is to end with it."""
        self._trial = self._journal.write_epoch(self._trial, epoch, metrics, self._seconds)
        settings, weights = self._study.settings, self._study.metric_weights
        if settings.pruning == "off":
            return
        number = self._trial.number
        judged = pruning.JudgedTrial(
            number=number,
            so_far=self._trial.fitness_by_epoch(weights)[:epoch],
            epochs=settings.start["epochs"],
            others=[t.with_values(weights) for t in self._journal.trials() if t.number != number],
        )
        if why := pruning.reason(settings.pruning, judged):
            raise _Pruned(why)

    def finish(self, history: list[Metrics], entry: str) -> None:
        """Mark the trial, which was trained to its end, as finished; failed if no fitness is
        finite."""
        values = [fitness.score(metrics, self._study.metric_weights) for metrics in history]
        if not values or not all(map(math.isfinite, values)):
            self.give_up(TrialState.FAIL, "its fitness is NaN or infinite")
        else:
            self.write(seconds=self._seconds)
            weights = self._study.metric_weights
            self._journal.finish(self._trial, history, max(values), entry, weights)
            _log(self._trial, f"finished: {max(values):.4g}")

    def fail(self, message: str) -> None:
        """Mark the trial as failed. Raises BackendError instead where it is the first one, which
        is then tried again by the next worker."""
        if self._trial.number == 0:
            self.write(attempts=0)
            raise BackendError(
                f"the settings that the search starts from cannot be trained: {message}"
            )
        self.give_up(TrialState.FAIL, message)

    def give_up(self, state: TrialState, message: str) -> None:
        """Mark the trial as pruned or failed, and remove its unfinished entry from the store."""
        self.write(seconds=self._seconds)
        self._journal.give_up(self._trial, state, message)
        entries.discard("runs", self.training.key)
        _log(self._trial, f"{STATES[state]}: {message}")


def _history(path: Path) -> list[Metrics]:
    with path.open(newline="", encoding="utf-8") as file:
        return [_metrics(row) for row in csv.DictReader(file)]


def _metrics(row: Mapping[str, float] | Mapping[str, str]) -> Metrics:
    """The metrics on val of a row, to the six digits of history.csv."""
    names = [name for name in fitness.METRICS.values() if f"val/{name}" in row]
    return {name: float(f"{float(row[f'val/{name}']):.6g}") for name in names}


def _log(trial: Trial, text: str) -> None:
    print(f"trial {trial.number} {text}", file=sys.stderr, flush=True)
