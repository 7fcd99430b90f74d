"""The files of a study, results/<experiment>/search/<study>/, as typed models.

    workers/<n>.json       WorkerResult
    summary.json           StudySummary
    timings.json           Timings

They are written with `write_model` and read with `read_model` of `files/modelfile.py`.
"""

from __future__ import annotations

from operator import not_

from pydantic import Field, RootModel

from fairtrial.files.modelfile import FileModel
from fairtrial.settings.search import Engine, Objective
from fairtrial.settings.study import Space


class WorkerResult(FileModel):
    """The output of a worker that has ended because budget or space are spent."""

    study: str  # the key of the study in the store


class StudySummary(FileModel):
    """A study for the report, without the table of its trials and without times."""

    study: str
    engine: Engine
    seed: int
    trials: int | None  # the budget, as `hours`
    hours: float | None
    space: Space
    dataset: str
    fitness: str  # as a formula: "0.9 recall + 0.1 AP"
    best: int  # number of the best trial
    states: dict[str, int]  # number of trials by state
    epochs: int  # trained, over all trials
    importance: dict[str, float]  # share of each parameter; empty with too few trials
    objectives: tuple[Objective, ...] = Field(default=(), exclude_if=not_)  # none: the fitness
    # Where models were timed, as far as their time is an objective: number of trials.
    machines: dict[str, int] = Field(default_factory=dict, exclude_if=not_)


class Timings(RootModel[dict[str, float]]):
    """Seconds of training by the trial's number."""
