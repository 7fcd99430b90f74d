"""What experiments may refer to: the results of others and of the own search, and what was chosen.

What was chosen is known when the stage `choose` has run. Until then a candidate stands for it:
names and lists of runs never depend on the choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

from fairtrial import DataError
from fairtrial.files.modelfile import read_model
from fairtrial.planning.planned_run import PlannedRun
from fairtrial.settings.choice import (
    NOT_CARRIED,
    Choice,
    ChosenSettings,
    ChosenWeights,
    Reference,
)
from fairtrial.settings.search import SearchSettings
from fairtrial.settings.study import ChoicesSpec, Space


class PlannedTrials(Protocol):
    """A study, as far as others refer to its trials."""

    @property
    def start(self) -> PlannedRun: ...
    @property
    def space(self) -> Space: ...
    @property
    def search(self) -> SearchSettings: ...


class PlannedResults(Protocol):
    """An experiment, as far as others refer to its results."""

    @property
    def file(self) -> str: ...
    @property
    def task(self) -> str: ...
    @property
    def runs(self) -> Mapping[str, PlannedRun]: ...
    @property
    def studies(self) -> Mapping[str, PlannedTrials]: ...
    @property
    def trained_here(self) -> list[str]: ...
    def trusted(self, run: str) -> str | None: ...


@dataclass(frozen=True)
class Start:
    """Settings that a run begins with in place of those of params.yaml, and the backend that they
    are of. varying: the settings in which the candidates differ, with their values."""

    backend: Any
    settings: Mapping[str, Any] = field(default_factory=dict)
    varying: Mapping[str, Sequence[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Origins:
    """What an experiment may refer to: `others` by name, its own search by the name `own`.

    choices: what was chosen, as far as it is known; candidate: which of the candidates stands for
    a choice that is not.
    """

    own: str = ""
    others: Mapping[str, PlannedResults] = field(default_factory=dict)
    choices: Mapping[Reference, Choice] = field(default_factory=dict)
    candidate: int = 0

    def start(self, reference: Reference) -> Start:
        """The settings of a result of another experiment, or those of a candidate."""
        other = self.others[reference.experiment]
        starts = candidates(other, reference)
        choice = self.choices.get(reference)
        if choice is None:
            return starts[min(self.candidate, len(starts) - 1)]
        chosen = choice.start
        settings = chosen.settings | _pattern(other, chosen)
        return Start(chosen.backend, settings, starts[0].varying)

    def most_candidates(self, references: Sequence[Reference]) -> int:
        """The greatest number of candidates that a reference to another experiment has."""
        others = [r for r in references if r.experiment != self.own]
        return max((len(candidates(self.others[r.experiment], r)) for r in others), default=1)

    def trial(self, reference: Reference | None, names: Sequence[str]) -> dict[str, Any]:
        """The values of a trial of the own search; none as long as no trial is chosen."""
        choice = self.choices.get(reference) if reference else None
        return {name: choice.start.settings[name] for name in names} if choice else {}

    def weights(self, reference: Reference, dataset: str, seed: Any) -> str:
        """The path of the weights of a result of another experiment: of its run on this data set
        with this seed, else of its first run on this data set, else of its first."""
        choice = self.choices.get(reference)
        if choice:
            runs = [(run.run, run.dataset, run.seed) for run in choice.weights.runs]
        else:
            run = self.source_of_weights(reference)
            runs = [(run.name, run.dataset, run.run_name.seed)]
        (name, *_) = min(runs, key=lambda run: (run[1] != dataset, run[2] != seed))
        return f"results/{reference.experiment}/runs/{name}/weights.pt"

    def trained_on(self, reference: Reference) -> set[str]:
        """The data sets of the runs whose weights those of a reference may be."""
        runs = referred_runs(self.others[reference.experiment], reference)
        return {run.dataset for run in runs}

    def source_of_weights(self, reference: Reference) -> PlannedRun:
        """A run whose weights those of a reference may be."""
        runs = referred_runs(self.others[reference.experiment], reference)
        first = {run.run_name.configuration: run for run in reversed(runs)}
        return [*reversed(first.values())][min(self.candidate, len(first) - 1)]


NOTHING = Origins()  # of an experiment that refers to none


def candidates(other: PlannedResults, reference: Reference) -> list[Start]:
    """What may be chosen: configurations, those that differ in backend, epochs or a searched
    setting, or the start of a study for all of its trials."""
    if reference.name in other.studies:
        study = other.studies[reference.name]
        return [Start(study.start.backend, _carried(study.start), ends(study.space))]
    runs = {run.run_name.configuration: run for run in reversed(referred_runs(other, reference))}
    starts = [Start(run.backend, _carried(run)) for run in reversed(runs.values())]
    keys = sorted(set().union(*(start.settings for start in starts)))
    values = {k: [s.settings[k] for s in starts if k in s.settings] for k in keys}
    varying = {k: v for k, v in values.items() if any(value != v[0] for value in v)}
    return [Start(start.backend, start.settings, varying) for start in starts]


def referred_runs(other: PlannedResults, reference: Reference) -> list[PlannedRun]:
    """The runs of an experiment among which a reference chooses; none for a study."""
    return [
        other.runs[name]
        for name in other.trained_here
        if reference.name in {"", name, other.runs[name].run_name.configuration}
    ]


def ends(space: Space) -> dict[str, Sequence[Any]]:
    """The values of each searched setting, of a range its ends."""
    return {
        name: spec.choices if isinstance(spec, ChoicesSpec) else (spec.low, spec.high)
        for name, spec in space.items()
    }


def _carried(run: PlannedRun) -> dict[str, Any]:
    carried = {name: value for name, value in run.settings.items() if name not in NOT_CARRIED}
    return carried | {"pretrained": run.pretrained_pattern}


def _pattern(other: PlannedResults, chosen: ChosenSettings) -> dict[str, Any]:
    """`pretrained` as the chosen run's experiment writes it: `yolov8/{model}.pt` is filled again by
    a run that sets another model."""
    planned = other.studies.get(chosen.name)
    runs = [planned.start] if planned else referred_runs(other, Reference("", chosen.name))
    if not runs:
        return {}
    is_pattern = not isinstance(runs[0].pretrained_pattern, dict)
    if is_pattern and runs[0].settings["pretrained"] != chosen.settings.get("pretrained"):
        return {}
    return {"pretrained": runs[0].pretrained_pattern}


def read_choice(reference: Reference, experiments: Mapping[str, PlannedResults]) -> Choice | None:
    """What was chosen; None as long as nothing is, or where that is no more in the plan."""
    files = (reference.start, reference.weights)
    try:
        chosen, weights = _read(*files, *(path.stat().st_mtime_ns for path in files))
    except (DataError, OSError):
        return None
    other = experiments[reference.experiment]
    known = chain(other.studies, (run.run_name.configuration for run in other.runs.values()))
    runs = {run.run for run in weights.runs}
    if chosen.name not in set(known) or not runs <= other.runs.keys():
        return None
    return Choice(chosen, weights)


@lru_cache(maxsize=1024)
def _read(start: Path, weights: Path, *times: int) -> Choice:
    """The files of a choice; read again when their times have changed, for rules ask often."""
    return Choice(read_model(start, ChosenSettings), read_model(weights, ChosenWeights))
