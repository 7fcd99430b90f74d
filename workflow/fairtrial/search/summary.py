"""What the trials of a study showed: the best one, a table, importance, settings to copy."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from fairtrial import BackendError, SettingsError
from fairtrial.scoring import fitness
from fairtrial.search import engines
from fairtrial.search.journal import STATES, Trial

Weights = Mapping[str, float] | None


def best(trials: Sequence[Trial], weights: Weights) -> Trial:
    """The finished trial with the highest fitness; the first of several."""
    finished = [trial for trial in trials if trial.state == "finished"]
    if not finished:
        raise BackendError("no trial was finished, so that there is no best one")
    return max(finished, key=lambda trial: (max(trial.judged(weights)), -trial.number))


def chosen(trials: Sequence[Trial], winner: Trial, numbers: Sequence[int]) -> dict[str, Trial]:
    """The trials that runs are made from, by the name of their file."""
    for number in numbers:
        if number >= len(trials):
            raise SettingsError(
                f"from_search: {number}: the search has {len(trials)} trials, 0 to "
                f"{len(trials) - 1}"
            )
    return {"best.json": winner} | {f"{number}.json": trials[number] for number in numbers}


def table(trials: Sequence[Trial], settings: dict[str, Any]) -> str:
    """A line a trial, in CSV: how it ended, its figures at its best epoch (empty before its
    first), its parameters."""
    known = fitness.TASK_KEYS[_task(trials)]
    figures = [fitness.METRICS[name] for name in known]
    first = ["trial", "state", "fitness", "epochs", "best_epoch", *figures]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*first, *sorted(settings["space"]), "message"])
    for trial in trials:
        row = _judged(trial, settings["fitness"])
        params = [_cell(trial.params[name]) for name in sorted(settings["space"])]
        told = [row.get(name, "") for name in first[2:]]
        message = " ".join(trial.note("message", "").split())
        writer.writerow([trial.number, trial.state, *told, *params, message])
    return text.getvalue()


def _task(trials: Sequence[Trial]) -> str:
    """By the figures of their epochs; of boxes where no trial has finished one."""
    found = any("accuracy" in epoch for trial in trials for epoch in trial.epochs)
    return "classify" if found else "detect"


def _judged(trial: Trial, weights: Weights) -> dict[str, Any]:
    values = trial.judged(weights)
    if not values:
        return {"epochs": 0}
    epoch = values.index(max(values))
    row = {"fitness": float(f"{values[epoch]:.6g}"), "epochs": len(values)}
    return row | {"best_epoch": epoch + 1} | trial.epochs[epoch]


def _cell(value: Any) -> str:
    """A parameter: numbers and texts as they are, true, false and null as YAML has them."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return str(value)


def to_copy(name: str, winner: Trial, settings: dict[str, Any]) -> str:
    """The winning settings as YAML."""
    row = _judged(winner, settings["fitness"])
    rule = fitness.formula(settings["fitness"], _task([winner]))
    head = f"# Trial {winner.number} of {name}: {rule} = {row['fitness']:.4g} on val of "
    lines = [f"{key}: {json.dumps(winner.params[key])}" for key in sorted(winner.params)]
    return "\n".join([f"{head}{settings['dataset']}", *lines, ""])


def summary(trials: Sequence[Trial], winner: Trial, settings: dict[str, Any]) -> dict[str, Any]:
    """What a report tells beside the table; nothing of the clock."""
    weights = settings["fitness"]
    states = Counter(trial.state for trial in trials)
    asked = {key: settings[key] for key in ("engine", "seed", "trials", "hours", "space")}
    return asked | {
        "dataset": settings["dataset"],
        "fitness": fitness.formula(weights, _task([winner])),
        "best": winner.number,
        "states": {state: states[state] for state in STATES.values()},
        "epochs": sum(len(trial.epochs) for trial in trials),
        "importance": engines.importance([trial.valued(weights) for trial in trials]),
    }
