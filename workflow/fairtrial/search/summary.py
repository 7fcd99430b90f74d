"""The results of a study's trials: the best one, a table, importance, settings to copy."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from fairtrial import BackendError
from fairtrial.files.csvfile import write_rows
from fairtrial.scoring import fitness
from fairtrial.search import engines
from fairtrial.search.journal import STATES, Metrics, MetricWeights, Trial
from fairtrial.search.study_files import StudySummary
from fairtrial.settings.study import StudyStageSettings, Value


def best_trial(trials: Sequence[Trial], weights: MetricWeights) -> Trial:
    """The finished trial with the highest fitness; the first of several."""
    finished = [trial for trial in trials if trial.state == "finished"]
    if not finished:
        raise BackendError("no trial has finished, so there is no best one")
    return max(finished, key=lambda trial: (max(trial.fitness_by_epoch(weights)), -trial.number))


def best_in(metric: str, trials: Sequence[Trial], weights: MetricWeights) -> Trial:
    """The finished trial with the highest value of a metric at its best epoch, which the fitness
    picks; the first of several. At least one trial has finished."""

    def value(trial: Trial) -> float:
        best = _best_epoch(trial, weights)
        return best.metrics[metric] if best else 0.0

    finished = [trial for trial in trials if trial.state == "finished"]
    return max(finished, key=lambda trial: (value(trial), -trial.number))


def chosen_trial(trials: Sequence[Trial], weights: MetricWeights, best: int | str | None) -> Trial:
    """The best trial by the fitness (None) or in a metric, or that of a number."""
    if isinstance(best, int):
        return trials[best]
    winner = best_trial(trials, weights)
    return winner if best is None else best_in(best, trials, weights)


def choice_text(
    trial: Trial, weights: MetricWeights, best: int | str | None
) -> tuple[str, float | None]:
    """By what a trial was chosen, and its value of that; its fitness where it was named by its
    number, None before its first epoch."""
    epoch = _best_epoch(trial, weights)
    if isinstance(best, str):
        return best, epoch.metrics[best] if epoch else None
    return fitness.formula(weights, _task([trial])), epoch.fitness if epoch else None


def table(trials: Sequence[Trial], parameters: Sequence[str], weights: MetricWeights) -> str:
    """A line a trial, in CSV: its state, its metrics at its best epoch (empty before its first
    epoch), and the values of its `parameters`."""
    metrics = [fitness.METRICS[name] for name in fitness.TASK_KEYS[_task(trials)]]
    header = ["trial", "state", "fitness", "epochs", "best_epoch", *metrics]
    rows: list[list[object]] = []
    for trial in trials:
        best = _best_epoch(trial, weights)
        results: list[object] = ["", 0, "", *("" for _ in metrics)]
        if best:
            values = [best.metrics.get(name, "") for name in metrics]
            results = [best.fitness, best.epochs, best.epoch, *values]
        params = [_cell(trial.params[name]) for name in parameters]
        message = " ".join(trial.message.split())
        rows.append([trial.number, trial.state, *results, *params, message])
    text = io.StringIO()
    write_rows(text, [*header, *parameters, "message"], rows)
    return text.getvalue()


def _task(trials: Sequence[Trial]) -> str:
    """detect or classify, by the metrics of their epochs; detect where no trial has an epoch."""
    has_accuracy = any("accuracy" in epoch for trial in trials for epoch in trial.epochs)
    return "classify" if has_accuracy else "detect"


@dataclass(frozen=True)
class _BestEpoch:
    """The epoch of a trial with the highest fitness; `epoch` counts from 1, `epochs` is the number
    of all."""

    epoch: int
    epochs: int
    fitness: float
    metrics: Metrics


def _best_epoch(trial: Trial, weights: MetricWeights) -> _BestEpoch | None:
    """None before the first epoch."""
    values = trial.fitness_by_epoch(weights)
    if not values:
        return None
    index = values.index(max(values))
    value = float(f"{values[index]:.6g}")
    return _BestEpoch(index + 1, len(values), value, trial.epochs[index])


def _cell(value: Value) -> int | float | str:
    """A parameter in a table: true, false and null as in YAML, numbers and texts as they are."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return value


def best_settings(name: str, best: Trial, settings: StudyStageSettings) -> str:
    """The parameters of the best trial as YAML, to be copied."""
    rule = fitness.formula(settings.fitness, _task([best]))
    epoch = _best_epoch(best, settings.fitness)
    assert epoch is not None, "a finished trial has one"
    value = f"{epoch.fitness:.4g}"
    head = f"# Trial {best.number} of {name}: {rule} = {value} on val of {settings.dataset}"
    lines = [f"{key}: {json.dumps(best.params[key])}" for key in sorted(best.params)]
    return "\n".join([head, *lines, ""])


def summary(
    name: str, trials: Sequence[Trial], best: Trial, settings: StudyStageSettings
) -> StudySummary:
    """The content of summary.json; `name` is that of the study."""
    states = Counter(trial.state for trial in trials)
    valued = [trial.with_values(settings.fitness) for trial in trials]
    return StudySummary(
        study=name,
        engine=settings.engine,
        seed=settings.seed,
        trials=settings.trials,
        hours=settings.hours,
        space=settings.space,
        dataset=settings.dataset,
        fitness=fitness.formula(settings.fitness, _task([best])),
        best=best.number,
        states={state: states[state] for state in STATES.values()},
        epochs=sum(len(trial.epochs) for trial in trials),
        importance=engines.importance(valued),
    )
