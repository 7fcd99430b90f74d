"""The runs that an experiment asks for: params.yaml, then its base, then the keys of each run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, cast

from fairtrial import SettingsError
from fairtrial.files.yamlfile import closed, nearest
from fairtrial.planning.config_files import PARAMS, plugin_settings, shipped, training_keys
from fairtrial.planning.configurations import (
    REPEATING_KEYS,
    ConfigurationSpec,
    Repetition,
    configurations,
    name_of,
    repetitions,
    value_text,
)
from fairtrial.planning.elsewhere import is_elsewhere, settings_by_seed
from fairtrial.planning.from_search import TrialReference, refuse_metric, trial_reference
from fairtrial.settings.elsewhere import ELSEWHERE, PREDICTIONS
from fairtrial.settings.experiment import ExperimentSettings
from fairtrial.settings.grid import Overrides
from fairtrial.settings.params import SECTIONS
from fairtrial.settings.run_name import FoldName, RunName
from fairtrial.settings.stages import TrainSettings
from fairtrial.store.keys import canonical
from fairtrial.training.settings import TrainingSettings


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
    from_search: TrialReference | None = None  # the trial that gives some of its settings
    place: str = field(default="", compare=False)  # where its experiment lists it
    varied: frozenset[str] = field(default=frozenset(), compare=False)  # what it sets there

    @cached_property
    def name(self) -> str:
        """Its name as text: the key under which an experiment holds it."""
        return str(self.run_name)

    @property
    def pretrained(self) -> str:
        """The pretrained checkpoint, as <source>/<file>; empty from scratch."""
        return self.settings.get("pretrained") or ""

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
        names = list(self.from_search.names) if self.from_search else []
        return TrainSettings(backend=self.backend, settings=self.settings, from_search=names)


def resolve(
    params: dict[str, Any],
    experiment: ExperimentSettings,
    file: str,
    data_sets: Callable[[str, str], list[str]] = lambda name, place: [name],
) -> dict[str, PlannedRun]:
    """All runs of an experiment by name, in the order in which its file lists them.

    Runs with equal settings are one run, under the first of their names. `file` names the
    experiment in messages; `data_sets` gives the folds that a data set stands for, from its name
    and the place where it is named. Raises SettingsError for a key that the run's backend does not
    know, a value out of range, or two different runs that would have one name.
    """
    runs: dict[str, PlannedRun] = {}
    names: dict[str, str] = {}  # all that tells a run from others, as JSON → its name
    folds: dict[str, list[str]] = {}  # those of each data set, so that its file is read once
    # label, repetition and data set → name, for the runs that continue another one
    labelled: dict[tuple[str, Repetition, str], str] = {}
    for configuration in configurations(experiment, file):
        place = f"{file}: `{configuration.place}`"
        if is_elsewhere(configuration, experiment):
            for run in _elsewhere(params, experiment, configuration, file, data_sets):
                _refuse_same_name(run, runs, place)
                runs[run.name] = run
            continue
        for repetition in repetitions(experiment):
            without_fold = _run(params, experiment, configuration, repetition, file)
            dataset = without_fold.dataset
            if dataset not in folds:
                folds[dataset] = data_sets(dataset, f"{place}: `dataset`")
            for run in _of_folds(without_fold, folds[dataset]):
                earlier = labelled.get((configuration.continues, repetition, run.dataset), "")
                run = replace(run, continues=earlier)  # noqa: PLW2901
                _refuse_no_more_epochs(run, runs, place)
                content = canonical(
                    [run.dataset, run.backend, run.settings, earlier, run.from_search]
                )
                if content not in names:
                    _refuse_same_name(run, runs, place)
                name = names.setdefault(content, run.name)
                runs.setdefault(name, run)
                if configuration.label:
                    labelled[configuration.label, repetition, run.dataset] = name
    return runs


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


def _of_folds(run: PlannedRun, data_sets: list[str]) -> list[PlannedRun]:
    """The run itself, or one on each fold of its data set."""
    if data_sets == [run.dataset]:
        return [run]
    folds = {name: FoldName.parse(name).fold for name in data_sets}
    return [
        replace(run, run_name=replace(run.run_name, fold=fold), dataset=name)
        for name, fold in folds.items()
    ]


def starting_run(
    params: dict[str, Any], experiment: ExperimentSettings, dataset: str | None, file: str
) -> PlannedRun:
    """The run whose settings the first trial of a search has: params.yaml and `base`, under the
    search's own `trial_seed`."""
    assert experiment.search is not None
    seed = experiment.search.trial_seed
    place = ConfigurationSpec("base", {"dataset": dataset} if dataset else {}, "search.datasets")
    run = _run(params, experiment, place, repetitions(experiment)[0], file)
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


