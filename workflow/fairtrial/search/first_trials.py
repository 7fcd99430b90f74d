"""Trials of another study with which a study begins, without training them again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fairtrial import BackendError
from fairtrial.files.modelfile import read_model
from fairtrial.search.journal import FirstTrial, Trial, stored_trials
from fairtrial.search.study_files import WorkerResult
from fairtrial.search.worker import RunningStudy
from fairtrial.settings.study import Params
from fairtrial.training.checkpoint import finished


def first_trials(study: RunningStudy, workers: Sequence[Path]) -> tuple[FirstTrial, ...]:
    """The finished trials of the study of these workers that are trials of `study` too: its data,
    code and settings would train each to the same epochs. Their fitness may have been another one.
    Raises StoreError where the store has no trial of that study."""
    if not workers:
        return ()
    found: dict[str, FirstTrial] = {}  # by entry, each once
    for trial in stored_trials(read_model(workers[0], WorkerResult).study):
        params = _params(study, trial)
        if params is not None:
            weights = trial.trained_under(study.metric_weights)
            first = FirstTrial(params, tuple(trial.epochs), trial.entry, weights)
            found.setdefault(trial.entry, first)
    return tuple(found.values())


def _params(study: RunningStudy, trial: Trial) -> Params | None:
    """The parameters of a trial in the space of `study`; None where it is no trial of it."""
    settings = study.settings
    params = {name: trial.params.get(name, settings.start[name]) for name in settings.space}
    if trial.state != "finished" or not all(
        spec.contains(params[name]) for name, spec in settings.space.items()
    ):
        return None
    weights = trial.trained_under(study.metric_weights)
    try:
        is_own = study.training(params, weights).key == trial.entry
    except BackendError:  # values that its settings refuse
        return None
    return params if is_own and _would_stop_there(study, trial) else None


def _would_stop_there(study: RunningStudy, trial: Trial) -> bool:
    """Whether the training would have ended after the same epoch by the fitness of `study`."""
    epochs, patience = study.settings.start["epochs"], study.settings.start.get("patience", 0)
    values = trial.fitness_by_epoch(study.metric_weights)
    rows = [{"val/fitness": value} for value in values]
    ends = [finished(rows[:count], epochs, patience) for count in range(1, len(rows) + 1)]
    return ends.index(True) + 1 == len(rows) if True in ends else False
