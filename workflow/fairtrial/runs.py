"""The runs that an experiment asks for: params.yaml, then its base, then each run's own keys."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from fairtrial import SettingsError
from fairtrial.chosen import FROM_SEARCH, Chosen, chosen_by
from fairtrial.provenance import canonical
from fairtrial.settings import (
    PARAMS,
    SECTIONS,
    Experiment,
    Overrides,
    plugin_settings,
    training_keys,
)
from fairtrial.yamlfile import closed, nearest

LONGEST_LABEL = 80


@dataclass(frozen=True)
class Run:
    """One training: its name, the data it sees, and every setting of its framework."""

    name: str
    dataset: str
    backend: str
    task: str  # `detect` or `classify`
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
    variants: dict[str, str | None] | None = None  # of a grid: each key, and a variant's name


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
        yield from _grid(experiment.grid)
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


def _grid(grid: dict[str, list[Any] | dict[str, Overrides | None]]) -> Iterator[Configuration]:
    """All combinations: a list holds values of its key, a mapping sets of overrides by name."""
    for chosen in itertools.product(*grid.values()):
        varied: Overrides = {}
        variants: dict[str, str | None] = {}
        for name, choice in zip(grid, chosen, strict=True):
            found = grid[name]
            if isinstance(found, dict):
                varied |= found[choice] or {}
                variants[name] = choice
            else:
                varied[name] = choice
                variants[name] = None
        yield Configuration(None, varied, "grid", variants)


def _run(
    params: dict[str, Any],
    experiment: Experiment,
    configuration: Configuration,
    seed: int | None,
    file: str,
) -> Run:
    """One run. A default that its framework does not use does not reach it."""
    label, varied, place, _ = configuration
    base = experiment.base
    if seed is not None and "seed" in base | varied:
        raise SettingsError(f"{file}: `{place}`: sets a seed, and `seeds` does so too; keep one")
    overrides = base | varied | ({} if seed is None else {"seed": seed})
    chosen = chosen_by(experiment, overrides, set(varied), f"{file}: `{place}`")
    _refuse_sections(overrides, f"{file}: `{place}`")
    common = {name: overrides.pop(name, params.get(name)) for name in ("dataset", "backend")}
    model = plugin_settings("backends", common["backend"], f"{file}: `{place}`: `backend`")
    own = {name: params[name] for name in model.model_fields if name in params}

    def where(key: str) -> str:
        if key not in overrides:
            return PARAMS
        return f"{file}: {place if key in varied else 'base' if key in base else 'seeds'}"

    asked = own | overrides
    if isinstance(asked.get("weights"), str):
        asked["weights"] = _filled(asked["weights"], asked, where("weights"))
    found = closed(model, asked, where)
    checked = found.model_dump(mode="json")
    shown = label or _label(_named(configuration, common | checked))
    name = f"{shown}-s{checked['seed']}"
    return Run(name, **common, task=found.task, settings=checked, chosen=chosen)


def _refuse_sections(overrides: Overrides, where: str) -> None:
    for name in overrides:
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
