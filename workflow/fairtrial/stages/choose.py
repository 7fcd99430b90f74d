"""choose: what others that refer to an experiment begin with."""

from __future__ import annotations

from pathlib import Path

from fairtrial import SettingsError
from fairtrial.files.checksums import sha256
from fairtrial.files.modelfile import read_model, write_model
from fairtrial.settings.choice import (
    LEAK,
    NOT_CARRIED,
    ChoiceVerdict,
    ChosenSettings,
    ChosenWeights,
    TrainedWeights,
)
from fairtrial.settings.run_name import RunName
from fairtrial.settings.study import ChooseSettings, StudyChoiceSettings
from fairtrial.training.record import read_record


def choose(
    *,
    settings: ChooseSettings,
    results: Path,
    data: Path,
    scores: list[Path],
    records: list[Path],
    trained: list[Path],
    workers: list[Path],
    start: Path,
    weights: Path,
    verdict: Path,
) -> None:
    """Choose the configuration or trial with whose settings others begin.

    Of several configurations it is the best on val, by the mean over seeds or folds.

    Args:
        settings: JSON of the resolved settings, or @FILE with it
        results: results/<experiment>
        data: the folder data/
        scores: metrics and resamples of the runs among which is chosen; nothing for a single one
        records: record.json of each of these runs; nothing for a study
        trained: weights.pt of each of these runs; nothing for a study
        workers: the files that the workers of a study wrote; nothing for runs
        start: file to write: the settings that others carry on
        weights: file to write: the weights with which others may begin
        verdict: file to write: how sure the choice is

    Raises:
        BackendError: no trial has finished
        DataError: a run lacks one of its files, or none is the best
        SettingsError: a trial was named that does not exist
        StoreError: the store has no trial of the study
    """
    if settings.study:
        chosen, how = _trial(settings, settings.study, workers[0])
    elif scores:
        chosen, how = _best(settings, results, data)
    else:
        chosen, how = _of_record(settings, settings.name, records[0]), _alone(records[0])
    write_model(start, chosen)
    write_model(weights, _weights(chosen, trained))
    write_model(verdict, how)


def _weights(chosen: ChosenSettings, trained: list[Path]) -> ChosenWeights:
    """The weights of the runs of a configuration, in the order of the experiment."""
    found = []
    for path in trained:
        record = read_record(path.parent / "record.json")
        if chosen.name in {record.run, RunName.parse(record.run).configuration}:
            weights = TrainedWeights(
                run=record.run, dataset=record.dataset, seed=record.seed, sha256=sha256(path)
            )
            found.append(weights)
    return ChosenWeights(experiment=chosen.experiment, runs=found)


def _alone(record: Path) -> ChoiceVerdict:
    """Where there was nothing to choose from."""
    leaks = bool(read_record(record).settings.get(LEAK))
    return ChoiceVerdict(by="", value=None, runner_up="", told=None, learned_from_val=leaks)


def _of_record(settings: ChooseSettings, name: str, record: Path) -> ChosenSettings:
    """The settings of a configuration, from the record of one of its runs."""
    recorded = read_record(record)
    return ChosenSettings(
        experiment=settings.experiment,
        name=name,
        trial=None,
        backend=recorded.backend,
        settings={k: v for k, v in recorded.settings.items() if k not in NOT_CARRIED},
    )


def _best(
    settings: ChooseSettings, results: Path, data: Path
) -> tuple[ChosenSettings, ChoiceVerdict]:
    """The best configuration on val."""
    from fairtrial.results.best_on_val import best_on_val
    from fairtrial.results.experiment import load_experiment
    from fairtrial.results.leaks import leaking

    experiment = load_experiment(results, data, settings.runs, settings.rank_by)
    found = best_on_val(experiment)
    best, next_one = found.configuration, found.runner_up
    how = ChoiceVerdict(
        by=found.metric,
        value=float(f"{found.value:.6g}"),
        runner_up=next_one.name if next_one else "",
        told=found.told,
        learned_from_val=best in leaking(experiment.configurations),
    )
    return _of_record(settings, best.name, best.first.folder / "record.json"), how


def _trial(
    settings: ChooseSettings, study: StudyChoiceSettings, worker: Path
) -> tuple[ChosenSettings, ChoiceVerdict]:
    """A trial of a study."""
    from fairtrial.search import summary
    from fairtrial.search.journal import stored_trials, within_budget
    from fairtrial.search.study_files import WorkerResult

    stored = within_budget(stored_trials(read_model(worker, WorkerResult).study), study.trials)
    if isinstance(study.best, int) and study.best >= len(stored):
        raise SettingsError(
            f"best: {study.best}: the search {settings.name} has {len(stored)} trials, 0 to "
            f"{len(stored) - 1}"
        )
    trial = summary.chosen_trial(stored, study)
    chosen = ChosenSettings(
        experiment=settings.experiment,
        name=settings.name,
        trial=trial.number,
        backend=study.backend,
        settings=study.start | trial.params,
    )
    by, value = summary.choice_text(trial, study)
    leaks = bool(study.start.get(LEAK))
    return chosen, ChoiceVerdict(
        by=by, value=value, runner_up="", told=None, learned_from_val=leaks
    )
