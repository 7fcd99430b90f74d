"""A study on disk: Optuna's journal, and locks that say who works on which trial.

    store/searches/<key>/journal.log     Optuna's; any of its tools can read it
    store/searches/<key>/ask.lock        who is being given a trial
    store/searches/<key>/trial-3.lock    who works on trial 3

A trial that is begun and whose lock nobody holds was left by a worker that died: the next
worker goes on with it. Values are never taken from the journal but computed from its figures,
since the fitness may have changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, TrialState, create_trial

from fairtrial import StoreError
from fairtrial.scoring import fitness
from fairtrial.search import engines
from fairtrial.store import entries, locks

Figures = dict[str, float]  # of one epoch, on val: precision, recall, f1, AP50, AP
FILE = "journal.log"
STATES = {
    TrialState.COMPLETE: "finished",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "unfinished",
}


@dataclass(frozen=True)
class Trial:
    """One trial as it is on disk."""

    frozen: FrozenTrial

    @property
    def number(self) -> int:
        return self.frozen.number

    @property
    def state(self) -> str:
        """finished, pruned, failed or unfinished."""
        return STATES[self.frozen.state]

    @property
    def params(self) -> dict[str, Any]:
        return self.frozen.params

    @property
    def epochs(self) -> list[Figures]:
        """The figures of each epoch: of the entry's history, or what was noted on the way."""
        noted = self.frozen.user_attrs
        if "history" in noted:
            return list(noted["history"])
        numbers = sorted(int(name[6:]) for name in noted if name.startswith("epoch:"))
        return [noted[f"epoch:{number}"] for number in numbers]

    def note(self, name: str, otherwise: Any = None) -> Any:
        """What a worker noted: `seconds`, `attempts`, `entry`, `message`."""
        return self.frozen.user_attrs.get(name, otherwise)

    def judged(self, weights: Mapping[str, float] | None) -> list[float]:
        """The fitness after each epoch."""
        return [fitness.score(figures, weights) for figures in self.epochs]

    def valued(self, weights: Mapping[str, float] | None) -> FrozenTrial:
        """A copy for an engine, with the values of this fitness. The value is that of the best
        epoch, whose weights a run keeps."""
        values = self.judged(weights)
        return create_trial(
            state=self.frozen.state,
            value=max(values) if self.frozen.state == TrialState.COMPLETE else None,
            params=self.params,
            distributions=self.frozen.distributions,
            system_attrs=self.frozen.system_attrs,
            intermediate_values=dict(enumerate(values, 1)),
        )


class Journal:
    """The journal of one study; `key` is everything that determines its trials."""

    def __init__(self, key: str) -> None:
        engines.quiet()
        self.folder = entries.root() / "searches" / key
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._alone():
            file = self.folder / FILE
            # not Optuna's default, a link: where a relative one is left behind, all wait for ever
            lock = JournalFileOpenLock(str(file))
            _mend(file, lock)
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
        return [Trial(frozen) for frozen in self._study.get_trials(deepcopy=False)]

    @contextmanager
    def taken(self, ask: Callable[[], Trial | None]) -> Iterator[Trial | None]:
        """Hold a trial to work on: one that was left, or else the one that `ask` begins; None
        where that begins none."""
        with ExitStack() as stack:
            with self._alone():
                trial = self._left() or ask()
                if trial is not None:
                    stack.enter_context(locks.held(self._lock(trial), lambda: False))
            yield trial

    def _alone(self) -> Any:
        return locks.held(self.folder / "ask.lock", lambda: False)

    def _lock(self, trial: Trial) -> Path:
        return self.folder / f"trial-{trial.number}.lock"

    def _left(self) -> Trial | None:
        for trial in self.trials():
            lock = self._lock(trial)
            if trial.state == "unfinished" and not (lock.exists() and not locks.is_stale(lock)):
                return trial
        return None

    def begin(self, drawn: FrozenTrial) -> Trial:
        """Write down a new trial. Only to be called while a trial is being asked for."""
        new = create_trial(
            state=TrialState.RUNNING,
            params=drawn.params,
            distributions=drawn.distributions,
            system_attrs=drawn.system_attrs,
        )
        self._study.add_trial(new)
        return self.trials()[-1]

    def write(self, trial: Trial, **notes: Any) -> Trial:
        """Note something about a trial that is unfinished."""
        for name, value in notes.items():
            self._storage.set_trial_user_attr(trial.frozen._trial_id, name, value)
        return self.trials()[trial.number]

    def write_epoch(self, trial: Trial, epoch: int, figures: Figures, seconds: float) -> Trial:
        """Note an epoch's figures, and how long the trial has taken so far."""
        return self.write(trial, **{f"epoch:{epoch}": figures, "seconds": seconds})

    def finish(self, trial: Trial, history: Sequence[Figures], value: float, entry: str) -> None:
        """The trial was trained to its end: `history` of its `entry` in the store."""
        self.write(trial, history=list(history), entry=entry)
        self._study.tell(trial.number, value)

    def give_up(self, trial: Trial, state: TrialState, message: str) -> None:
        """The trial was pruned, or failed."""
        self.write(trial, message=message)
        self._study.tell(trial.number, state=state)


def kept(key: str) -> list[Trial]:
    """All trials of a study that workers have made. Raises StoreError where it is not here."""
    file = entries.root() / "searches" / key / FILE
    trials = Journal(key).trials() if file.exists() else []
    if not trials:
        raise StoreError(
            f"{file}: the trials of this search are not in this store: they were removed, or "
            "made elsewhere. `snakemake --forcerun search` makes them again"
        )
    return trials


def _mend(file: Path, lock: JournalFileOpenLock) -> None:
    """Cut off a last line that a dying worker left unfinished: Optuna would refuse the file.

    `lock`: Optuna's own, or the line might be one that another worker is just writing.
    """
    if not file.exists():
        return
    lock.acquire()
    try:
        content = file.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            with file.open("r+b") as opened:
                opened.truncate(whole)
    finally:
        lock.release()
