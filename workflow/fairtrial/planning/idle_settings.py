"""Settings that an experiment sets, or a call changes, and that cannot act: they are refused."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fairtrial import SettingsError
from fairtrial.files.yamlfile import Closed
from fairtrial.planning.config_files import PARAMS, read_dataset
from fairtrial.planning.origins import ends
from fairtrial.planning.planned_run import PlannedRun
from fairtrial.planning.studies import PlannedStudy
from fairtrial.plugins import plugin
from fairtrial.settings.experiment import ExperimentSettings
from fairtrial.settings.stages import (
    PredictClassifySettings,
    PredictDetectSettings,
    ValidateClassifySettings,
    ValidateDetectSettings,
)
from fairtrial.store.keys import canonical
from fairtrial.training.effects import CLASSES, Effect, effects_of, idle

OF_TASKS: dict[str, dict[str, type[Closed]]] = {  # section → task → its settings
    "predict": {"detect": PredictDetectSettings, "classify": PredictClassifySettings},
    "validate": {"detect": ValidateDetectSettings, "classify": ValidateClassifySettings},
}
WITH_CLASSES = "cls_pw"  # a setting that needs the number of classes


@dataclass(frozen=True)
class _Judged:
    """A run, or the trials of a study, with the settings that each trial draws anew."""

    run: PlannedRun
    space: Mapping[str, Sequence[Any]]
    searched: Collection[str] = ()

    @property
    def _effects(self) -> Sequence[Effect]:
        return effects_of(plugin("backends", self.run.backend))

    def knows(self, name: str) -> bool:
        """Whether it has a setting of this name that it does not draw."""
        return name in self.run.settings and name not in self.space

    def counts_epochs(self, name: str) -> bool:
        """Whether the report itself says in how many epochs a setting acts."""
        return any(effect.epochs and name in effect.settings for effect in self._effects)

    def idle(self, name: str) -> str:
        """Why a setting changes nothing in it; empty where it may act."""
        values = self.run.settings
        if name == WITH_CLASSES:
            values = values | {CLASSES: _classes(self.run.dataset)}
        return idle(self._effects, name, values, self.space)


def refuse_idle(
    runs: Mapping[str, PlannedRun],
    studies: Mapping[str, PlannedStudy],
    experiment: ExperimentSettings,
    changed: Collection[str],
    file: str,
) -> None:
    """Raise SettingsError, with all of them, for settings that are set and cannot act.

    A setting of a run, or of a combination of a grid, is judged there. One of `base`, or of
    params.yaml that was changed for this call (`changed`), must act in one of the runs that
    have it, and one of a search at one point of its space. `file` names the experiment.
    """
    judged, trials = _judged(runs, studies), _trials(studies)
    problems = [
        *(problem for one in judged for problem in _of_run(one, file)),
        *_shared(experiment.base, [*judged, *trials], f"{file}: base"),
        *_shared(
            [name for name in changed if name not in experiment.base], [*judged, *trials], PARAMS
        ),
        *(problem for one in trials for problem in _of_search(one, file)),
    ]
    if problems:
        raise SettingsError("\n".join(dict.fromkeys(problems)))


def refuse_idle_sections(
    params: Mapping[str, Any], earlier: Mapping[str, Any], runs: Mapping[str, PlannedRun]
) -> None:
    """Raise SettingsError for keys of `predict` and `validate` that were changed for this call
    (`earlier`: before it) and that no task of the runs has."""
    tasks = {run.task for run in runs.values()}
    problems = []
    for section, models in OF_TASKS.items():
        used = {key for task in tasks for key in models[task].model_fields} | {"splits"}
        used |= {"sizes"} if "detect" in tasks else set()
        for key, before in earlier.get(section, {}).items():
            now = params[section].get(key)
            if key not in used and canonical(now) != canonical(before):
                what = f"no run of the task {', '.join(sorted(tasks))} has it"
                problems.append(f"{PARAMS}: `{section}.{key}` cannot act: {what}")
    if problems:
        raise SettingsError("\n".join(problems))


def idle_in_some(
    runs: Mapping[str, PlannedRun],
    studies: Mapping[str, PlannedStudy],
    experiment: ExperimentSettings,
) -> list[str]:
    """A sentence for each setting of `base` that acts in some of its runs and not in others."""
    sentences = []
    judged = _judged(runs, studies)
    for name in sorted(experiment.base):
        having = [
            one
            for one in judged
            if name not in one.run.varied and one.knows(name) and not one.counts_epochs(name)
        ]
        idle_ones = {one.run.run_name.configuration: one.idle(name) for one in having}
        for when in sorted(set(idle_ones.values()) - {""}):
            labels = [label for label, reason in idle_ones.items() if reason == when]
            text = when.replace("`", "")
            sentences.append(f"{name} changes nothing in {', '.join(labels)}: it acts only {text}.")
    return sentences


def _judged(runs: Mapping[str, PlannedRun], studies: Mapping[str, PlannedStudy]) -> list[_Judged]:
    """The configurations, with what they take from a trial or from another experiment."""
    spaces = {name: ends(study.space) for name, study in studies.items()}
    return [_Judged(run, _drawn(run, spaces)) for run in _configurations(runs.values())]


def _trials(studies: Mapping[str, PlannedStudy]) -> list[_Judged]:
    return [
        _Judged(study.start, {**study.start.drawn, **ends(study.space)}, study.space)
        for study in studies.values()
    ]


def _configurations(runs: Iterable[PlannedRun]) -> list[PlannedRun]:
    """The first run of each configuration on each data set; none whose predictions are given."""
    first: dict[tuple[str, str], PlannedRun] = {}
    for run in runs:
        if not run.is_elsewhere:
            first.setdefault((run.run_name.configuration, run.dataset), run)
    return list(first.values())


def _drawn(
    run: PlannedRun, spaces: Mapping[str, Mapping[str, Sequence[Any]]]
) -> Mapping[str, Sequence[Any]]:
    """The settings that a run takes from a trial, with the ends of their ranges, or from one of
    several configurations, with their values."""
    space = spaces.get(run.origin.trial.name, {}) if run.origin.trial else {}
    return {**run.drawn, **{n: values for n, values in space.items() if n not in run.varied}}


def _of_run(one: _Judged, file: str) -> Iterator[str]:
    for name in sorted(one.run.varied):
        if one.knows(name) and (when := one.idle(name)):
            yield _problem(f"{file}: {one.run.place}", name, one.run.settings[name], when)


def _shared(names: Iterable[str], judged: Sequence[_Judged], place: str) -> Iterator[str]:
    """A problem for each setting that acts in none of those that have it from one place."""
    for name in sorted(names):
        having = [
            one
            for one in judged
            if name not in one.run.varied | one.run.inherited and one.knows(name)
        ]
        reasons = [one.idle(name) for one in having]
        if having and all(reasons):
            yield _problem(place, name, having[0].run.settings[name], reasons[0])


def _of_search(one: _Judged, file: str) -> Iterator[str]:
    for name, values in sorted(one.space.items()):
        if name in one.searched and (when := one.idle(name)):
            yield _problem(f"{file}: search.space", name, list(values), when)


def _problem(place: str, name: str, value: Any, when: str) -> str:
    return f"{place}: `{name}` is {json.dumps(value)} and cannot act: it acts only {when}"


def _classes(dataset: str) -> int | None:
    """How many classes a data set has, as far as its file says."""
    settings = read_dataset(dataset)
    if settings.single_cls is not None:
        return 1
    classes = settings.classes
    if isinstance(classes, dict):
        return len(set(classes.values()))
    return len(classes) if isinstance(classes, list) else None
