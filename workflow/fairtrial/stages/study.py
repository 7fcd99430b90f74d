"""study: what the trials of a search showed, by the present fitness."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fairtrial.files.folders import whole_file
from fairtrial.files.jsonfile import read_json, write_json


def study(
    *,
    settings: dict[str, Any],
    workers: list[Path],
    trials: Path,
    best: Path,
    summary: Path,
    timings: Path,
    choices: Path,
) -> None:
    """Rank the trials of a study, and choose the best settings.

    Trials beyond the budget, which an earlier and larger one has left, do not count.

    Args:
        settings: JSON of the resolved settings, or @FILE with it
        workers: the files that the workers wrote
        trials: file to write: a row a trial
        best: file to write: the settings of the best trial
        summary: file to write: what the study's trials showed
        timings: file to write: what depends on the clock
        choices: folder to write: the settings of each trial that a run asks for, by number

    Raises:
        BackendError: no trial has finished
        SettingsError: a run asks for a trial that does not exist
        StoreError: the store has no trial of the study
    """
    from fairtrial.search import summary as made
    from fairtrial.search.journal import kept

    found = kept(read_json(workers[0])["study"])[: settings["trials"]]
    winner = made.best(found, settings["fitness"])
    name = trials.parent.name
    choices.mkdir(parents=True, exist_ok=True)
    for label, trial in made.chosen(found, winner, settings["chosen"]).items():
        content = {"study": name, "trial": trial.number, "values": trial.params}
        write_json(choices / label, content)
    with whole_file(trials) as file:
        file.write(made.table(found, settings))
    with whole_file(best) as file:
        file.write(made.to_copy(name, winner, settings))
    write_json(summary, {"study": name} | made.summary(found, winner, settings))
    write_json(timings, {str(trial.number): trial.note("seconds", 0.0) for trial in found})
