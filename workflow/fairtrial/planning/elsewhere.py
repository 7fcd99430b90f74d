"""Configurations of an experiment whose predictions were made elsewhere."""

from __future__ import annotations

from typing import Any

from fairtrial import SettingsError
from fairtrial.files.yamlfile import closed
from fairtrial.planning.configurations import ConfigurationSpec, Repetition
from fairtrial.settings.elsewhere import PREDICTIONS, ElsewhereSettings
from fairtrial.settings.experiment import ExperimentSettings

KEYS = {*ElsewhereSettings.model_fields, "dataset"}


def is_elsewhere(configuration: ConfigurationSpec, experiment: ExperimentSettings) -> bool:
    """Whether its predictions were made elsewhere."""
    return PREDICTIONS in experiment.base | configuration.varied


def settings_by_seed(
    configuration: ConfigurationSpec,
    experiment: ExperimentSettings,
    repeated: list[Repetition],
    default_seed: Any,
    file: str,
) -> dict[int, dict[str, Any]]:
    """The settings of its runs by seed, in the order of the experiment's seeds; of `base` such a
    run has the data set alone.

    Raises SettingsError for a key of a training, and for seeds that the experiment does not have.
    """
    place = f"{file}: `{configuration.place}`"
    if PREDICTIONS in experiment.base or configuration.label is None or configuration.continues:
        raise SettingsError(
            f"{place}: `{PREDICTIONS}` belongs to one of `runs`, which continues no other"
        )
    varied = configuration.varied
    if others := sorted(varied.keys() - KEYS):
        raise SettingsError(
            f"{place}: `{others[0]}` is a setting of a training, and with `{PREDICTIONS}` nothing "
            f"is trained; keep one. Beside it stand only {', '.join(sorted(KEYS - {PREDICTIONS}))}"
        )
    own = {name: value for name, value in varied.items() if name != "dataset"}
    settings = closed(ElsewhereSettings, own, place)
    seeds = list(dict.fromkeys(default_seed if r.seed is None else r.seed for r in repeated))
    if unknown := sorted(settings.predictions.keys() - set(seeds)):
        raise SettingsError(
            f"{place}: `{PREDICTIONS}`: {unknown[0]} is no seed of the experiment, which has "
            f"{', '.join(map(str, seeds))}"
        )
    class_ids = settings.model_dump(mode="json")["class_ids"]
    return {
        seed: {
            "seed": seed,
            "replicate": 1,
            PREDICTIONS: settings.predictions[seed].model_dump(mode="json"),
            "class_ids": class_ids,
        }
        for seed in seeds
        if seed in settings.predictions
    }
