"""The configurations that an experiment lists: its `runs`, its sweep, its grid; and their names."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from fairtrial import SettingsError
from fairtrial.files.yamlfile import nearest
from fairtrial.settings.choice import FROM
from fairtrial.settings.experiment import ExperimentSettings
from fairtrial.settings.grid import Overrides, combinations, value_text

LONGEST_LABEL = 80
# The keys of an experiment that repeat each configuration, by the setting that they vary.
REPEATING_KEYS = {"seed": "seeds", "replicate": "replicate"}
CONTINUED = {
    "epochs",
    "patience",
}  # the settings in which a run may differ from the one that it continues


class ConfigurationSpec(NamedTuple):
    """One configuration as an experiment states it, and the place in its file."""

    label: str | None  # its name in `runs:`; None where the varied keys make the name
    varied: Overrides
    place: str
    variants: dict[str, str | None] | None = None  # of a grid: the variant's name, by key
    continues: str = ""  # the label of the configuration that it continues; empty: of none


class Repetition(NamedTuple):
    """Seed and replicate of one run; None where params.yaml or the run itself sets them."""

    seed: int | None
    replicate: int | None

    @property
    def overrides(self) -> Overrides:
        return {name: value for name, value in self._asdict().items() if value is not None}


def repetitions(experiment: ExperimentSettings) -> list[Repetition]:
    """The runs of each configuration: its seeds, and the replicates of each."""
    seeds: Sequence[int | None] = experiment.seeds or [None]
    several = experiment.replicate > 1
    replicates = range(1, experiment.replicate + 1) if several else [None]
    return [Repetition(seed, replicate) for seed in seeds for replicate in replicates]


def configurations(
    experiment: ExperimentSettings, file: str, own: str = ""
) -> Iterator[ConfigurationSpec]:
    """The configurations in the order of the file. Raises SettingsError for a wrong `continues`.

    own: the name of the experiment, by which it refers to its own search.
    """
    above: dict[str, Overrides] = {}
    for name, overrides in experiment.runs.items():
        varied = dict(overrides or {})
        earlier = varied.pop("continues", "")
        if earlier:
            _refuse_other_changes(varied, earlier, list(above), f"{file}: runs.{name}")
            varied = above[earlier] | varied
        above[name] = varied
        yield ConfigurationSpec(name, varied, f"runs.{name}", continues=earlier)
    for name, values in experiment.sweep.items():
        yield from (ConfigurationSpec(None, {name: value}, f"sweep.{name}") for value in values)
    if experiment.grid:
        for varied, variants in combinations(experiment.grid):
            yield ConfigurationSpec(None, varied, "grid", variants)
    if not (experiment.runs or experiment.sweep or experiment.grid):
        yield ConfigurationSpec("base", {}, "base")
        if experiment.search and len(experiment.search.studies()) == 1:
            (study,) = experiment.search.studies()
            yield ConfigurationSpec("tuned", {FROM: f"{own}/{study}"}, "search")


def _refuse_other_changes(changes: Overrides, earlier: Any, above: list[str], place: str) -> None:
    if earlier not in above:
        raise SettingsError(
            f"{place}: `continues` is {earlier!r}: must be a run that stands above it in `runs`"
            + nearest(str(earlier), above)
        )
    for name in changes.keys() - CONTINUED:
        raise SettingsError(
            f"{place}: `{name}`: a run that continues another one may change only its `epochs` "
            "and `patience`; all other settings stay"
        )


def name_of(configuration: ConfigurationSpec, resolved: dict[str, Any]) -> str:
    """The label of a configuration, or a name made of what varies: variants and values."""
    if configuration.label:
        return configuration.label
    variants = configuration.variants or dict.fromkeys(configuration.varied)
    return _label({k: resolved[k] if name is None else name for k, name in variants.items()})


def _label(varied: dict[str, Any]) -> str:
    """A name from what varies, by parsed values: `lr0=0.0001+momentum=0.9`.

    Only [A-Za-z0-9._=+-]; where that loses something, a short hash of the values is added.
    """
    parts = [f"{name}={value_text(varied[name])}" for name in sorted(varied)]
    exact = "+".join(parts)
    label = re.sub(r"[^A-Za-z0-9._=+-]+", "_", exact)[:LONGEST_LABEL]
    if label != exact:
        label += "." + hashlib.sha256(exact.encode()).hexdigest()[:6]
    return label
