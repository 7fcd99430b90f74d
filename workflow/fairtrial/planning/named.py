"""The experiments that a plan names, and those on which they rest, each read once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from fairtrial import SettingsError
from fairtrial.planning.config_files import read_experiment
from fairtrial.planning.experiment import PlannedExperiment
from fairtrial.planning.references import named_experiments


def read_named(
    named: Mapping[Any, str], params: dict[str, Any], earlier: dict[str, Any] | None
) -> dict[str, PlannedExperiment]:
    """Experiments by name, each behind those to which it refers.

    named: where each is named, for messages; earlier: params.yaml before DVC changed it for this
    call, if it did.
    """
    read: dict[str, PlannedExperiment] = {}
    for name, place in named.items():
        _read(name, place, params, earlier, read, ())
    _refuse_both_kinds(read.values())
    return read


def _read(
    name: Any,
    place: str,
    params: dict[str, Any],
    earlier: dict[str, Any] | None,
    read: dict[str, PlannedExperiment],
    above: tuple[str, ...],
) -> None:
    """Add an experiment to `read`, and before it those that it refers to. `above`: those on the way
    to it. Raises SettingsError where experiments refer to each other in a circle."""
    if name in read:
        return
    if name in above:
        circle = " → ".join([*above[above.index(name) :], name])
        raise SettingsError(f"{place}: experiments begin with each other's results: {circle}")
    settings = read_experiment(name, place)
    for other, where in named_experiments(settings):
        if other != name:
            file = f"config/experiments/{name}.yaml: {where}"
            _read(other, file, params, None, read, (*above, str(name)))
    read[name] = PlannedExperiment.resolve(str(name), params, settings, {**read}, earlier)


def _refuse_both_kinds(experiments: Collection[PlannedExperiment]) -> None:
    """Raise SettingsError where predictions of a run were made elsewhere, and another experiment
    of the plan trains a run of that name: rules know them by their names."""
    trained = {run: e for e in experiments for run in e.trained_here}
    for experiment in experiments:
        for run in experiment.made_elsewhere:
            if run in trained:
                raise SettingsError(
                    f"{experiment.file}: the predictions of {run} were made elsewhere, and "
                    f"{trained[run].file}, with which it is planned, trains a run of that name; "
                    "rename one"
                )
