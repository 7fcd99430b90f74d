"""Trials of another study with which a study begins, without training them again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fairtrial import BackendError
from fairtrial.files.modelfile import read_model
from fairtrial.search.journal import FirstTrial, Trial, stored_trials
from fairtrial.search.study_files import WorkerResult
from fairtrial.search.worker import RunningStudy
from fairtrial.settings.stages import Params


def first_trials(study: RunningStudy, workers: Sequence[Path]) -> tuple[FirstTrial, ...]:
    """The finished trials of the study of these workers that are trials of `study` too: its data,
    code and settings would train each to the same entry of the store. Raises StoreError where the
    store has no trial of that study."""
    if not workers:
        return ()
    found: dict[str, FirstTrial] = {}  # by entry, each once
    for trial in stored_trials(read_model(workers[0], WorkerResult).study):
        params = _params(study, trial)
        if params is not None:
            found.setdefault(trial.entry, FirstTrial(params, tuple(trial.epochs), trial.entry))
    return tuple(found.values())


def _params(study: RunningStudy, trial: Trial) -> Params | None:
    """The parameters of a trial in the space of `study`; None where it is no trial of it."""
    settings = study.settings
    params = {name: trial.params.get(name, settings.start[name]) for name in settings.space}
    if trial.state != "finished" or not all(
        spec.contains(params[name]) for name, spec in settings.space.items()
    ):
        return None
    try:
        return params if study.training(params).key == trial.entry else None
    except BackendError:  # values that its settings refuse
        return None
