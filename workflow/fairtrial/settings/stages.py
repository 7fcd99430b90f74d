"""What each stage is told: frozen models that the planner writes and the job reads.

A job's settings are such a model as canonical JSON, which is their transport and the reason to
run the job again at once.
"""

from __future__ import annotations

from typing import Any, Literal

from fairtrial.files.yamlfile import Closed
from fairtrial.settings.search import Engine

Value = bool | int | float | str | None  # of one searched parameter
Params = dict[str, Value]  # the searched parameters of one trial, by name


class ChoicesSpec(Closed):
    """A searched parameter that takes one of several values."""

    choices: tuple[Value, ...]

    def contains(self, value: object) -> bool:
        """Whether a trial may have this value."""
        return value in self.choices


class RangeSpec(Closed):
    """A searched parameter that takes any number from `low` to `high`, both included."""

    low: int | float
    high: int | float
    log: bool  # drawn uniformly on a logarithmic scale
    step: int | float | None  # only low, low + step, low + 2 step …
    integer: bool

    def contains(self, value: object) -> bool:
        """Whether a trial may have this value."""
        if not isinstance(value, int | float) or not self.low <= value <= self.high:
            return False
        steps = (value - self.low) / self.step if self.step else 0.0
        return abs(steps - round(steps)) < 1e-8


ParameterSpec = ChoicesSpec | RangeSpec
Space = dict[str, ParameterSpec]  # by the parameter's name


class _StudyStage(Closed):
    """What both stages of a study are told. Exactly one of `trials` and `hours` is set."""

    trials: int | None
    hours: float | None  # of training, added up over all workers
    space: Space
    engine: Engine
    seed: int


class SearchStageSettings(_StudyStage):
    """Stage `search`: one worker of a study."""

    backend: str
    start: dict[str, Any]  # settings of the first trial, as the backend's `Settings` holds them
    pruning: Literal["median", "off"]


class StudyStageSettings(_StudyStage):
    """Stage `study`: the evaluation of all trials of a study."""

    name: str
    dataset: str
    fitness: dict[str, float] | None  # metric weights; None: AP, or accuracy for classes
    chosen: tuple[int, ...]  # numbers of the trials that runs take their settings from


class _ResultsStage(Closed):
    """What both `plot` and `report` are told, so that figures and tables rank alike."""

    runs: tuple[str, ...]
    studies: tuple[str, ...] = ()
    sweeps: tuple[str, ...] = ()  # parameters that the experiment sweeps
    timings: bool = True  # false leaves out what depends on the clock
    rank_by: str | dict[str, float] = "AP"  # a metric, or the metric weights of a fitness


class PlotSettings(_ResultsStage):
    """Stage `plot`: the figures of an experiment."""

    gallery: int = 4  # images shown with every configuration's detections


class ReportSettings(_ResultsStage):
    """Stage `report`: the PDF and the tables of an experiment."""

    experiment: str
    title: str
    question: str = ""  # longer text
