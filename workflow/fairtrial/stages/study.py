"""study: the evaluation of a study's trials by the present fitness."""

from __future__ import annotations

from pathlib import Path

from fairtrial.files.folders import whole_file
from fairtrial.files.modelfile import read_model, write_model
from fairtrial.settings.study import StudyStageSettings


def study(
    *,
    settings: StudyStageSettings,
    workers: list[Path],
    trials: Path,
    best: Path,
    summary: Path,
    timings: Path,
) -> None:
    """Rank the trials of a study, and write the best settings down.

    Trials beyond the budget, from an earlier and larger one, are left out.

    Args:
        settings: JSON of the resolved settings, or @FILE with it
        workers: the files that the workers wrote
        trials: file to write: a row a trial
        best: file to write: the settings of the best trial
        summary: file to write: budget, space, states of trials, importance of parameters
        timings: file to write: seconds of training of each trial

    Raises:
        BackendError: no trial has finished
        StoreError: the store has no trial of the study
    """
    from fairtrial.search import summary as results
    from fairtrial.search.journal import stored_trials, within_budget
    from fairtrial.search.study_files import Timings, WorkerResult

    key = read_model(workers[0], WorkerResult).study
    stored = within_budget(stored_trials(key), settings.trials)
    winner = results.best_trial(stored, settings.fitness, settings.objectives)
    with whole_file(trials) as file:
        parameters, objectives = sorted(settings.space), settings.objectives
        file.write(results.table(stored, parameters, settings.fitness, objectives))
    with whole_file(best) as file:
        file.write(results.best_settings(settings.name, winner, settings))
    write_model(summary, results.summary(settings.name, stored, winner, settings))
    write_model(timings, Timings({str(trial.number): trial.seconds for trial in stored}))
