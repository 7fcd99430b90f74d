"""A study in the store: Optuna's journal, and locks that say which trials are being trained.

    store/searches/<key>/journal.log     Optuna's format
    store/searches/<key>/ask.lock        held while a worker chooses its next trial
    store/searches/<key>/trial-3.lock    held by the worker that trains trial 3

An unfinished trial whose lock nobody holds was left by a worker that died: the next worker resumes
it. The value of a trial is computed from the metrics of its epochs, never read from the journal,
since the fitness may have changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, TrialState, create_trial

from fairtrial import StoreError
from fairtrial.scoring import fitness
from fairtrial.search import engines
from fairtrial.search.costs import Costs
from fairtrial.settings.study import Params
from fairtrial.store import entries, locks

Metrics = dict[str, float]  # of one epoch, on val: precision, recall, f1, AP50, AP …
MetricWeights = Mapping[str, float] | None  # of the fitness
FILE = "journal.log"
COSTS_OF = "costs:"  # before a trial's number: the study's note of what its model costs
STATES = {
    TrialState.COMPLETE: "finished",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "unfinished",
}


@dataclass(frozen=True)
class FirstTrial:
    """A finished trial of another study: its parameters, its metrics by epoch, the name of its
    entry in the store, and the metric weights under which it was trained."""

    params: Params
    history: tuple[Metrics, ...]
    entry: str
    fitness: MetricWeights = None


@dataclass(frozen=True)
class Trial:
    """One trial as the journal has it."""

    frozen: FrozenTrial
    costs: Costs | None = None  # of its model, where they are objectives and were measured

    @property
    def number(self) -> int:
        return self.frozen.number

    @property
    def state(self) -> str:
        """finished, pruned, failed or unfinished."""
        return STATES[self.frozen.state]

    @property
    def params(self) -> Params:
        return self.frozen.params

    @property
    def epochs(self) -> list[Metrics]:
        """The metrics of each epoch: from the finished entry's history, or as noted so far."""
        notes = self.frozen.user_attrs
        if "history" in notes:
            return list(notes["history"])
        numbers = sorted(int(name[6:]) for name in notes if name.startswith("epoch:"))
        return [notes[f"epoch:{number}"] for number in numbers]

    @property
    def seconds(self) -> float:
        """Training time over all attempts, in seconds."""
        return float(self.frozen.user_attrs.get("seconds", 0.0))

    @property
    def attempts(self) -> int:
        """Attempts since the last one that finished an epoch."""
        return int(self.frozen.user_attrs.get("attempts", 0))

    @property
    def message(self) -> str:
        """Why it was pruned or failed; empty for other trials."""
        return str(self.frozen.user_attrs.get("message", ""))

    @property
    def entry(self) -> str:
        """The name of its entry in the store; empty unless it is finished."""
        return str(self.frozen.user_attrs.get("entry", ""))

    def trained_under(self, otherwise: MetricWeights) -> MetricWeights:
        """The metric weights that picked its best epoch when it was trained; `otherwise` where a
        journal of an older release does not say."""
        weights: MetricWeights = self.frozen.user_attrs.get("fitness", otherwise)
        return weights

    @property
    def is_first(self) -> bool:
        """Whether it was taken from another study."""
        return bool(self.frozen.user_attrs.get("first", False))

    def fitness_by_epoch(self, weights: MetricWeights) -> list[float]:
        """The fitness after each epoch."""
        return [fitness.score(metrics, weights) for metrics in self.epochs]

    def with_values(self, weights: MetricWeights) -> FrozenTrial:
        """A copy for an engine, with the values of this fitness. The value of a finished trial is
        the fitness of its best epoch, whose weights a run would keep."""
        values = self.fitness_by_epoch(weights)
        return create_trial(
            state=self.frozen.state,
            value=max(values) if self.frozen.state == TrialState.COMPLETE else None,
            params=self.params,
            distributions=self.frozen.distributions,
            system_attrs=self.frozen.system_attrs,
            intermediate_values=dict(enumerate(values, 1)),
        )


