"""The runs that an experiment asks for: params.yaml, then its base, then each run's own keys."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from fairtrial import SettingsError
from fairtrial.provenance import canonical
from fairtrial.settings import (
    PARAMS,
    SECTIONS,
    Experiment,
    Overrides,
    plugin_settings,
    training_keys,
)
from fairtrial.yamlfile import closed

LONGEST_LABEL = 80
FROM_SEARCH = "from_search"  # in a run: its settings are those of a trial


class Chosen(NamedTuple):
    """The trial of a search that gives a run some of its settings."""

    study: str
    trial: int | None  # its number; None for the best
    names: tuple[str, ...]  # the settings that it gives

    @property
    def file(self) -> str:
        """The name of the file, in the study's folder of choices, that holds them."""
        return "best.json" if self.trial is None else f"{self.trial}.json"


@dataclass(frozen=True)
class Run:
    """One training: its name, the data it sees, and every setting of its framework."""

    name: str
    dataset: str
    backend: str
    settings: dict[str, Any]
    chosen: Chosen | None = None

    @property
    def configuration(self) -> str:
        """The run's name without its seed."""
        return self.name.rpartition("-s")[0]


class Configuration(NamedTuple):
    """What an experiment says of one configuration, and where it says so."""

    label: str | None  # its name in `runs:`; None where the varied keys make the name
    varied: Overrides
    place: str


def resolve(params: dict[str, Any], experiment: Experiment, file: str) -> dict[str, Run]:
    """All runs of an experiment by name, in the order in which its file lists them.

    Runs with equal settings are one run, under the first of their names. `file` names the
    experiment in messages. Raises SettingsError for a key that the run's framework does not
    know, a value out of range, or two different runs that would have one name.
    """
    found: dict[str, Run] = {}
    seen: set[str] = set()
    for configuration in _configurations(experiment):
        seeds: Sequence[int | None] = experiment.seeds or [None]
        for seed in seeds:
            run = _run(params, experiment, configuration, seed, file)
            content = canonical([run.dataset, run.backend, run.settings, run.chosen])
            if content in seen:
                continue
            if run.name in found:
                place = f"{file}: `{configuration.place}`"
                raise SettingsError(f"{place}: another run is called {run.name} too; rename one")
            seen.add(content)
            found[run.name] = run
    return found


def _configurations(experiment: Experiment) -> Iterator[Configuration]:
    for name, own in experiment.runs.items():
        yield Configuration(name, own or {}, f"runs.{name}")
    for name, values in experiment.sweep.items():
        yield from (Configuration(None, {name: value}, f"sweep.{name}") for value in values)
    if experiment.grid:
        for chosen in itertools.product(*experiment.grid.values()):
            yield Configuration(None, dict(zip(experiment.grid, chosen, strict=True)), "grid")
    if not (experiment.runs or experiment.sweep or experiment.grid):
        yield Configuration("base", {}, "base")
        if experiment.search and len(experiment.search.studies()) == 1:
            yield Configuration("tuned", {FROM_SEARCH: True}, "search")


def starting_run(
    params: dict[str, Any], experiment: Experiment, dataset: str | None, file: str
) -> Run:
    """The run whose settings are a search's first trial: params.yaml and `base`, first seed."""
    place = Configuration("base", {"dataset": dataset} if dataset else {}, "search.datasets")
    seed = experiment.seeds[0] if experiment.seeds else None
    return _run(params, experiment, place, seed, file)


