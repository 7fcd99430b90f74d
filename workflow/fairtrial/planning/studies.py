"""The studies that an experiment's `search:` asks for: where each starts, and what it varies."""

from __future__ import annotations

import typing
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from fairtrial import SettingsError
from fairtrial.files.yamlfile import closed, nearest
from fairtrial.planning.config_files import data_sets, plugin_settings
from fairtrial.planning.origins import NOTHING, Origins
from fairtrial.planning.planned_run import PlannedRun
from fairtrial.planning.references import first_of
from fairtrial.planning.runs import on_dataset, starting_run
from fairtrial.scoring import fitness
from fairtrial.settings.choice import LEAK, NOT_CARRIED, Reference
from fairtrial.settings.experiment import ExperimentSettings
from fairtrial.settings.params import COMMON, SECTIONS
from fairtrial.settings.search import COSTS, Engine, Range, SearchSettings
from fairtrial.settings.stages import (
    PredictClassifySettings,
    PredictDetectSettings,
    predict_settings,
)
from fairtrial.settings.study import (
    ChoicesSpec,
    ParameterSpec,
    RangeSpec,
    SearchStageSettings,
    Space,
    StudyChoiceSettings,
    StudyStageSettings,
)

FIXED = {  # settings that a trial cannot vary, and why
    "dataset": "trials on different data cannot be compared",
    "train_share": "trials on different data cannot be compared; write a `sweep` over it",
    "backend": "each has other parameters; write an experiment for each",
    "pretrained": "predict and the store know a checkpoint by its content; write a run for each",
    "imgsz": "predict must know it before the search; write a `sweep` over it",
    "epochs": "pruning compares trials of one length; set it in `base`, or set `pruning: off`",
    "patience": "it decides how long a trial runs; set it in `base`",
    "fitness": "it is what the search maximises",
    "seed": "the best seed is chance; `seeds` gives the best trial several",
    LEAK: "a search chooses on val, and would choose what learned from it",
    "replicate": "it only tells runs apart",
    "experiment": "it names this file",
    **dict.fromkeys(SECTIONS, "it has no part in a training"),
}


@dataclass(frozen=True)
class PlannedStudy:
    """One search: an engine that varies a space around the settings of a run."""

    name: str
    start: PlannedRun
    space: Space
    engine: Engine
    seed: int
    search: SearchSettings
    first: Reference | None = None  # the study whose trials come first
    predict: PredictDetectSettings | PredictClassifySettings | None = None  # how models are timed

    @property
    def workers(self) -> range:
        """The numbers of its workers."""
        return range(1, self.search.workers + 1)

    def of_worker(self) -> SearchStageSettings:
        """The settings of a worker."""
        return SearchStageSettings(
            trials=self.search.trials,
            hours=self.search.hours,
            space=self.space,
            engine=self.engine,
            seed=self.seed,
            backend=self.start.backend,
            start=self.start.settings,
            pruning=self.search.pruned_by,
            objectives=tuple(self.search.objectives),
            predict=self.predict,
        )

    def chosen_from(self, best: int | str | None) -> StudyChoiceSettings:
        """The settings by which the stage `choose` takes one of the trials: the best by the fitness
        (None) or in a metric, or that of a number."""
        return StudyChoiceSettings(
            trials=self.search.trials,
            fitness=self.start.settings["fitness"],
            best=best,
            backend=self.start.backend,
            start={k: v for k, v in self.start.settings.items() if k not in NOT_CARRIED},
            objectives=tuple(self.search.objectives),
        )

    def of_study(self) -> StudyStageSettings:
        """The settings of the stage that evaluates the trials."""
        return StudyStageSettings(
            name=self.name,
            trials=self.search.trials,
            hours=self.search.hours,
            space=self.space,
            engine=self.engine,
            seed=self.seed,
            dataset=self.start.dataset,
            fitness=self.start.settings["fitness"],
            objectives=tuple(self.search.objectives),
        )


def refuse_trial_seed(
    runs: dict[str, PlannedRun], experiment: ExperimentSettings, file: str
) -> None:
    """Raise SettingsError where a run has the seed of the trials.

    The winner is the luckiest of many trials. A run under their seed could be that very training,
    and its metrics too good.
    """
    if experiment.search is None:
        return
    seed = experiment.search.trial_seed
    if lucky := [name for name, run in runs.items() if run.settings["seed"] == seed]:
        raise SettingsError(
            f"{file}: `search`: `trial_seed` is {seed}, and so is the seed of run {lucky[0]}; with "
            "it a tuned run would be the trial that won, whose luck it keeps. Take a number that "
            "is no seed of a run"
        )


