"""The runs that an experiment asks for: params.yaml, then its base, then the keys of each run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, cast

from pydantic import BaseModel

from fairtrial import SettingsError
from fairtrial.files.yamlfile import closed, nearest
from fairtrial.planning.config_files import PARAMS, of_params, plugin_settings
from fairtrial.planning.configurations import (
    REPEATING_KEYS,
    ConfigurationSpec,
    Repetition,
    configurations,
    name_of,
    repetitions,
)
from fairtrial.planning.elsewhere import is_elsewhere, settings_by_seed
from fairtrial.planning.origins import NOTHING, Origins, Start
from fairtrial.planning.planned_run import PlannedRun
from fairtrial.planning.references import references_of, refuse_metric, weights_of
from fairtrial.settings.choice import BEST, FROM, NOT_CARRIED
from fairtrial.settings.elsewhere import ELSEWHERE
from fairtrial.settings.experiment import ExperimentSettings
from fairtrial.settings.grid import Overrides, value_text
from fairtrial.settings.params import SECTIONS
from fairtrial.settings.run_name import BEST_NAME, FoldName, RunName
from fairtrial.store.keys import canonical
from fairtrial.training.settings import TrainingSettings


def resolve(
    params: dict[str, Any],
    experiment: ExperimentSettings,
    file: str,
    data_sets: Callable[[str, str], list[str]] = lambda name, place: [name],
    origins: Origins = NOTHING,
) -> dict[str, PlannedRun]:
    """All runs of an experiment by name, in the order in which its file lists them.

    Runs with equal settings are one run, under the first of their names. `file` names the
    experiment in messages; `data_sets` gives the folds that a data set stands for, from its name
    and the place where it is named; `origins`: what it may refer to. Raises SettingsError for a key
    that the run's backend does not know, a value out of range, or two different runs that would
    have one name.
    """
    runs: dict[str, PlannedRun] = {}
    names: dict[str, str] = {}  # all that tells a run from others, as JSON → its name
    folds: dict[str, list[str]] = {}  # those of each data set, so that its file is read once
    # label, repetition and data set → name, for the runs that continue another one
    labelled: dict[tuple[str, Repetition, str], str] = {}
    for configuration in configurations(experiment, file, origins.own):
        place = f"{file}: `{configuration.place}`"
        if is_elsewhere(configuration, experiment):
            for run in _elsewhere(params, experiment, configuration, file, data_sets):
                _refuse_same_name(run, runs, place)
                runs[run.name] = run
            continue
        for repetition in repetitions(experiment):
            without_fold = _run(params, experiment, configuration, repetition, file, origins)
            dataset = without_fold.dataset
            if dataset not in folds:
                folds[dataset] = data_sets(dataset, f"{place}: `dataset`")
            for run in _of_folds(without_fold, folds[dataset], origins, place):
                earlier = labelled.get((configuration.continues, repetition, run.dataset), "")
                run = replace(run, continues=earlier)  # noqa: PLW2901
                _refuse_no_more_epochs(run, runs, place)
                content = canonical([run.dataset, earlier, *_identity(run, experiment)])
                if content not in names:
                    _refuse_same_name(run, runs, place)
                name = names.setdefault(content, run.name)
                runs.setdefault(name, run)
                if configuration.label:
                    labelled[configuration.label, repetition, run.dataset] = name
    _refuse_taken_names(runs, file)
    return runs


def _refuse_taken_names(runs: dict[str, PlannedRun], file: str) -> None:
    """Raise SettingsError for configurations that metrics.json could not tell from a run, or from
    the best one: their numbers stand beside each other."""
    problems = []
    for run in runs.values():
        name = run.run_name.configuration
        for taken in {name, run.run_name.without_seed} & {BEST_NAME, *runs}:
            whose = "the best configuration" if taken == BEST_NAME else _run_of(runs[taken])
            problems.append(f"{file}: `{run.place}`: {taken} is what {whose} is called; rename it")
    if problems:
        raise SettingsError("\n".join(dict.fromkeys(problems)))


def _run_of(run: PlannedRun) -> str:
    return f"a run of {run.run_name.without_seed}"


def _identity(run: PlannedRun, experiment: ExperimentSettings) -> tuple[object, ...]:
    """What tells a run from others. Of one that begins with another result, only what it sets
    itself: else the names of runs would change once the result is known."""
    if not run.origin.all:
        return run.backend, run.settings
    own = run.varied | experiment.base.keys() | {"seed", "replicate"}
    return run.origin, {name: value for name, value in run.settings.items() if name in own}


def _refuse_same_name(run: PlannedRun, runs: dict[str, PlannedRun], place: str) -> None:
    if run.name in runs:
        raise SettingsError(f"{place}: another run is called {run.name}; rename one")


def _elsewhere(
    params: dict[str, Any],
    experiment: ExperimentSettings,
    configuration: ConfigurationSpec,
    file: str,
    data_sets: Callable[[str, str], list[str]],
) -> Iterator[PlannedRun]:
    """The runs of a configuration whose predictions were made elsewhere."""
    place = f"{file}: `{configuration.place}`"
    settings = settings_by_seed(
        configuration, experiment, repetitions(experiment), params.get("seed"), file
    )
    dataset = (params | experiment.base | configuration.varied).get("dataset")
    _refuse_several(dataset, place)
    if data_sets(str(dataset), f"{place}: `dataset`") != [dataset]:
        raise SettingsError(
            f"{place}: `dataset`: {dataset} stands for several folds; predictions are of one, such "
            f"as {dataset}.fold1"
        )
    for seed, of_seed in settings.items():
        run_name = RunName(configuration=str(configuration.label), seed=seed)
        yield PlannedRun(run_name, str(dataset), ELSEWHERE, "detect", of_seed)


def _of_folds(
    run: PlannedRun, data_sets: list[str], origins: Origins, place: str
) -> list[PlannedRun]:
    """The run itself, or one on each fold of its data set."""
    if data_sets == [run.dataset]:
        return [on_dataset(run, run.dataset, origins, place)]
    folds = {name: FoldName.parse(name).fold for name in data_sets}
    return [
        on_dataset(replace(run, run_name=replace(run.run_name, fold=fold)), name, origins, place)
        for name, fold in folds.items()
    ]


def on_dataset(run: PlannedRun, dataset: str, origins: Origins, place: str) -> PlannedRun:
    """A run on a data set, with the weights that there are for that, if it begins with any. Raises
    SettingsError where these were trained on other folds, which hold its test images."""
    weights = run.origin.weights
    if weights is None:
        return replace(run, dataset=dataset)
    on = origins.trained_on(weights)
    if dataset not in on and FoldName.parse(dataset).name in {FoldName.parse(d).name for d in on}:
        raise SettingsError(
            f"{place}: `pretrained`: {weights} was trained on {', '.join(sorted(on))}, which may "
            f"hold test images of {dataset}; begin with weights of the same fold"
        )
    path = origins.weights(weights, dataset, run.settings["seed"])
    return replace(run, dataset=dataset, settings=run.settings | {"pretrained": path})


def starting_run(
    params: dict[str, Any],
    experiment: ExperimentSettings,
    dataset: str | None,
    file: str,
    origins: Origins,
) -> PlannedRun:
    """The run whose settings the first trial of a search has: params.yaml and `base`, under the
    search's own `trial_seed`."""
    assert experiment.search is not None
    seed = experiment.search.trial_seed
    place = ConfigurationSpec("base", {"dataset": dataset} if dataset else {}, "search.datasets")
    run = _run(params, experiment, place, repetitions(experiment)[0], file, origins)
    run_name = replace(run.run_name, seed=seed)
    return replace(run, run_name=run_name, settings=run.settings | {"seed": seed})


