"""A run as the planner knows it: its name, its data, and every setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from fairtrial.settings.choice import Reference
from fairtrial.settings.elsewhere import ELSEWHERE, PREDICTIONS
from fairtrial.settings.run_name import RunName
from fairtrial.settings.stages import TrainSettings


class RunReferences(NamedTuple):
    """What a run begins with: the settings of a result of another experiment, the values of a trial
    of the own search, and the weights of another experiment."""

    start: Reference | None = None
    trial: Reference | None = None
    weights: Reference | None = None

    @property
    def all(self) -> tuple[Reference, ...]:
        return tuple(reference for reference in self if reference is not None)


NO_REFERENCES = RunReferences()


@dataclass(frozen=True)
class PlannedRun:
    """One training: its name, the data it sees, and every setting of its backend. Or, with the
    backend ELSEWHERE, predictions that something else has made."""

    run_name: RunName
    dataset: str
    backend: str
    task: str  # `detect` or `classify`
    settings: dict[str, Any]
    continues: str = ""  # the run that it goes on from; empty from the start
    origin: RunReferences = NO_REFERENCES  # the results that give some of its settings
    place: str = field(default="", compare=False)  # where its experiment lists it
    varied: frozenset[str] = field(default=frozenset(), compare=False)  # what it sets there
    inherited: frozenset[str] = field(default=frozenset(), compare=False)  # what another gives it
    # Of these, and of what a trial gives, the values that there may be.
    drawn: Mapping[str, Sequence[Any]] = field(default_factory=dict, compare=False)
    # As its experiment writes it: `yolov8/{model}.pt`, or `{from: <experiment>}`.
    pretrained_pattern: str | dict[str, Any] | None = field(default=None, compare=False)

    @cached_property
    def name(self) -> str:
        """Its name as text: the key under which an experiment holds it."""
        return str(self.run_name)

    @property
    def pretrained(self) -> str:
        """The pretrained checkpoint, as <source>/<file>, or the path of the weights of another
        experiment; empty from scratch."""
        return self.settings.get("pretrained") or ""

    @property
    def source_checkpoint(self) -> str:
        """The pretrained checkpoint, where it is one of a source; else empty."""
        return "" if self.origin.weights else self.pretrained

    @property
    def is_elsewhere(self) -> bool:
        """Whether its predictions were made elsewhere, so that nothing is trained."""
        return self.backend == ELSEWHERE

    @property
    def prediction_files(self) -> list[str]:
        """The predictions that were made elsewhere, as <source>/<file>."""
        files = self.settings[PREDICTIONS] if self.is_elsewhere else {}
        return [path for path in files.values() if path]

    @property
    def train_settings(self) -> TrainSettings:
        """The settings of its training."""
        return TrainSettings(backend=self.backend, settings=self.settings)
