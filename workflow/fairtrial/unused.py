"""A setting that was changed for one call, and that no run uses."""

from __future__ import annotations

from typing import Any

from fairtrial import SettingsError
from fairtrial.runs import MANY, configurations, members
from fairtrial.settings import PARAMS, Experiment, Overrides, plugin_settings, training_keys


def refuse_unused(
    params: dict[str, Any], earlier: dict[str, Any], experiment: Experiment, file: str
) -> None:
    """Refuse a training default that was changed for this call although no run uses it.

    `earlier` is params.yaml before `dvc exp run -S …` wrote to it. A silent no-op would be
    taken for "the parameter makes no difference".
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
        if not used or name in _of_members(experiment):
            raise SettingsError(
                f"{PARAMS}: `{name}` was set to {params.get(name)!r}, but no run of this "
                f"experiment uses it: {_overrider(name, experiment, file, any(known.values()))}"
            )


def _of_members(experiment: Experiment) -> set[str]:
    """The settings that the experiment varies within each configuration."""
    return set(members(experiment)[0].overrides)


def _knows(name: str, params: dict[str, Any], overrides: Overrides) -> bool:
    """Whether a run has such a setting: each has a backend, and what that understands."""
    backend = overrides.get("backend", params.get("backend"))
    fields = plugin_settings("backends", backend, "`backend`").model_fields
    return name in {"backend", "dataset", *fields}


def _overrider(name: str, experiment: Experiment, file: str, known: bool) -> str:
    if not known:
        return "no framework of its runs has such a setting"
    if name in _of_members(experiment):
        return f"{file} sets it by `{MANY[name]}`"
    place = "in `base`" if name in experiment.base else "in each of its runs"
    return f"{file} sets it {place}"
