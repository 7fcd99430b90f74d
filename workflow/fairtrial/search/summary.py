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
from fairtrial.search.objectives import best_in, front, value
from fairtrial.search.study_files import StudySummary
from fairtrial.settings.search import COSTS
from fairtrial.settings.study import StudyChoiceSettings, StudyStageSettings, Value


def best_trial(
    trials: Sequence[Trial], weights: MetricWeights, objectives: Sequence[str] = ()
) -> Trial:
    """The finished trial with the highest fitness, or the best in the first of several objectives;
    the first of several trials."""
    if all(trial.state != "finished" for trial in trials):
        raise BackendError("no trial has finished, so there is no best one")
    best = best_in(trials, weights, objectives or ("fitness",))
    if best is None:
        raise BackendError(
            f"no finished trial has a value of each objective ({', '.join(objectives)}): their "
            "models were removed from the store before they were measured"
        )
    return best


def chosen_trial(trials: Sequence[Trial], study: StudyChoiceSettings) -> Trial:
    """The best trial by the fitness or the first objective (None), in a metric or another
    objective, or that of a number."""
    if isinstance(study.best, int):
        return trials[study.best]
    winner = best_trial(trials, study.fitness, study.objectives)
    if study.best is None:
        return winner
    order = (study.best, *(name for name in study.objectives if name != study.best))
    return best_in(trials, study.fitness, order) or winner


def choice_text(trial: Trial, study: StudyChoiceSettings) -> tuple[str, float | None]:
    """By what a trial was chosen, and its value of that; its fitness where it was named by its
    number, None before its first epoch."""
    by = study.best if isinstance(study.best, str) else next(iter(study.objectives), "fitness")
    if isinstance(study.best, int):
        by = "fitness"
    found = value(trial, by, study.fitness)
    name = fitness.formula(study.fitness, _task([trial])) if by == "fitness" else by
    return name, None if found is None else float(f"{found:.6g}")


def table(
    trials: Sequence[Trial],
    parameters: Sequence[str],
    weights: MetricWeights,
    objectives: Sequence[str] = (),
) -> str:
    """A line a trial, in CSV: its state, its metrics at its best epoch (empty before its first
    epoch), and the values of its `parameters`; with several objectives also the costs among them,
    and whether it is on their front."""
    metrics = [fitness.METRICS[name] for name in fitness.TASK_KEYS[_task(trials)]]
    costs = [name for name in objectives if name in COSTS]
    on_front = set(front(trials, weights, objectives)) if objectives else set()
    of_front = [*costs, "front"] if objectives else []
    header = ["trial", "state", "fitness", "epochs", "best_epoch", *metrics, *of_front]
    rows: list[list[object]] = []
    for trial in trials:
        best = _best_epoch(trial, weights)
        results: list[object] = ["", 0, "", *("" for _ in metrics)]
        if best:
            values = [best.metrics.get(name, "") for name in metrics]
            results = [best.fitness, best.epochs, best.epoch, *values]
        if objectives:
            known = [value(trial, name, weights) for name in costs]
            results += ["" if one is None else one for one in known]
            results.append(json.dumps(trial.number in on_front))
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
    names = settings.objectives or ("fitness",)
    labels = [rule if name == "fitness" else name for name in names]
    values = [value(best, name, settings.fitness) for name in names]
    texts = [f"{label} = {one:.4g}" for label, one in zip(labels, values, strict=True)]
    head = f"# Trial {best.number} of {name}: {', '.join(texts)} on val of {settings.dataset}"
    if settings.objectives:
        head += f"\n# It is the best in {labels[0]}; trials.csv marks all trials of the front."
    lines = [f"{key}: {json.dumps(best.params[key])}" for key in sorted(best.params)]
    return "\n".join([head, *lines, ""])


def summary(
    name: str, trials: Sequence[Trial], best: Trial, settings: StudyStageSettings
) -> StudySummary:
    """The content of summary.json; `name` is that of the study."""
    states = Counter(trial.state for trial in trials)
    valued = [trial.with_values(settings.fitness) for trial in trials]
    machines = Counter(trial.costs.machine for trial in trials if trial.costs)
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
        objectives=settings.objectives,
        machines={name: machines[name] for name in sorted(machines) if name},
    )
