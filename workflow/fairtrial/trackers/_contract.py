"""What a tracker is told of an experiment, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from fairtrial.results.experiment import ExperimentResults
from fairtrial.settings.stages import ReportSettings


class TrackedEpoch(NamedTuple):
    """An epoch of a training, from 1, and its finite values by the names of history.csv."""

    number: int
    values: Mapping[str, float]


@dataclass(frozen=True)
class TrackedRun:
    """A run, as far as it has come.

    key: of its training, so that another one under the same name is told from it; settings: flat,
    by dotted names; final: its metrics as `test/AP`, {} until it is scored.
    """

    name: str
    key: str
    configuration: str
    seed: int
    dataset: str
    settings: Mapping[str, object]
    epochs: Sequence[TrackedEpoch]
    final: Mapping[str, float]


@dataclass(frozen=True)
class TrackedConfiguration:
    """A configuration of a finished report: what comparison.csv has of it, numbers and texts."""

    name: str
    numbers: Mapping[str, float]
    texts: Mapping[str, str]


@dataclass(frozen=True)
class TrackedReport:
    """A finished report. `files`: those that may be handed on; `results`: what it shows, where
    pictures of the data may be shown, too."""

    configurations: Sequence[TrackedConfiguration]
    files: Sequence[Path]
    settings: ReportSettings
    results: ExperimentResults
    pictures: bool


@dataclass(frozen=True)
class TrackedExperiment:
    """An experiment: its runs that have begun, and its report once that is made."""

    name: str
    title: str
    runs: Sequence[TrackedRun]
    report: TrackedReport | None


class Sent(NamedTuple):
    """How much was sent: epochs, final metrics of runs and configurations, and files."""

    epochs: int = 0
    finals: int = 0
    files: int = 0

    def plus(self, epochs: int = 0, finals: int = 0, files: int = 0) -> Sent:
        return Sent(self.epochs + epochs, self.finals + finals, self.files + files)
