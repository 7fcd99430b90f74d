"""The data that the scripts of the page draw: curves by epoch, of precision and recall, trials of
searches. Plain data for JSON; what is undefined is null."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TypedDict

from fairtrial.report.forest import colours_of
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.run import FinishedRun
from fairtrial.results.study import FinishedStudy, finished_studies
from fairtrial.settings.stages import ReportSettings

Values = list[float | None]
DIGITS = 5  # of what is drawn


class RunCurves(TypedDict):
    """The curves of one run. `history`: column → a value an epoch; `curves`: name → x and y on the
    split that tables show."""

    name: str
    seed: int
    dataset: str
    history: dict[str, Values]
    curves: dict[str, list[Values]]


class ConfigurationCurves(TypedDict):
    """The curves of one configuration; `colour`: number of its colour."""

    letter: str
    label: str
    colour: int
    runs: list[RunCurves]


class ComparisonCurves(TypedDict):
    """The curves of one comparison, the best on val first."""

    datasets: str
    split: str
    configurations: list[ConfigurationCurves]


class StudyTrials(TypedDict):
    """The trials of one study: `parameters` by importance; `trials`: column → text or number;
    `objectives`: several, or none; `front`: the numbers of the trials on their Pareto front."""

    name: str
    fitness: str
    best: int
    parameters: list[str]
    metrics: list[str]
    objectives: list[str]
    front: list[int]
    trials: list[dict[str, str | float | None]]


class PageData(TypedDict):
    """All that scripts draw."""

    experiment: str
    task: str
    comparisons: list[ComparisonCurves]
    studies: list[StudyTrials]


def page_data(experiment: ExperimentResults, settings: ReportSettings) -> PageData:
    """The data of the page's plots."""
    studies = finished_studies(experiment.results, settings.studies)
    return {
        "experiment": settings.experiment,
        "task": experiment.task,
        "comparisons": [_comparison(c) for c in experiment.comparisons],
        "studies": [study_trials(study) for study in studies],
    }


def _comparison(comparison: Comparison) -> ComparisonCurves:
    colours = colours_of(comparison)
    return {
        "datasets": comparison.names,
        "split": comparison.split,
        "configurations": [
            _configuration(c, comparison.split, colours[c.letter]) for c in comparison.ranked()
        ],
    }


def _configuration(c: Configuration, split: str, colour: int) -> ConfigurationCurves:
    return {
        "letter": c.letter,
        "label": c.full_label,
        "colour": colour,
        "runs": [_run(run, split) for run in c.runs],
    }


def _run(run: FinishedRun, split: str) -> RunCurves:
    history = {name: _rounded(column) for name, column in run.history.items() if name != "epoch"}
    return {
        "name": run.name,
        "seed": run.seed,
        "dataset": run.dataset,
        "history": {
            n: values for n, values in history.items() if any(v is not None for v in values)
        },
        "curves": {
            name: [_rounded(x), _rounded(y)]
            for (of_split, name), (x, y) in run.curves.items()
            if of_split == split
        },
    }


def _rounded(values: Iterable[float]) -> Values:
    """Numbers with the digits that a drawing shows; None for what is not finite."""
    return [float(f"{v:.{DIGITS}g}") if math.isfinite(v) else None for v in values]


def study_trials(study: FinishedStudy) -> StudyTrials:
    """The trials of a study as scripts draw them."""
    columns = ["trial", "state", "epochs", "fitness", *study.metrics, *study.costs]
    columns += study.parameters
    return {
        "name": study.name,
        "fitness": study.summary.fitness,
        "best": study.summary.best,
        "parameters": study.parameters,
        "metrics": [*study.metrics, *study.costs],
        "objectives": study.objectives,
        "front": [int(row["trial"]) for row in study.front],
        "trials": [_trial(row, columns) for row in study.trials],
    }


def _trial(row: Mapping[str, str], columns: list[str]) -> dict[str, str | float | None]:
    return {column: _number(row.get(column, "")) for column in columns}


def _number(text: str) -> str | float | None:
    """A cell of trials.csv as a number, where it is one."""
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        return text
    return value if math.isfinite(value) else None