def studies(
    params: dict[str, Any],
    experiment: ExperimentSettings,
    file: str,
    origins: Origins = NOTHING,
) -> dict[str, PlannedStudy]:
    """The studies by name; none without `search:`. Raises SettingsError, naming `file`."""
    search = experiment.search
    planned: dict[str, PlannedStudy] = {}
    first = first_of(experiment, origins, file)
    for name, (engine, seed, dataset) in (search.studies() if search else {}).items():
        assert search is not None
        start = starting_run(params, experiment, dataset, file, origins)
        if not start.settings["epochs"]:
            raise SettingsError(f"{file}: `search`: `epochs` must be at least 1")
        fixed = {k: v for k, v in FIXED.items() if k != "epochs" or search.pruned_by != "off"}
        for key in sorted(search.space.keys() & fixed.keys()):
            why = f"`{key}` cannot be searched: {fixed[key]}"
            raise SettingsError(f"{file}: search.space: {why}")
        space = {key: _spec(key, search.space[key], start, file) for key in sorted(search.space)}
        _refuse_unfit(engine, space, file)
        _refuse_foreign_objective(search, start.task, file)
        predict = _timed(search, start, params)
        folds = data_sets(start.dataset, f"{file}: search: `datasets`")
        for fold in folds:
            study = name if folds == [start.dataset] else f"{fold}-{engine}-seed{seed}"
            on_fold = on_dataset(start, fold, origins, f"{file}: search")
            planned[study] = PlannedStudy(
                study, on_fold, space, engine, seed, search, first, predict
            )
    if search and len(planned) > len(search.studies()) == 1:
        raise SettingsError(
            f"{file}: `search`: its data set has {len(planned)} folds, and one of them must give "
            "a run its settings; name one fold, or compare several engines"
        )
    return planned


def _spec(name: str, content: Any, start: PlannedRun, file: str) -> ParameterSpec:
    """The values that one parameter may have.

    Raises SettingsError where its setting refuses one, or they lack that of the first trial.
    """
    where = f"{file}: search.space"
    model = plugin_settings("backends", start.backend, "`backend`")
    if name not in model.model_fields:
        known = sorted(set(model.model_fields) - set(FIXED) - COMMON)
        raise SettingsError(f"{where}: `{name}`: no such key{nearest(name, known)}")
    place = f"{where}.{name}"
    spec: ParameterSpec = (
        _choices(model, name, content, start, place)
        if isinstance(content, list)
        else _range(model, name, content, start, place)
    )
    value = start.settings[name]
    if not spec.contains(value):
        raise SettingsError(
            f"{place}: the first trial is the run as it is set, and its {name} ({value}) is not "
            f"in the space; widen that, or set another {name} in `base`"
        )
    return spec


def _choices(
    model: type[BaseModel], name: str, content: list[Any], start: PlannedRun, place: str
) -> ChoicesSpec:
    values = [_checked(model, name, value, start, place) for value in content]
    plain = all(value is None or isinstance(value, bool | int | float | str) for value in values)
    if len(values) < 2 or not plain or any(values.count(value) > 1 for value in values):
        raise SettingsError(f"{place}: must list two different plain values at least")
    return ChoicesSpec(choices=tuple(values))


def _range(
    model: type[BaseModel], name: str, content: Any, start: PlannedRun, place: str
) -> RangeSpec:
    if not isinstance(content, dict):
        raise SettingsError(
            f"{place} is {content!r}: must be a list of values, or `min` and `max` "
            "(and `log`, `step`)"
        )
    limits = closed(Range, content, place)
    kinds = _kinds(model.model_fields[name].annotation)
    if not kinds & {int, float}:
        raise SettingsError(f"{place}: a range needs a number; list the values instead")
    integer = float not in kinds
    low, high = (_checked(model, name, value, start, place) for value in (limits.min, limits.max))
    step = limits.step if limits.step is not None else (1 if integer and not limits.log else None)
    if integer and step is not None and not isinstance(step, int):
        raise SettingsError(f"{place}: {name} is a whole number, and so must `step` be")
    return RangeSpec(low=low, high=high, log=limits.log, step=step, integer=integer)


def _checked(model: type[BaseModel], name: str, value: Any, start: PlannedRun, place: str) -> Any:
    """A value in the type of its setting (1.0 for 1, where that is a float)."""
    return closed(model, start.settings | {name: value}, place).model_dump(mode="json")[name]


def _kinds(annotation: Any) -> set[Any]:
    """The plain types within an annotation: `Annotated[int, …] | None` has int and NoneType."""
    inner = typing.get_args(annotation)
    return set().union(*map(_kinds, inner)) if inner else {annotation}


def _timed(
    search: SearchSettings, start: PlannedRun, params: dict[str, Any]
) -> PredictDetectSettings | PredictClassifySettings | None:
    """How the models of trials are timed: as `predict` times those of runs; None where their time
    is no objective."""
    if "ms" not in search.objectives:
        return None
    return predict_settings(start.task, params["predict"], start.backend, start.settings["imgsz"])


def _refuse_foreign_objective(search: SearchSettings, task: str, file: str) -> None:
    """Raise SettingsError for a metric that the task lacks."""
    known = ["fitness", *(fitness.METRICS[name] for name in fitness.TASK_KEYS[task]), *COSTS]
    for name in search.objectives:
        if name not in known:
            raise SettingsError(
                f"{file}: search: `objectives`: `{name}` is no metric of this task; possible: "
                f"{', '.join(known)}"
            )


def _refuse_unfit(engine: Engine, space: Space, file: str) -> None:
    if engine == "cmaes" and sum(isinstance(spec, RangeSpec) for spec in space.values()) < 2:
        raise SettingsError(
            f"{file}: search: `engine`: cmaes needs two ranges at least; take tpe instead"
        )
