"""Training settings of params.yaml: those that it lacks, and those that no run uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairtrial import SettingsError
from fairtrial.planning.config_files import (
    PARAMS,
    of_params,
    plugin_settings,
    shipped,
    training_keys,
)
from fairtrial.planning.configurations import REPEATING_KEYS, configurations, repetitions
from fairtrial.planning.elsewhere import is_elsewhere
from fairtrial.planning.planned_run import PlannedRun
from fairtrial.settings.elsewhere import PREDICTIONS
from fairtrial.settings.experiment import ExperimentSettings
from fairtrial.settings.grid import Overrides


def inherited_settings(runs: Mapping[str, PlannedRun]) -> dict[str, frozenset[str]]:
    """What the runs of each place in an experiment take from another one, all of them."""
    inherited: dict[str, frozenset[str]] = {}
    for run in runs.values():
        inherited[run.place] = inherited.get(run.place, run.inherited) & run.inherited
    return inherited


def shipped_settings(
    params: dict[str, Any],
    experiment: ExperimentSettings,
    runs: Mapping[str, PlannedRun],
    file: str,
) -> dict[str, object]:
    """The training settings that params.yaml lacks and not every configuration sets: their
    defaults, which hold instead."""
    values: dict[str, object] = {}
    backends = {run.place: run.backend for run in runs.values()}
    inherited = inherited_settings(runs)
    for configuration in configurations(experiment, file):
        if is_elsewhere(configuration, experiment):
            continue
        overrides = experiment.base | configuration.varied
        place = configuration.place
        backend = overrides.get("backend", backends.get(place, params.get("backend")))
        model = plugin_settings("backends", backend, f"{file}: `backend`")
        given = inherited.get(place, frozenset())
        values |= shipped(model, params.keys() | overrides.keys() | given)
    return values


def refuse_unused(
    params: dict[str, Any],
    earlier: dict[str, Any],
    experiment: ExperimentSettings,
    runs: Mapping[str, PlannedRun],
    file: str,
) -> None:
    """Raise SettingsError for a training default that was changed for this call and no run uses.

    `earlier`: params.yaml before `dvc exp run -S …` changed it. Without this error, one would
    conclude that the parameter makes no difference.
    """
    inherited = inherited_settings(runs)
    keys = sorted(training_keys() | {"backend", "dataset"})
    for name in (key for key in keys if params.get(key) != earlier.get(key)):
        known = {
            configuration.place: _knows(name, params, experiment.base | configuration.varied)
            for configuration in configurations(experiment, file)
        }
        used = any(
            known[configuration.place]
            and name not in experiment.base | configuration.varied
            and name not in inherited.get(configuration.place, ())
            for configuration in configurations(experiment, file)
        )
        if not used or name in _repeated(experiment):
            raise SettingsError(
                f"{PARAMS}: `{name}` was set to {params.get(name)!r}, but no run of this "
                "experiment uses it: "
                + (
                    _where_from(name, runs, file)
                    or _why_unused(name, experiment, file, any(known.values()))
                )
            )


def _where_from(name: str, runs: Mapping[str, PlannedRun], file: str) -> str:
    """The result from which runs take a setting; empty where none does."""
    origins = [r.origin.start for r in runs.values() if name in r.inherited and r.origin.start]
    return f"{file} takes it from {origins[0]}" if origins else ""


def _repeated(experiment: ExperimentSettings) -> set[str]:
    """The settings that the experiment varies within each configuration."""
    return set(repetitions(experiment)[0].overrides)


def _knows(name: str, params: dict[str, Any], overrides: Overrides) -> bool:
    """Whether a run has the setting `name`: a backend, a data set, or what its backend knows."""
    if PREDICTIONS in overrides:
        return name == "dataset"
    backend = overrides.get("backend", params.get("backend"))
    fields = of_params(plugin_settings("backends", backend, "`backend`"))
    return name in {"backend", "dataset", *fields}


def _why_unused(name: str, experiment: ExperimentSettings, file: str, known: bool) -> str:
    if not known:
        return "no backend of its runs takes such a setting from there"
    if name in _repeated(experiment):
        return f"{file} sets it by `{REPEATING_KEYS[name]}`"
    place = "in `base`" if name in experiment.base else "in each of its runs"
    return f"{file} sets it {place}"
