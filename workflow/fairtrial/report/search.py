"""The section on a search as plain data: budget, states, best trials, settings to copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

from fairtrial.files.text import duration
from fairtrial.report.wording import number, spread
from fairtrial.results.experiment import ExperimentResults
from fairtrial.results.study import FinishedStudy, finished_studies

LEADING = 10  # trials in the table; trials.csv has all


class StudyPart(TypedDict):
    """One study. `facts`: names and values; `rows`: the best trials, a row each, of number,
    fitness, `metrics` and `parameters`; `yaml`: lines of the best settings."""

    name: str
    fitness: str
    facts: list[list[str]]
    parameters: list[str]
    metrics: list[str]
    rows: list[list[str]]
    failed: list[str]
    yaml: list[str]


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
    trials = summary.trials or f"{summary.hours:g} h"
    budget = [["budget", str(trials)], ["epochs trained", str(summary.epochs)]]
    if timings:
        budget.append(["time of training", duration(study.hours * 3600)])
    states = [[state, str(count)] for state, count in summary.states.items()]
    facts = [["engine", summary.engine], ["seed", str(summary.seed)], ["data set", summary.dataset]]
    leading = sorted(study.finished, key=lambda row: -float(row["fitness"]))[:LEADING]
    failed = [row for row in study.trials if row["state"] == "failed"]
    parameters = sorted(summary.space)
    return {
        "name": study.name,
        "fitness": summary.fitness,
        "facts": [*facts, *budget, *states],
        "parameters": parameters,
        "metrics": list(study.metrics),
        "rows": [_row(row, study.metrics, parameters) for row in leading],
        "failed": [f"{row['trial']}: {row['message']}" for row in failed[:LEADING]],
        "yaml": (study.folder / "best.yaml").read_text(encoding="utf-8").splitlines(),
    }


def _row(row: Mapping[str, str], metrics: Sequence[str], parameters: Sequence[str]) -> list[str]:
    values = [number(float(row[name])) for name in ("fitness", *metrics)]
    return [row["trial"], *values, *(row[name] for name in parameters)]


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
