"""References to results, as experiments write them: what they refer to, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fairtrial import SettingsError
from fairtrial.files.yamlfile import nearest
from fairtrial.planning.origins import Origins, PlannedResults, referred_runs
from fairtrial.planning.planned_run import RunReferences
from fairtrial.scoring import fitness
from fairtrial.settings.choice import (
    BEST,
    FORMER,
    FROM,
    Reference,
)
from fairtrial.settings.experiment import ExperimentSettings
from fairtrial.settings.grid import Overrides
from fairtrial.settings.run_name import FoldName
from fairtrial.settings.search import SearchSettings


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
    search = None
    if reference.name in other.studies:
        search = other.studies[reference.name].search
        _refuse_no_trial(reference, search.trials, where)
    elif isinstance(reference.best, int):
        raise SettingsError(f"{where}: a number is that of a trial; name the study of {other.file}")
    else:
        _refuse_no_run(reference, other, where)
    refuse_metric(reference, other.task, where, search)


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


def refuse_metric(
    reference: Reference, task: str, where: str, search: SearchSettings | None
) -> None:
    """Raise SettingsError where something is to be the best in a metric that its task lacks, and
    that is none of the objectives of its search."""
    metrics = [fitness.METRICS[name] for name in fitness.TASK_KEYS[task]]
    known = list(dict.fromkeys([*metrics, *(search.objectives if search else ())]))
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
