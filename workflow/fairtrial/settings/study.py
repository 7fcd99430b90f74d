"""The settings of the stages of a search, and of the choice of what others begin with."""

from __future__ import annotations

from operator import not_
from typing import Any

from pydantic import Field

from fairtrial.files.yamlfile import Closed
from fairtrial.settings.search import Engine, Objective, Pruning
from fairtrial.settings.stages import PredictSettings

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
    """The settings that both stages of a study have. Exactly one of `trials` and `hours` is set."""

    trials: int | None
    hours: float | None  # of training, added up over all workers
    space: Space
    engine: Engine
    seed: int
    objectives: tuple[Objective, ...] = Field(default=(), exclude_if=not_)  # none: the fitness


class SearchStageSettings(_StudyStage):
    """Stage `search`: one worker of a study."""

    backend: str
    start: dict[str, Any]  # settings of the first trial, as the backend's `Settings` holds them
    pruning: Pruning
    # The SHA-256 of the pretrained checkpoint where it may run code when it is opened.
    trusted: str | None = Field(default=None, exclude_if=not_)
    # How models are timed, where that is an objective.
    predict: PredictSettings | None = Field(default=None, exclude_if=not_)


class StudyStageSettings(_StudyStage):
    """Stage `study`: the evaluation of all trials of a study."""

    name: str
    dataset: str
    fitness: dict[str, float] | None  # metric weights; None: AP, or accuracy for classes


class StudyChoiceSettings(Closed):
    """How a trial is chosen: among the first `trials`, by the fitness, or the first of several
    objectives, where `best` is None, by a metric on val or an objective, or by its number."""

    trials: int | None  # None: among all
    fitness: dict[str, float] | None
    best: int | str | None
    backend: str
    start: dict[str, Any]  # settings of the first trial, as far as others carry them on
    objectives: tuple[Objective, ...] = Field(default=(), exclude_if=not_)


class ChooseSettings(Closed):
    """What is chosen for others that refer to it: one of several runs, or a trial of a study."""

    experiment: str
    name: str  # of the run, configuration or study; empty for the best configuration
    runs: tuple[str, ...]  # names; none for a study
    rank_by: str | dict[str, float]  # what ranks configurations on val
    study: StudyChoiceSettings | None = None