def _run(
    params: dict[str, Any],
    experiment: ExperimentSettings,
    configuration: ConfigurationSpec,
    repetition: Repetition,
    file: str,
) -> PlannedRun:
    """One run, not on a fold yet. It has only the settings that its backend knows."""
    varied, place, base = configuration.varied, configuration.place, experiment.base
    for name in repetition.overrides.keys() & (base | varied).keys():
        raise SettingsError(
            f"{file}: `{place}`: sets `{name}`, and the experiment's `{REPEATING_KEYS[name]}` does "
            "so too; keep one"
        )
    overrides = base | varied | repetition.overrides
    from_search = trial_reference(experiment, overrides, set(varied), f"{file}: `{place}`")
    _refuse_sections(overrides, f"{file}: `{place}`")
    common = {name: overrides.pop(name, params.get(name)) for name in ("dataset", "backend")}
    _refuse_several(common["dataset"], f"{file}: `{place}`")
    model = plugin_settings("backends", common["backend"], f"{file}: `{place}`: `backend`")
    defaults = {name: params[name] for name in model.model_fields if name in params}

    def where(key: str) -> str:
        if key not in overrides:
            return PARAMS
        in_runs = place if key in varied else REPEATING_KEYS.get(key)
        return f"{file}: {'base' if key in base and key not in varied else in_runs}"

    values = defaults | overrides
    if isinstance(values.get("pretrained"), str):
        values["pretrained"] = _filled(values["pretrained"], values, where("pretrained"))
    settings = cast(TrainingSettings, closed(model, values, where))
    refuse_metric(from_search, settings.task, f"{file}: `{place}`")
    checked = settings.model_dump(mode="json")
    run_name = RunName(
        configuration=name_of(configuration, varied | common | checked),
        seed=checked["seed"],
        replicate=checked["replicate"],
    )
    return PlannedRun(
        run_name,
        **common,
        task=settings.task,
        settings=checked,
        from_search=from_search,
        place=place,
        varied=frozenset(varied),
    )


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


def _filled(pretrained: str, settings: dict[str, Any], where: str) -> str:
    """`yolov8/{model}.pt` with the run's settings in place of their names."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in settings:
            known = nearest(match[1], list(settings))
            raise SettingsError(
                f"{where}: `pretrained`: {match[0]} is no setting of the run{known}"
            )
        return value_text(settings[match[1]])

    return re.sub(r"\{(\w+)\}", value, pretrained)


def shipped_settings(
    params: dict[str, Any], experiment: ExperimentSettings, file: str
) -> dict[str, object]:
    """The training settings that params.yaml lacks and not every configuration sets: their
    defaults, which hold instead."""
    values: dict[str, object] = {}
    for configuration in configurations(experiment, file):
        if is_elsewhere(configuration, experiment):
            continue
        overrides = experiment.base | configuration.varied
        backend = overrides.get("backend", params.get("backend"))
        model = plugin_settings("backends", backend, f"{file}: `backend`")
        values |= shipped(model, params.keys() | overrides.keys())
    return values


def refuse_unused(
    params: dict[str, Any], earlier: dict[str, Any], experiment: ExperimentSettings, file: str
) -> None:
    """Raise SettingsError for a training default that was changed for this call and no run uses.

    `earlier`: params.yaml before `dvc exp run -S …` changed it. Without this error, one would
    conclude that the parameter makes no difference.
    """
    keys = sorted(training_keys() | {"backend", "dataset"})
    for name in (key for key in keys if params.get(key) != earlier.get(key)):
        known = {
            configuration.place: _knows(name, params, experiment.base | configuration.varied)
            for configuration in configurations(experiment, file)
        }
        used = any(
            known[configuration.place] and name not in experiment.base | configuration.varied
            for configuration in configurations(experiment, file)
        )
        if not used or name in _repeated(experiment):
            raise SettingsError(
                f"{PARAMS}: `{name}` was set to {params.get(name)!r}, but no run of this "
                "experiment uses it: " + _why_unused(name, experiment, file, any(known.values()))
            )


def _repeated(experiment: ExperimentSettings) -> set[str]:
    """The settings that the experiment varies within each configuration."""
    return set(repetitions(experiment)[0].overrides)


def _knows(name: str, params: dict[str, Any], overrides: Overrides) -> bool:
    """Whether a run has the setting `name`: a backend, a data set, or what its backend knows."""
    if PREDICTIONS in overrides:
        return name == "dataset"
    backend = overrides.get("backend", params.get("backend"))
    fields = plugin_settings("backends", backend, "`backend`").model_fields
    return name in {"backend", "dataset", *fields}


def _why_unused(name: str, experiment: ExperimentSettings, file: str, known: bool) -> str:
    if not known:
        return "no backend of its runs has such a setting"
    if name in _repeated(experiment):
        return f"{file} sets it by `{REPEATING_KEYS[name]}`"
    place = "in `base`" if name in experiment.base else "in each of its runs"
    return f"{file} sets it {place}"