def _refuse_no_more_epochs(run: PlannedRun, earlier: dict[str, PlannedRun], place: str) -> None:
    if not run.continues:
        return
    before, after = earlier[run.continues].settings["epochs"], run.settings["epochs"]
    if not 0 < before < after:
        raise SettingsError(
            f"{place}: `epochs` is {after}, and the run that it continues has {before}; it must "
            "have more, and the continued run at least 1"
        )


def _carried(start: Start, model: type[BaseModel], backend: str) -> dict[str, Any]:
    """What a run takes from another result, as far as its backend knows it. Settings that are
    left out at their default are there with it: params.yaml may have other values."""
    left_out = {
        name: field.default
        for name, field in model.model_fields.items()
        if start.settings and backend == start.backend and not field.is_required()
        if name not in NOT_CARRIED
    }
    return left_out | {n: v for n, v in start.settings.items() if n in model.model_fields}


def _run(
    params: dict[str, Any],
    experiment: ExperimentSettings,
    configuration: ConfigurationSpec,
    repetition: Repetition,
    file: str,
    origins: Origins,
) -> PlannedRun:
    """One run, not on a fold yet. It has only the settings that its backend knows."""
    varied, place, base = configuration.varied, configuration.place, experiment.base
    origin = references_of(experiment, varied, origins, file, place)
    start = origins.start(origin.start) if origin.start else Start(params.get("backend"))
    overrides = _overrides(base | varied, repetition, f"{file}: `{place}`")
    common = {
        "dataset": overrides.pop("dataset", params.get("dataset")),
        "backend": overrides.pop("backend", start.backend),
    }
    _refuse_several(common["dataset"], f"{file}: `{place}`")
    model = plugin_settings("backends", common["backend"], f"{file}: `{place}`: `backend`")
    defaults = {name: params[name] for name in of_params(model) if name in params}
    carried = _carried(start, model, common["backend"])
    searched = (experiment.search.space.keys() if experiment.search else set()) - varied.keys()

    def where(key: str) -> str:
        if key not in overrides:
            return f"{file}: `{FROM}` {origin.start}" if key in carried else PARAMS
        in_runs = place if key in varied else REPEATING_KEYS.get(key)
        return f"{file}: {'base' if key in base and key not in varied else in_runs}"

    values = defaults | carried | overrides | origins.trial(origin.trial, sorted(searched))
    pattern: str | dict[str, Any] | None = values.get("pretrained")
    if weights := weights_of(pattern, origins, common["backend"], where("pretrained")):
        values["pretrained"] = origins.weights(weights, common["dataset"], values.get("seed"))
    values |= _filled(pattern, values, where("pretrained"))
    settings = cast(TrainingSettings, closed(model, values, where))
    if origin.trial:
        refuse_metric(origin.trial, settings.task, f"{file}: `{place}`: `from`", experiment.search)
    checked = settings.model_dump(mode="json")
    name = name_of(configuration, varied | common | checked)
    return PlannedRun(
        RunName(name, seed=checked["seed"], replicate=checked["replicate"]),
        **common,
        task=settings.task,
        settings=checked,
        origin=origin._replace(weights=weights),
        place=place,
        varied=frozenset(varied.keys() - {FROM, BEST}),
        inherited=frozenset(carried.keys() - overrides.keys()),
        drawn={name: v for name, v in start.varying.items() if name not in overrides},
        pretrained_pattern=pattern,
    )