class Journal:
    """The journal of one study, created where it does not exist; `key` names the study."""

    def __init__(self, key: str) -> None:
        engines.silence_optuna()
        self.folder = entries.root() / "searches" / key
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._ask_lock():
            file = self.folder / FILE
            # Not Optuna's default, a lock by symbolic link: a relative link that a killed worker
            # has left is never recognised as stale.
            lock = JournalFileOpenLock(str(file))
            _cut_unfinished_line(file, lock)
            self._storage = JournalStorage(JournalFileBackend(str(file), lock))
            self._study = optuna.create_study(
                storage=self._storage,
                sampler=optuna.samplers.RandomSampler(),  # draws nothing: engines.draw does
                study_name=key,
                direction="maximize",
                load_if_exists=True,
            )

    def trials(self) -> list[Trial]:
        """All trials by number, those of other workers among them."""
        costs = {
            int(name.removeprefix(COSTS_OF)): Costs.model_validate(content)
            for name, content in self._study.user_attrs.items()
        }
        return [
            Trial(frozen, costs.get(frozen.number))
            for frozen in self._study.get_trials(deepcopy=False)
        ]

    @contextmanager
    def next_trial(self, begin: Callable[[], Trial | None]) -> Iterator[Trial | None]:
        """A trial to train, with its lock held: one that a dead worker left unfinished, or else the
        one that `begin` returns; None where `begin` returns None."""
        with ExitStack() as stack:
            with self._ask_lock():
                trial = self._abandoned() or begin()
                if trial is not None:
                    stack.enter_context(locks.acquired(self._lock(trial), lambda: False))
            yield trial

    def _ask_lock(self) -> AbstractContextManager[bool]:
        return locks.acquired(self.folder / "ask.lock", lambda: False)

    def _lock(self, trial: Trial) -> Path:
        return self.folder / f"trial-{trial.number}.lock"

    def _abandoned(self) -> Trial | None:
        """The first unfinished trial whose lock nobody holds."""
        for trial in self.trials():
            lock = self._lock(trial)
            if trial.state == "unfinished" and not (lock.exists() and not locks.is_stale(lock)):
                return trial
        return None

    def begin(self, drawn: FrozenTrial) -> Trial:
        """Add a new trial. To be called only within the `begin` of `next_trial`."""
        new = create_trial(
            state=TrialState.RUNNING,
            params=drawn.params,
            distributions=drawn.distributions,
            system_attrs=drawn.system_attrs,
        )
        self._study.add_trial(new)
        return self.trials()[-1]

    def write(self, trial: Trial, **notes: object) -> Trial:
        """Note `seconds`, `attempts` … of an unfinished trial; returns the trial with them."""
        for name, value in notes.items():
            self._storage.set_trial_user_attr(trial.frozen._trial_id, name, value)
        return self.trials()[trial.number]

    def write_epoch(self, trial: Trial, epoch: int, metrics: Metrics, seconds: float) -> Trial:
        """Note an epoch's metrics, and how long the trial has taken so far."""
        return self.write(trial, **{f"epoch:{epoch}": metrics, "seconds": seconds})

    def finish(
        self,
        trial: Trial,
        history: Sequence[Metrics],
        value: float,
        entry: str,
        trained_under: MetricWeights,
    ) -> None:
        """Mark a trial as finished, with the `history` of its `entry` in the store."""
        weights = trained_under and dict(trained_under)
        self.write(trial, history=list(history), entry=entry, fitness=weights)
        self._study.tell(trial.number, value)

    def write_costs(self, trial: Trial, costs: Costs) -> None:
        """Note what the model of a finished trial costs: beside it, for Optuna has closed it."""
        self._study.set_user_attr(f"{COSTS_OF}{trial.number}", costs.model_dump(mode="json"))

    def give_up(self, trial: Trial, state: TrialState, message: str) -> None:
        """Mark a trial as pruned or failed."""
        self.write(trial, message=message)
        self._study.tell(trial.number, state=state)


def within_budget(trials: Sequence[Trial], budget: int | None) -> list[Trial]:
    """The trials of a study without those beyond its budget, in which those from another study do
    not count."""
    if budget is None:
        return [*trials]
    return [*trials[: budget + sum(trial.is_first for trial in trials)]]


def stored_trials(key: str) -> list[Trial]:
    """All trials of a study. Raises StoreError where the store has none."""
    file = entries.root() / "searches" / key / FILE
    trials = Journal(key).trials() if file.exists() else []
    if not trials:
        raise StoreError(
            f"{file}: the trials of this search are not in this store: they were removed, or "
            "trained on another machine. `snakemake --forcerun search` trains them again"
        )
    return trials


def _cut_unfinished_line(file: Path, lock: JournalFileOpenLock) -> None:
    """Cut off a last line that a killed worker left unfinished: Optuna would refuse the file.

    `lock` is Optuna's own: without it, another worker might be writing that line at this moment.
    """
    if not file.exists():
        return
    lock.acquire()
    try:
        content = file.read_bytes()
        complete = content.rfind(b"\n") + 1  # bytes
        if complete < len(content):
            with file.open("r+b") as journal:
                journal.truncate(complete)
    finally:
        lock.release()
