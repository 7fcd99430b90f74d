"""Read params.yaml and the files in config/, each as its closed model.

So `1e-4` and `0.0001` are one value, and a misspelt key is an error instead of a default.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Container
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from fairtrial import SettingsError
from fairtrial.files import snapshot
from fairtrial.files.yamlfile import NAME, closed, nearest, read_yaml
from fairtrial.plugins import plugin, plugins
from fairtrial.settings.dataset import DatasetSettings, one_fold
from fairtrial.settings.experiment import ExperimentSettings
from fairtrial.settings.params import COMMON, SECTIONS
from fairtrial.settings.run_name import FoldName
from fairtrial.training.settings import OF_EXPERIMENTS

PARAMS = "params.yaml"


def plugin_settings(kind: str, name: Any, where: str) -> type[BaseModel]:
    """The `Settings` of one plugin. Raises SettingsError where there is no such module."""
    if name not in plugins(kind):
        raise _unknown(kind[:-1], name, list(plugins(kind)), where)
    model: type[BaseModel] = plugin(kind, name).Settings
    return model


def _unknown(kind: str, name: Any, known: list[str], where: str) -> SettingsError:
    if name is None:
        return SettingsError(f"{where}: missing{nearest('', known)}")
    return SettingsError(f"{where}: no such {kind}: `{name}`{nearest(str(name), known)}")


def read_params(path: Path = Path(PARAMS)) -> dict[str, Any]:
    """params.yaml with checked sections; defaults of trainings are checked with their runs.

    Prints the settings that a section lacks, and their defaults, on stderr.
    """
    params = _read(path)
    for name, model in SECTIONS.items():
        if name not in params:
            raise SettingsError(f"{path}: `{name}`: missing")
        section = closed(model, params[name], f"{path}: {name}")
        lacking = {f"{name}.{key}": value for key, value in shipped(model, params[name]).items()}
        print_shipped(lacking, str(path))
        params[name] = section.model_dump()
    known = training_keys() | COMMON | set(SECTIONS)
    for name in params:
        if name in set(ExperimentSettings.model_fields) - known:
            raise SettingsError(
                f"{path}: `{name}`: a key of an experiment, so it stands in "
                f"config/experiments/{params.get('experiment')}.yaml, and `-S` cannot change it"
            )
        if name not in known:
            raise SettingsError(f"{path}: `{name}`: no such key{nearest(str(name), sorted(known))}")
    return params


def _read(path: Path) -> dict[str, Any]:
    """The mapping in a file of settings; messages name it as the user does."""
    return read_yaml(snapshot.root() / path, str(path))


def shipped(model: type[BaseModel], content: Container[str]) -> dict[str, object]:
    """The fields that `content` lacks and whose value is therefore the model's default.

    A setting of the first release has no default there, and must stand in params.yaml; one that
    was added later has one, so that the params.yaml of an older release still holds.
    """
    return {
        name: field.get_default(call_default_factory=True)
        for name, field in model.model_fields.items()
        if name not in content and not field.is_required()
    }


def of_params(model: type[BaseModel]) -> list[str]:
    """The settings of a backend for which a value in params.yaml is meant."""
    fields = model.model_fields.items()
    return [name for name, field in fields if OF_EXPERIMENTS not in field.metadata]


def print_shipped(values: dict[str, object], path: str = PARAMS) -> None:
    """Print on stderr which settings a file lacks, and the defaults that hold instead."""
    for name, value in values.items():
        text = json.dumps(to_jsonable_python(value))
        print(f"{path} lacks `{name}`; the shipped value {text} holds", file=sys.stderr)


@cache
def training_keys() -> frozenset[str]:
    """The keys of params.yaml that some backend understands."""
    models = [plugin_settings("backends", name, "") for name in plugins("backends")]
    return frozenset(name for model in models for name in model.model_fields)


def read_experiment(name: Any, where: str = f"{PARAMS}: `experiment`") -> ExperimentSettings:
    """config/experiments/<name>.yaml; `where` says where it is named."""
    path = config_file("experiments", name, where)
    return closed(ExperimentSettings, _read(path), str(path))


def read_dataset(name: Any, where: str = "`dataset`") -> DatasetSettings:
    """config/datasets/<name>.yaml; `where` says where it is named.

    `<name>.fold2` is the second of the data sets that a `kfold` in <name>.yaml stands for.
    """
    return one_fold(_data_set(name, where), str(name), where)


def data_sets(name: Any, where: str = "`dataset`") -> list[str]:
    """The data sets that a name stands for: itself, or one a fold where it leaves the fold open."""
    if FoldName.parse(str(name)).fold is not None:
        return [str(name)]
    return _data_set(name, where).folds(str(name))


def _data_set(name: Any, where: str) -> DatasetSettings:
    fold_name = FoldName.parse(str(name))
    path = config_file("datasets", name if fold_name.fold is None else fold_name.name, where)
    return closed(DatasetSettings, _read(path), str(path))


def config_file(folder: str, name: Any, where: str) -> Path:
    """config/<folder>/<name>.yaml. Raises SettingsError, with the nearest name, without it."""
    path = Path("config", folder, f"{name}.yaml")
    files = (snapshot.root() / path.parent).glob("*.yaml")
    known = [p.stem for p in files if re.match(NAME, p.stem)]
    if name in known:
        return path
    if (snapshot.root() / path).is_file():
        raise SettingsError(f"{where}: {path}: a name may hold only letters, digits and ._-")
    project = Path(os.environ.get("DVC_ROOT", "")).absolute()
    if project != Path.cwd() and (project / path).is_file():
        raise SettingsError(
            f"{where}: {path}: git does not know it, so that DVC's temporary copy lacks it; "
            f"`git add {path}` and try again"
        )
    raise _unknown(f"{folder[:-1]} in {path.parent}", name, known, where)
