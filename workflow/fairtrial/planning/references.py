"""Runs and searches that begin with the result of another experiment, or of the own search.

What was chosen is known when the stage `choose` has run. Until then a candidate stands for it:
names and lists of runs never depend on the choice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Protocol

from fairtrial import DataError, SettingsError
from fairtrial.files.modelfile import read_model
from fairtrial.files.yamlfile import nearest
from fairtrial.planning.planned_run import PlannedRun, RunReferences
from fairtrial.scoring import fitness
from fairtrial.settings.choice import (
    BEST,
    FORMER,
    FROM,
    NOT_CARRIED,
    Choice,
    ChosenSettings,
    ChosenWeights,
    Reference,
)
from fairtrial.settings.experiment import ExperimentSettings
from fairtrial.settings.grid import Overrides
from fairtrial.settings.run_name import FoldName
from fairtrial.settings.search import SearchSettings
from fairtrial.settings.stages import ChoicesSpec, Space


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


# --------------------------------------------------------------------------- as they are written


def references_of(
    experiment: ExperimentSettings, varied: Overrides, origins: Origins, file: str, place: str
) -> RunReferences:
    """What a run refers to, by `base` and by the keys that it sets itself at `place`. Raises
    SettingsError, naming file and place, where that does not exist."""
    _refuse_former(experiment.base, origins, f"{file}: base")
    _refuse_former(varied, origins, f"{file}: `{place}`")
    start = _reference(experiment.base, None, origins, f"{file}: base")
    if start and start.experiment == origins.own:
        raise SettingsError(
            f"{file}: base: `{FROM}` is {start}: in `base` the search would need itself; it "
            "belongs in a run"
        )
    reference = _reference(varied, start, origins, f"{file}: `{place}`")
    if reference and reference.experiment == origins.own:
        _refuse_no_study(reference, experiment, f"{file}: `{place}`")
        return RunReferences(start, reference)
    return RunReferences(reference)


def weights_of(pretrained: Any, origins: Origins, model: str, place: str) -> Reference | None:
    """What a `pretrained` refers to that is written `{from: …}`; None for any other. Raises
    SettingsError where that has no weights for a run of the backend `model`."""
    if isinstance(pretrained, str) and pretrained.startswith("results/"):
        raise SettingsError(
            f"{place}: `pretrained` is {pretrained}: the weights of an experiment are written "
            f"`pretrained: {{{FROM}: <experiment>/<run>}}`"
        )
    if not isinstance(pretrained, dict):
        return None
    place = f"{place}: `pretrained`"
    if unknown := sorted(map(str, pretrained.keys() - {FROM, BEST})):
        raise SettingsError(
            f"{place}: `{unknown[0]}`: no such key{nearest(unknown[0], [FROM, BEST])}"
        )
    reference = _reference(pretrained, None, origins, place)
    if reference is None:
        raise SettingsError(f"{place}: `{FROM}`: missing")
    where = f"{place}: `{FROM}` is {reference}"
    if reference.experiment == origins.own:
        raise SettingsError(f"{where}: runs begin with weights of another experiment only")
    if reference.name in origins.others[reference.experiment].studies:
        raise SettingsError(f"{where}: the trials of a search leave no weights; name a run")
    source = origins.source_of_weights(reference)
    if source.backend != model:
        raise SettingsError(
            f"{where}: the weights may be of the backend {source.backend}, and the run's is {model}"
        )
    return reference


def first_of(experiment: ExperimentSettings, origins: Origins, file: str) -> Reference | None:
    """The study whose trials come first in a search; None where it begins anew. Raises
    SettingsError where there is no such study."""
    text = experiment.search.first if experiment.search else None
    if text is None:
        return None
    place = f"{file}: search"
    reference = _reference({FROM: text}, None, origins, place)
    assert reference is not None
    where = f"{place}: `{FROM}` is {reference}"
    if reference.experiment == origins.own:
        raise SettingsError(f"{where}: a search begins with the trials of another experiment")
    if reference.name not in (studies := origins.others[reference.experiment].studies):
        known = [f"{reference.experiment}/{name}" for name in studies]
        raise SettingsError(f"{where}: must name a study{nearest(text, known)}")
    return reference


def _refuse_former(overrides: Overrides, origins: Origins, place: str) -> None:
    if FORMER in overrides:
        own = origins.own or "<experiment>"
        raise SettingsError(
            f"{place}: `{FORMER}` is now written `{FROM}: {own}/<study>`, for another trial than "
            f"the best with `{BEST}: <number or metric>`"
        )


def _reference(
    overrides: Overrides, inherited: Reference | None, origins: Origins, place: str
) -> Reference | None:
    """The reference in one set of keys; `inherited`: that of `base`, of which it may change `best`
    alone."""
    if FROM not in overrides and BEST not in overrides:
        return inherited
    text = overrides.get(FROM, inherited and inherited.experiment)
    best = overrides.get(BEST)
    if text is None:
        if best is not None:
            raise SettingsError(f"{place}: `{BEST}` stands beside `{FROM}`, which is missing")
        return None
    if not isinstance(text, str):
        raise SettingsError(
            f"{place}: `{FROM}` is {text!r}: must be <experiment>, or <experiment>/<run or study>"
        )
    _refuse_wrong_best(best, place)
    if FROM not in overrides and inherited:
        reference = inherited._replace(best=best)
    else:
        name, _, inner = text.partition("/")
        reference = Reference(name, inner, best)
    if reference.experiment != origins.own:
        check(reference, origins, place)
    return reference


def _refuse_wrong_best(best: Any, place: str) -> None:
    is_number = isinstance(best, int) and not isinstance(best, bool) and best >= 0
    if not (best is None or isinstance(best, str) or is_number):
        raise SettingsError(
            f"{place}: `{BEST}` is {best!r}: must be a metric on val, or a trial's number"
        )


def check(reference: Reference, origins: Origins, place: str) -> None:
    """Raise SettingsError for a reference to something that another experiment does not have."""
    other = origins.others.get(reference.experiment)
    if other is None:
        raise SettingsError(f"{place}: `{FROM}`: no such experiment: `{reference.experiment}`")
    where = f"{place}: `{FROM}` is {reference}"
    if reference.name in other.studies:
        _refuse_no_trial(reference, other.studies[reference.name].search.trials, where)
    elif isinstance(reference.best, int):
        raise SettingsError(f"{where}: a number is that of a trial; name the study of {other.file}")
    else:
        _refuse_no_run(reference, other, where)
    refuse_metric(reference, other.task, where)


def _refuse_no_run(reference: Reference, other: PlannedResults, where: str) -> None:
    if reference.name in {run.run_name.configuration for run in other.runs.values()} | set(
        other.runs
    ):
        if not referred_runs(other, reference):
            raise SettingsError(f"{where}: its predictions were made elsewhere, and no settings")
        if reference.best is not None:
            raise SettingsError(f"{where}: a single run is no choice; leave `{BEST}` out")
        return
    if reference.name:
        names = {run.run_name.configuration for run in other.runs.values()} | set(other.studies)
        known = nearest(reference.name, sorted(names))
        raise SettingsError(f"{where}: {other.file} has no such run or study{known}")
    runs = referred_runs(other, reference)
    if not runs:
        raise SettingsError(f"{where}: {other.file} trains no run")
    datasets = sorted({FoldName.parse(run.dataset).name for run in runs})
    if len(datasets) > 1:
        raise SettingsError(
            f"{where}: its runs are on several data sets ({', '.join(datasets)}), between which "
            "val cannot choose; name a run"
        )


def _refuse_no_study(reference: Reference, experiment: ExperimentSettings, place: str) -> None:
    if experiment.search is None:
        raise SettingsError(f"{place}: `{FROM}` is {reference}: the experiment has no `search:`")
    known = [f"{reference.experiment}/{name}" for name in experiment.search.studies()]
    text = f"{reference.experiment}/{reference.name}" if reference.name else reference.experiment
    if text not in known:
        raise SettingsError(
            f"{place}: `{FROM}` is {text}: of its own experiment a run can take a trial only; it "
            f"must name a study{nearest(text, known)}"
        )
    _refuse_no_trial(reference, experiment.search.trials, f"{place}: `{FROM}` is {reference}")


def _refuse_no_trial(reference: Reference, trials: int | None, where: str) -> None:
    number = reference.best
    if isinstance(number, int) and trials is not None and number >= trials:
        raise SettingsError(f"{where}: the search has {trials} trials, 0 to {trials - 1}")


def refuse_metric(reference: Reference, task: str, where: str) -> None:
    """Raise SettingsError where something is to be the best in a metric that its task lacks."""
    known = [fitness.METRICS[name] for name in fitness.TASK_KEYS[task]]
    if isinstance(reference.best, str) and reference.best not in known:
        raise SettingsError(
            f"{where}: `{BEST}`: `{reference.best}` is no metric on val"
            f"{nearest(reference.best, known)}"
        )


def named_experiments(experiment: ExperimentSettings) -> Iterator[tuple[str, str]]:
    """The experiments that an experiment names, its own among them, and where."""
    places: list[tuple[Any, str]] = [(experiment.base, "base")]
    places += [(overrides, f"runs.{name}") for name, overrides in experiment.runs.items()]
    places += [({key: v}, f"sweep.{key}") for key, vs in experiment.sweep.items() for v in vs]
    for key, dimension in experiment.grid.items():
        variants = dimension.values() if isinstance(dimension, dict) else (
            {key: value} for value in dimension
        )  # fmt: skip
        places += [(overrides, "grid") for overrides in variants]
    if experiment.search and experiment.search.first:
        places.append(({FROM: experiment.search.first}, "search"))
    for overrides, place in places:
        stated = overrides or {}
        weights = stated.get("pretrained")
        for keys in (stated, weights if isinstance(weights, dict) else {}):
            if isinstance(text := keys.get(FROM), str):
                yield text.partition("/")[0], f"`{place}`: `{FROM}`"


# --------------------------------------------------------------------------- what was chosen


def read_choice(reference: Reference, experiments: Mapping[str, PlannedResults]) -> Choice | None:
    """What was chosen; None as long as nothing is, or where that is no more in the plan."""
    try:
        chosen = read_model(reference.start, ChosenSettings)
        weights = read_model(reference.weights, ChosenWeights)
    except (DataError, OSError):
        return None
    other = experiments[reference.experiment]
    known = chain(other.studies, (run.run_name.configuration for run in other.runs.values()))
    runs = {run.run for run in weights.runs}
    if chosen.name not in set(known) or not runs <= other.runs.keys():
        return None
    return Choice(chosen, weights)