def _chosen(
    experiment: Experiment, overrides: Overrides, own: set[str], place: str
) -> Chosen | None:
    """Which trial gives a run its settings, but for its own; takes that out of `overrides`."""
    trial = overrides.pop(FROM_SEARCH, False)
    if trial is False:
        return None
    if not isinstance(trial, int) or trial < 0:
        raise SettingsError(f"{place}: `{FROM_SEARCH}` must be true, or a trial's number")
    if FROM_SEARCH in experiment.base or experiment.search is None:
        why = "in `base` it would feed the search itself" if experiment.search else "no `search:`"
        raise SettingsError(f"{place}: `{FROM_SEARCH}`: {why}; it belongs in a run beside one")
    studies = list(experiment.search.studies())
    if len(studies) > 1:
        raise SettingsError(
            f"{place}: `{FROM_SEARCH}`: the search has {len(studies)} studies; from which one is "
            "not said. Keep one engine, seed and data set"
        )
    names = sorted(set(experiment.search.space) - own)
    return Chosen(studies[0], None if trial is True else trial, tuple(names))


def _run(
    params: dict[str, Any],
    experiment: Experiment,
    configuration: Configuration,
    seed: int | None,
    file: str,
) -> Run:
    """One run. A default that its framework does not use does not reach it."""
    label, varied, place = configuration
    base = experiment.base
    if seed is not None and "seed" in base | varied:
        raise SettingsError(f"{file}: `{place}`: sets a seed, and `seeds` does so too; keep one")
    overrides = base | varied | ({} if seed is None else {"seed": seed})
    chosen = _chosen(experiment, overrides, set(varied), f"{file}: `{place}`")
    _refuse_sections(overrides, f"{file}: `{place}`")
    common = {name: overrides.pop(name, params.get(name)) for name in ("dataset", "backend")}
    model = plugin_settings("backends", common["backend"], f"{file}: `{place}`: `backend`")
    own = {name: params[name] for name in model.model_fields if name in params}

    def where(key: str) -> str:
        if key not in overrides:
            return PARAMS
        return f"{file}: {place if key in varied else 'base' if key in base else 'seeds'}"

    checked = closed(model, own | overrides, where).model_dump(mode="json")
    shown = label or _label(varied, common | checked)
    return Run(f"{shown}-s{checked['seed']}", **common, settings=checked, chosen=chosen)


def _refuse_sections(overrides: Overrides, where: str) -> None:
    for name in overrides:
        if name in SECTIONS or name == "experiment":
            raise SettingsError(
                f"{where}: `{name}` holds for all runs alike; set it in {PARAMS}, not in a run"
            )


def _label(varied: Overrides, resolved: dict[str, Any]) -> str:
    """A name from the settings that vary, by their parsed values: `lr0=0.0001+momentum=0.9`.

    Only [A-Za-z0-9._=+-]; where that loses something, a short hash of the values is added.
    """
    parts = [f"{name}={_shown(resolved[name])}" for name in sorted(varied)]
    exact = "+".join(parts)
    label = re.sub(r"[^A-Za-z0-9._=+-]+", "_", exact)[:LONGEST_LABEL]
    if label != exact:
        label += "." + hashlib.sha256(exact.encode()).hexdigest()[:6]
    return label


def _shown(value: Any) -> str:
    return f"{value:.12g}" if isinstance(value, float) else str(value)


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
            for configuration in _configurations(experiment)
        }
        used = any(
            known[configuration.place] and name not in experiment.base | configuration.varied
            for configuration in _configurations(experiment)
        )
        if not used or (name == "seed" and experiment.seeds):
            raise SettingsError(
                f"{PARAMS}: `{name}` was set to {params.get(name)!r}, but no run of this "
                f"experiment uses it: {_overrider(name, experiment, file, any(known.values()))}"
            )


def _knows(name: str, params: dict[str, Any], overrides: Overrides) -> bool:
    """Whether a run has such a setting: each has a backend, and what that understands."""
    backend = overrides.get("backend", params.get("backend"))
    fields = plugin_settings("backends", backend, "`backend`").model_fields
    return name in {"backend", "dataset", *fields}


def _overrider(name: str, experiment: Experiment, file: str, known: bool) -> str:
    if not known:
        return "no framework of its runs has such a setting"
    if name == "seed" and experiment.seeds:
        return f"{file} sets it by `seeds`"
    place = "in `base`" if name in experiment.base else "in each of its runs"
    return f"{file} sets it {place}"
