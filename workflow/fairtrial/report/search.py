"""The section on a search as plain data: budget, states, best trials, settings to copy."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TypedDict

from fairtrial.files.text import duration
from fairtrial.report.wording import number, spread
from fairtrial.results.experiment import ExperimentResults
from fairtrial.results.run import METRIC_NAMES
from fairtrial.results.study import FinishedStudy, finished_studies

NAMED = 6  # settings of the best trial on page one, the most important ones
LEADING = 10  # trials in the table; trials.csv has all
OF_FRONT = 20  # of a Pareto front


class StudyPart(TypedDict):
    """One study. `facts`: names and values; `ranked`: which trials `rows` shows, a row each, of
    number, fitness, `metrics` and `parameters`; `yaml`: lines of the best settings."""

    name: str
    ranked: str
    facts: list[list[str]]
    parameters: list[str]
    metrics: list[str]
    rows: list[list[str]]
    failed: list[str]
    yaml: list[str]
    sentence: str


class SearchPart(TypedDict):
    """All studies, and a row for each engine where there are several studies."""

    studies: list[StudyPart]
    engines: list[list[str]]


def searches(experiment: ExperimentResults, names: Sequence[str], timings: bool) -> SearchPart:
    """A part for each study, and a comparison of the engines. `names`: those of the studies."""
    studies = finished_studies(experiment.results, names)
    return {
        "studies": [_study(study, timings) for study in studies],
        "engines": _engines(studies) if len(studies) > 1 else [],
    }


def _study(study: FinishedStudy, timings: bool) -> StudyPart:
    summary = study.summary
    allowed = f"{summary.trials} trials" if summary.trials else f"{summary.hours:g} h"
    budget = [["budget", allowed], ["epochs trained", str(summary.epochs)]]
    if timings:
        budget.append(["time of training", duration(study.hours * 3600)])
    states = [[f"{state} trials", str(count)] for state, count in summary.states.items()]
    facts = [["engine", summary.engine], ["seed", str(summary.seed)], ["data set", summary.dataset]]
    by_fitness = sorted(study.finished, key=lambda row: -float(row["fitness"]))
    leading = study.front[:OF_FRONT] if study.objectives else by_fitness[:LEADING]
    failed = [row for row in study.trials if row["state"] == "failed"]
    parameters = sorted(summary.space)
    return {
        "name": study.name,
        "ranked": _ranked(study),
        "facts": [*facts, *_objectives(study), *budget, *states],
        "parameters": parameters,
        "metrics": [*(METRIC_NAMES.get(name, name) for name in study.metrics), *study.costs],
        "rows": [_row(row, study, parameters) for row in leading],
        "failed": [
            f"trial {row['trial']} ({row['message'] or 'no reason known'})"
            for row in failed[:LEADING]
        ],
        "yaml": (study.folder / "best.yaml").read_text(encoding="utf-8").splitlines(),
        "sentence": _sentence(study),
    }


def _ranked(study: FinishedStudy) -> str:
    """Which trials the table shows, and where."""
    where = "at their best epoch on val."
    if not study.objectives:
        return f"The best trials by fitness ({study.summary.fitness}), {where}{_by_metrics(study)}"
    first, shown = study.objectives[0], min(len(study.front), OF_FRONT)
    which = "All trials" if shown == len(study.front) else f"The first {shown} trials"
    return f"{which} of the Pareto front, the best in {first} first, {where}"


def _by_metrics(study: FinishedStudy) -> str:
    """Which trial is the best by each metric, where that is not the best by fitness: another
    experiment may begin with it."""
    found = []
    for name in study.metrics:
        best = max(study.finished, key=lambda row: float(row[name]))
        if best["trial"] != study.best["trial"] and float(best[name]) > float(study.best[name]):
            what = METRIC_NAMES.get(name, name)
            found.append(f"{what}: trial {best['trial']} ({number(float(best[name]))})")
    return f" The best by other metrics: {'; '.join(found)}." if found else ""


def _objectives(study: FinishedStudy) -> list[list[str]]:
    """Facts on several objectives; times of several kinds of machine cannot be compared."""
    if not study.objectives:
        return []
    facts = [
        ["objectives", ", ".join(study.objectives)],
        ["Pareto front", f"{len(study.front)} of {len(study.finished)} finished trials"],
    ]
    if len(machines := study.summary.machines) > 1:
        counts = "; ".join(f"{count} on {name}" for name, count in machines.items())
        facts.append(["times", f"not comparable: {counts}"])
    return facts


def _row(row: Mapping[str, str], study: FinishedStudy, parameters: Sequence[str]) -> list[str]:
    values = [number(float(row[name])) for name in ("fitness", *study.metrics)]
    costs = [f"{float(row[name]):,.10g}" for name in study.costs]
    return [row["trial"], *values, *costs, *(_value(row[name]) for name in parameters)]


def _sentence(study: FinishedStudy) -> str:
    """What page one says: how much was tried, and what the best trial is."""
    summary, best = study.summary, study.best
    settings = ", ".join(f"{name} {_value(best[name])}" for name in study.parameters[:NAMED])
    more = len(study.parameters) - NAMED
    others = f" and {more} more" if more > 0 else ""
    tried = f"{study.name}: of {len(study.trials)} trials ({len(study.finished)} finished)"
    if study.objectives:
        front = f"the Pareto front of {', '.join(study.objectives)}"
        tried += f" {len(study.front)} are on {front}; of them"
    return (
        f"{tried} trial {best['trial']} is {'taken' if study.objectives else 'best'}, with "
        f"{summary.fitness} {number(float(best['fitness']))} on val: {settings}{others}."
    )


def _value(text: str) -> str:
    """A value of a parameter as in the other tables: `1` for `1.0`."""
    return text.removesuffix(".0") if re.fullmatch(r"-?\d+\.0", text) else text


def _engines(studies: Sequence[FinishedStudy]) -> list[list[str]]:
    """A row for each engine, best first: name, number of studies, fitness of their best trials,
    number of trials, epochs."""
    by_engine: dict[str, list[FinishedStudy]] = {}
    for study in studies:
        by_engine.setdefault(study.summary.engine, []).append(study)
    best = {
        name: [float(study.best["fitness"]) for study in of_engine]
        for name, of_engine in by_engine.items()
    }
    ranked = sorted(by_engine, key=lambda name: -sum(best[name]) / len(best[name]))
    return [
        [
            name,
            str(len(by_engine[name])),
            spread(best[name]),
            str(sum(len(study.trials) for study in by_engine[name])),
            str(sum(study.summary.epochs for study in by_engine[name])),
        ]
        for name in ranked
    ]
