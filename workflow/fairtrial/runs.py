"""The runs that an experiment asks for: params.yaml, then its base, then each run's own keys."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from fairtrial import SettingsError
from fairtrial.grids import combinations
from fairtrial.provenance import canonical
from fairtrial.settings import (
    PARAMS,
    SECTIONS,
    Experiment,
    Overrides,
    plugin_settings,
)
from fairtrial.yamlfile import closed, nearest

LONGEST_LABEL = 80
MANY = {"seed": "seeds", "replicate": "replicate"}  # a setting → the experiment's key for it


@dataclass(frozen=True)
class Run:
    """One training: its name, the data it sees, and every setting of its framework."""

    name: str
    dataset: str
    backend: str
    task: str  # `detect` or `classify`
    settings: dict[str, Any]
    continues: str = ""  # the run that it goes on from; empty from the start

    @property
    def configuration(self) -> str:
        """The run's name without its seed and replicate."""
        return self.name.rpartition("-s")[0]


class Configuration(NamedTuple):
    """What an experiment says of one configuration, and where it says so."""

    label: str | None  # its name in `runs:`; None where the varied keys make the name
    varied: Overrides
    place: str
    continues: str = ""  # the label of the one that it goes on from
    variants: dict[str, str | None] | None = None  # of a grid: each key, and a variant's name


class Member(NamedTuple):
    """One run of a configuration; None: as params.yaml or the run itself says."""

    seed: int | None
    replicate: int | None

    @property
    def overrides(self) -> Overrides:
        return {name: value for name, value in self._asdict().items() if value is not None}


def resolve(
    params: dict[str, Any],
    experiment: Experiment,
    file: str,
    data_sets: Callable[[str, str], list[str]] = lambda name, place: [name],
) -> dict[str, Run]:
    """All runs of an experiment by name, in the order in which its file lists them.

    Runs with equal settings are one run, under the first of their names. `file` names the
    experiment in messages; `data_sets` tells the folds that a data set stands for, of a name and
    the place where it is named. Raises SettingsError for a key that the run's framework does not
    know, a value out of range, or two different runs that would have one name.
    """
    found: dict[str, Run] = {}
    names: dict[str, str] = {}  # what makes a run another one → its name
    made: dict[tuple[str, Member, str], str] = {}  # label, member and data set → the run's name
    for configuration in configurations(experiment, file):
        place = f"{file}: `{configuration.place}`"
        for member in members(experiment):
            asked = _run(params, experiment.base, configuration, member, file)
            for each in _of_folds(asked, data_sets(asked.dataset, f"{place}: `dataset`")):
                earlier = made.get((configuration.continues, member, each.dataset), "")
                run = replace(each, continues=earlier)
                _refuse_no_more_epochs(run, found, place)
                content = canonical([run.dataset, run.backend, run.settings, earlier])
                if content not in names and run.name in found:
                    raise SettingsError(f"{place}: another run is called {run.name}; rename one")
                name = names.setdefault(content, run.name)
                found.setdefault(name, run)
                if configuration.label:
                    made[configuration.label, member, run.dataset] = name
    return found


def _of_folds(run: Run, data_sets: list[str]) -> list[Run]:
    """The run itself, or one on each fold of its data set, called `<configuration>.fold2-s0`."""
    if data_sets == [run.dataset]:
        return [run]
    label, _, member = run.name.rpartition("-s")
    return [
        replace(run, name=f"{label}.{name.rpartition('.')[2]}-s{member}", dataset=name)
        for name in data_sets
    ]


def members(experiment: Experiment) -> list[Member]:
    """The runs of each configuration: every seed, with every replicate."""
    seeds: Sequence[int | None] = experiment.seeds or [None]
    several = experiment.replicate > 1
    replicates = range(1, experiment.replicate + 1) if several else [None]
    return [Member(seed, replicate) for seed in seeds for replicate in replicates]


def _refuse_no_more_epochs(run: Run, found: dict[str, Run], place: str) -> None:
    if not run.continues:
        return
    before, after = (each.settings["epochs"] for each in (found[run.continues], run))
    if not 0 < before < after:
        raise SettingsError(
            f"{place}: `epochs` is {after}, and the run that it continues has {before}; it must "
            "have more, and that one at least 1"
        )


CONTINUED = {"epochs", "patience"}  # what a run may change of the one that it continues