def _overrides(stated: Overrides, repetition: Repetition, place: str) -> Overrides:
    """What an experiment sets for a run, without the keys that refer to another result."""
    for name in repetition.overrides.keys() & stated.keys():
        raise SettingsError(
            f"{place}: sets `{name}`, and the experiment's `{REPEATING_KEYS[name]}` does so too; "
            "keep one"
        )
    _refuse_sections(stated, place)
    overrides = stated | repetition.overrides
    return {name: value for name, value in overrides.items() if name not in {FROM, BEST}}


def _refuse_sections(overrides: Overrides, where: str) -> None:
    for name in overrides:
        if name == "continues":
            raise SettingsError(f"{where}: `continues` belongs to one of `runs`")
        if name in SECTIONS or name == "experiment":
            raise SettingsError(
                f"{where}: `{name}` holds for all runs alike; set it in {PARAMS}, not in a run"
            )


def _refuse_several(dataset: Any, where: str) -> None:
    if isinstance(dataset, list | dict):
        raise SettingsError(
            f"{where}: `dataset` is {dataset!r}: must be one name; `sweep` and `grid` compare "
            "several"
        )


def _filled(pretrained: Any, settings: dict[str, Any], where: str) -> dict[str, str]:
    """The setting `pretrained`, where it is a text such as `yolov8/{model}.pt`, with the run's
    settings in place of their names."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in settings:
            known = nearest(match[1], list(settings))
            raise SettingsError(
                f"{where}: `pretrained`: {match[0]} is no setting of the run{known}"
            )
        return value_text(settings[match[1]])

    if not isinstance(pretrained, str):
        return {}
    return {"pretrained": re.sub(r"\{(\w+)\}", value, pretrained)}
