"""Runs that take some of their settings from a trial of a search."""

from __future__ import annotations

from typing import NamedTuple

from fairtrial import SettingsError
from fairtrial.files.yamlfile import nearest
from fairtrial.scoring import fitness
from fairtrial.settings.experiment import ExperimentSettings
from fairtrial.settings.grid import Overrides
from fairtrial.settings.search import FROM_SEARCH, best_by


class TrialReference(NamedTuple):
    """The trial of a search that gives a run some of its settings."""

    study: str
    trial: int | str | None  # its number, the metric in which it is the best, None for the fitness
    names: tuple[str, ...]  # the settings that it gives

    @property
    def file(self) -> str:
        """The name of the file, in the study's folder of choices, that holds them."""
        if isinstance(self.trial, str):
            return best_by(self.trial)
        return "best.json" if self.trial is None else f"{self.trial}.json"


def trial_reference(
    experiment: ExperimentSettings, overrides: Overrides, varied: set[str], place: str
) -> TrialReference | None:
    """The trial that gives a run its settings; None where there is none.

    varied: the settings that the run sets itself, which the trial does not give. Removes the key
    `from_search` from `overrides`. Raises SettingsError, naming `place`, for a wrong value.
    """
    trial = overrides.pop(FROM_SEARCH, False)
    if trial is False:
        return None
    if not isinstance(trial, str) and not (isinstance(trial, int) and trial >= 0):
        raise SettingsError(
            f"{place}: `{FROM_SEARCH}` must be true, a trial's number, or a metric on val"
        )
    if FROM_SEARCH in experiment.base or experiment.search is None:
        why = "in `base` the search would need itself" if experiment.search else "no `search:`"
        raise SettingsError(f"{place}: `{FROM_SEARCH}`: {why}; it belongs in a run beside one")
    studies = list(experiment.search.studies())
    if len(studies) > 1:
        raise SettingsError(
            f"{place}: `{FROM_SEARCH}`: the search has {len(studies)} studies, and must have one; "
            "keep one engine, seed and data set"
        )
    trials = experiment.search.trials
    if trials is not None and isinstance(trial, int) and trial is not True and trial >= trials:
        raise SettingsError(
            f"{place}: `{FROM_SEARCH}` is {trial}: the search has {trials} trials, 0 to "
            f"{trials - 1}"
        )
    names = sorted(set(experiment.search.space) - varied)
    return TrialReference(studies[0], None if trial is True else trial, tuple(names))


def refuse_metric(reference: TrialReference | None, task: str, place: str) -> None:
    """Raise SettingsError where a trial is to be the best in a metric that its task lacks."""
    known = [fitness.METRICS[name] for name in fitness.TASK_KEYS[task]]
    if reference and isinstance(reference.trial, str) and reference.trial not in known:
        raise SettingsError(
            f"{place}: `{FROM_SEARCH}`: `{reference.trial}` is no metric on val"
            f"{nearest(reference.trial, known)}"
        )