def configurations(experiment: Experiment, file: str) -> Iterator[Configuration]:
    """The configurations that an experiment asks for, in the order of its file."""
    above: dict[str, Overrides] = {}
    for name, own in experiment.runs.items():
        varied = dict(own or {})
        earlier = varied.pop("continues", "")
        if earlier:
            _refuse_other_changes(varied, earlier, list(above), f"{file}: runs.{name}")
            varied = above[earlier] | varied
        above[name] = varied
        yield Configuration(name, varied, f"runs.{name}", earlier)
    for name, values in experiment.sweep.items():
        yield from (Configuration(None, {name: value}, f"sweep.{name}") for value in values)
    if experiment.grid:
        for varied, variants in combinations(experiment.grid):
            yield Configuration(None, varied, "grid", variants=variants)
    if not (experiment.runs or experiment.sweep or experiment.grid):
        yield Configuration("base", {}, "base")


def _refuse_other_changes(own: Overrides, earlier: Any, above: list[str], place: str) -> None:
    if earlier not in above:
        raise SettingsError(
            f"{place}: `continues` is {earlier!r}: must be a run that stands above it in `runs`"
            + nearest(str(earlier), above)
        )
    for name in own.keys() - CONTINUED:
        raise SettingsError(
            f"{place}: `{name}`: a run that continues another one may change only its `epochs` "
            "and `patience`; the rest is as it was"
        )


def _run(
    params: dict[str, Any],
    base: Overrides,
    configuration: Configuration,
    member: Member,
    file: str,
) -> Run:
    """One run. A default that its framework does not use does not reach it."""
    label, varied, place = configuration[:3]
    for name in member.overrides.keys() & (base | varied).keys():
        raise SettingsError(
            f"{file}: `{place}`: sets `{name}`, and the experiment's `{MANY[name]}` does so too; "
            "keep one"
        )
    overrides = base | varied | member.overrides
    _refuse_sections(overrides, f"{file}: `{place}`")
    common = {name: overrides.pop(name, params.get(name)) for name in ("dataset", "backend")}
    model = plugin_settings("backends", common["backend"], f"{file}: `{place}`: `backend`")
    own = {name: params[name] for name in model.model_fields if name in params}

    def where(key: str) -> str:
        if key not in overrides:
            return PARAMS
        return f"{file}: {place if key in varied else 'base' if key in base else MANY[key]}"

    asked = own | overrides
    if isinstance(asked.get("weights"), str):
        asked["weights"] = _filled(asked["weights"], asked, where("weights"))
    found = closed(model, asked, where)
    checked = found.model_dump(mode="json")
    shown = label or _label(_named(configuration, common | checked))
    replicate = checked["replicate"]
    suffix = f"-s{checked['seed']}" + (f"r{replicate}" if replicate > 1 else "")
    return Run(shown + suffix, **common, task=found.task, settings=checked)


def _refuse_sections(overrides: Overrides, where: str) -> None:
    for name in overrides:
        if name == "continues":
            raise SettingsError(f"{where}: `continues` belongs to one of `runs`")
        if name in SECTIONS or name == "experiment":
            raise SettingsError(
                f"{where}: `{name}` holds for all runs alike; set it in {PARAMS}, not in a run"
            )


def _filled(weights: str, settings: dict[str, Any], where: str) -> str:
    """`yolov8/{model}.pt` with the run's own settings in the place of their names."""

    def told(match: re.Match[str]) -> str:
        if match[1] not in settings:
            known = nearest(match[1], list(settings))
            raise SettingsError(f"{where}: `weights`: {match[0]} is no setting of the run{known}")
        return _shown(settings[match[1]])

    return re.sub(r"\{(\w+)\}", told, weights)


def _named(configuration: Configuration, resolved: dict[str, Any]) -> dict[str, Any]:
    """What its name is made of: variants by their names, other keys by their values."""
    variants = configuration.variants or dict.fromkeys(configuration.varied)
    return {key: resolved[key] if name is None else name for key, name in variants.items()}


def _label(varied: dict[str, Any]) -> str:
    """A name from what varies, by parsed values: `lr0=0.0001+momentum=0.9`.

    Only [A-Za-z0-9._=+-]; where that loses something, a short hash of the values is added.
    """
    parts = [f"{name}={_shown(varied[name])}" for name in sorted(varied)]
    exact = "+".join(parts)
    label = re.sub(r"[^A-Za-z0-9._=+-]+", "_", exact)[:LONGEST_LABEL]
    if label != exact:
        label += "." + hashlib.sha256(exact.encode()).hexdigest()[:6]
    return label


def _shown(value: Any) -> str:
    return f"{value:.12g}" if isinstance(value, float) else str(value)
