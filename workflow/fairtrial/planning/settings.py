"""Every setting: what params.yaml and the files in config/ may hold.

The models are closed and typed, so that `1e-4` and `0.0001` are one value, and a misspelt key
is an error instead of a default. Which runs an experiment asks for is said in runs.py.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    field_validator,
)

from fairtrial import SettingsError
from fairtrial.files.yamlfile import NAME, Closed, Name, closed, distinct, nearest, read_yaml
from fairtrial.planning.datasets import FOLD, DataSet, one_fold
from fairtrial.planning.grids import Grid
from fairtrial.planning.searchspace import Search
from fairtrial.plugins import plugin, plugins
from fairtrial.scoring.ranking import RankBy

PARAMS = "params.yaml"


Seed = Annotated[int, Field(ge=0)]
Overrides = dict[str, Any]
Values = Annotated[list[Any], Field(min_length=1)]


class Predict(Closed):
    """`predict:` in params.yaml. A change runs every model over val and test again."""

    conf: Annotated[float, Field(ge=0, lt=1)]  # detections below this confidence are dropped
    iou: Annotated[float, Field(gt=0, le=1)]  # overlap above which NMS merges two boxes
    max_det: Annotated[int, Field(ge=1)]  # detections an image at most
    speed_images: Annotated[int, Field(ge=100)]  # images timed one by one, after a warm-up


class Validate(Closed):
    """`validate:` in params.yaml. A change scores the stored predictions again."""

    iou: Annotated[float, Field(gt=0, lt=1)]  # overlap at which precision and recall count a hit
    max_det: Annotated[int, Field(ge=1)]  # detections an image and class that are scored


class Plot(Closed):
    """`plot:` in params.yaml. A change draws the figures again."""

    gallery: Annotated[int, Field(ge=0, le=24)]  # test images shown with every model's boxes


class Report(Closed):
    """`report:` in params.yaml. A change sets the report again."""

    timings: bool  # false leaves times out, so that two machines print equal reports
    # figure on val that ranks; fitness: as the runs' own setting says; or weights of figures
    rank_by: RankBy


class Experiment(Closed):
    """config/experiments/<name>.yaml: one question, and the runs that answer it."""

    title: Annotated[str, Field(min_length=1)]
    question: str = ""
    base: Overrides = Field(default_factory=dict)
    runs: dict[Name, Overrides | None] = Field(default_factory=dict)
    sweep: dict[str, Values] = Field(default_factory=dict)
    grid: Grid = Field(default_factory=dict)  # values of a key, or sets of overrides by name
    seeds: Annotated[list[Seed], Field(min_length=1), AfterValidator(distinct)] | None = None
    replicate: Annotated[int, Field(ge=1)] = 1  # trainings of each run with one seed
    search: Search | None = None

    @field_validator("search", mode="before")
    @classmethod
    def _says_something(cls, found: Any) -> Any:
        if found is None:
            raise ValueError("needs `space`, and `trials` or `hours`; no search: leave it out")
        return found


SECTIONS: dict[str, type[Closed]] = {
    "predict": Predict,
    "validate": Validate,
    "plot": Plot,
    "report": Report,
}
COMMON = {"experiment", "dataset", "backend"}  # top-level keys that belong to no framework


def plugin_settings(kind: str, name: Any, where: str) -> type[BaseModel]:
    """The `Settings` of one plugin. Raises SettingsError where there is no such module."""
    if name not in plugins(kind):
        raise _unknown(kind[:-1], name, list(plugins(kind)), where)
    found: type[BaseModel] = plugin(kind, name).Settings
    return found


def _unknown(what: str, name: Any, known: list[str], where: str) -> SettingsError:
    if name is None:
        return SettingsError(f"{where}: missing{nearest('', known)}")
    return SettingsError(f"{where}: no such {what}: `{name}`{nearest(str(name), known)}")


def read_params(path: Path = Path(PARAMS)) -> dict[str, Any]:
    """params.yaml, its sections checked; training defaults are checked with their run."""
    params = read_yaml(path)
    for name, model in SECTIONS.items():
        if name not in params:
            raise SettingsError(f"{path}: `{name}`: missing")
        params[name] = closed(model, params[name], f"{path}: {name}").model_dump()
    known = training_keys() | COMMON | set(SECTIONS)
    for name in params:
        if name not in known:
            raise SettingsError(f"{path}: `{name}`: no such key{nearest(str(name), sorted(known))}")
    return params


@cache
def training_keys() -> frozenset[str]:
    """The keys of params.yaml that some framework understands."""
    models = [plugin_settings("backends", name, "") for name in plugins("backends")]
    return frozenset(name for model in models for name in model.model_fields)


def read_experiment(name: Any, where: str = f"{PARAMS}: `experiment`") -> Experiment:
    """config/experiments/<name>.yaml; `where` says where it is named."""
    path = config_file("experiments", name, where)
    experiment: Experiment = closed(Experiment, read_yaml(path), str(path))
    return experiment


def read_dataset(name: Any, where: str = "`dataset`") -> DataSet:
    """config/datasets/<name>.yaml; `where` says where it is named.

    `<name>.fold2` is the second of the data sets that a `kfold` in <name>.yaml stands for.
    """
    return one_fold(_data_set(name, where), str(name), where)


def data_sets(name: Any, where: str = "`dataset`") -> list[str]:
    """The data sets that a name stands for: itself, or one a fold where it leaves the fold open."""
    return [str(name)] if FOLD.match(str(name)) else _data_set(name, where).folds(str(name))


def _data_set(name: Any, where: str) -> DataSet:
    fold = FOLD.match(str(name))
    path = config_file("datasets", fold[1] if fold else name, where)
    dataset: DataSet = closed(DataSet, read_yaml(path), str(path))
    return dataset


def config_file(folder: str, name: Any, where: str) -> Path:
    """config/<folder>/<name>.yaml; raises SettingsError, saying what was meant, without one."""
    path = Path("config", folder, f"{name}.yaml")
    known = [p.stem for p in path.parent.glob("*.yaml") if re.match(NAME, p.stem)]
    if name in known:
        return path
    if path.is_file():
        raise SettingsError(f"{where}: {path}: a name may hold only letters, digits and ._-")
    raise _unknown(f"{folder[:-1]} in {path.parent}", name, known, where)
