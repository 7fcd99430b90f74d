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
    """Write a table of the trials, the best settings, and those that runs ask for by number.

    settings: `space`, `engine`, `seed`, `trials` or `hours`, `fitness` (weights), `dataset`,
    and `chosen` (numbers). Trials beyond the budget, of an earlier and larger one, are left
    out. `workers`: the files that the workers wrote. What depends on the clock goes to
    `timings` alone. Raises BackendError where no trial was finished, SettingsError where a
    trial that is asked for is not there, and StoreError where none is.
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
