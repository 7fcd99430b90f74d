"""Every setting: what params.yaml and the files in config/ may hold.

The models are closed and typed, so that `1e-4` and `0.0001` are one value, and a misspelt key
is an error instead of a default. Which runs an experiment asks for is said in runs.py.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from fairtrial import SettingsError
from fairtrial.defects import KINDS
from fairtrial.fitness import normalised
from fairtrial.plugins import plugin, plugins
from fairtrial.searchspace import Search
from fairtrial.yamlfile import Closed, closed, nearest, read_yaml

PARAMS = "params.yaml"

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"


def _distinct(values: list[Any]) -> list[Any]:
    twice = sorted({str(value) for value in values if values.count(value) > 1})
    if twice:
        raise ValueError(f"must name each once; {', '.join(twice)} stands there twice")
    return values


def _safe(name: str) -> str:
    if not re.match(NAME, name):
        raise ValueError("a name may hold only letters, digits and ._-, as it names files")
    return name


def _some_weight(weights: dict[str, float]) -> dict[str, float]:
    normalised(weights)
    return weights


Name = Annotated[str, Field(max_length=80), AfterValidator(_safe)]
Share = Annotated[float, Field(ge=0, lt=1)]
Seed = Annotated[int, Field(ge=0)]
Overrides = dict[str, Any]
Values = Annotated[list[Any], Field(min_length=1)]
Variants = Annotated[dict[Name, Overrides | None], Field(min_length=1)]
Weights = Annotated[
    dict[Literal["precision", "recall", "f1", "map50", "map50_95"], Annotated[float, Field(ge=0)]],
    AfterValidator(_some_weight),
]


def _shape(found: Any) -> str:
    """Which of two models a value is meant for; the bracket keeps the tag out of messages."""
    return "[mapping]" if isinstance(found, dict) else "[plain]"


Dimension = Annotated[
    Annotated[Values, Tag("[plain]")] | Annotated[Variants, Tag("[mapping]")],
    Discriminator(_shape),
]
RankBy = Annotated[
    Annotated[Literal["fitness", "AP", "AP50", "precision", "recall", "f1"], Tag("[plain]")]
    | Annotated[Weights, Tag("[mapping]")],
    Discriminator(_shape),
]


def _once(grid: dict[str, Any]) -> dict[str, Any]:
    setters: dict[str, str] = {}
    for name, found in grid.items():
        variants = found.values() if isinstance(found, dict) else [{name: None}]
        for key in {key for overrides in variants for key in overrides or {}}:
            if setters.setdefault(key, name) != name:
                raise ValueError(f"`{key}` is set by `{setters[key]}` and by `{name}`; keep one")
    return grid


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


class Split(Closed):
    """How a data set's images come to lie in train, val and test."""

    method: Literal["given", "random", "grouped"]
    seed: int = 0
    val: Annotated[Share, Field(gt=0)] = 0.2  # share of images; ignored where the split is given
    test: Share = 0.2

    @model_validator(mode="after")
    def _leaves_train(self) -> Split:
        if self.val + self.test >= 1:
            raise ValueError("`val` and `test` together leave nothing to train on")
        return self


class DataSet(Closed):
    """config/datasets/<name>.yaml: one view of a source."""

    source: Name
    # Names to keep, in this order; null keeps all.
    classes: Annotated[list[str], Field(min_length=1), AfterValidator(_distinct)] | None = None
    split: Split


class Cleaning(Closed):
    """The part of config/sources/<name>.yaml that belongs to every format."""

    max_dropped: Annotated[float, Field(ge=0, le=1)] = 0.05  # share of unusable images borne
    defects: dict[str, str] = Field(default_factory=dict)  # another action than a kind's own
    # On which pixels boxes of images that EXIF turns were drawn, where no size tells.
    drawn_on: Literal["shown", "stored"] | None = None

    @field_validator("defects")
    @classmethod
    def _possible(cls, defects: dict[str, str]) -> dict[str, str]:
        for kind, action in defects.items():
            if kind not in KINDS:
                raise ValueError(f"`{kind}` is no kind of defect{nearest(kind, list(KINDS))}")
            if action not in KINDS[kind].actions:
                possible = list(KINDS[kind].actions)
                raise ValueError(f"{kind}: cannot `{action}`{nearest(action, possible)}")
        return defects


class Experiment(Closed):
    """config/experiments/<name>.yaml: one question, and the runs that answer it."""

    title: Annotated[str, Field(min_length=1)]
    question: str = ""
    base: Overrides = Field(default_factory=dict)
    runs: dict[Name, Overrides | None] = Field(default_factory=dict)
    sweep: dict[str, Values] = Field(default_factory=dict)
    # values of a key, or sets of overrides by name
    grid: Annotated[dict[str, Dimension], AfterValidator(_once)] = Field(default_factory=dict)
    seeds: Annotated[list[Seed], Field(min_length=1), AfterValidator(_distinct)] | None = None
    search: Search | None = None


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
    path = _config("experiments", name, where)
    experiment: Experiment = closed(Experiment, read_yaml(path), str(path))
    return experiment


def read_dataset(name: Any, where: str = "`dataset`") -> DataSet:
    """config/datasets/<name>.yaml; `where` says where it is named."""
    path = _config("datasets", name, where)
    dataset: DataSet = closed(DataSet, read_yaml(path), str(path))
    return dataset


def _config(folder: str, name: Any, where: str) -> Path:
    path = Path("config", folder, f"{name}.yaml")
    known = [p.stem for p in path.parent.glob("*.yaml") if re.match(NAME, p.stem)]
    if name in known:
        return path
    if path.is_file():
        raise SettingsError(f"{where}: {path}: a name may hold only letters, digits and ._-")
    raise _unknown(f"{folder[:-1]} in {path.parent}", name, known, where)


def read_source(name: Any, where: str = "`source`") -> dict[str, dict[str, Any]]:
    """config/sources/<name>.yaml: the settings of `download` and, unless it holds only other
    files (as checkpoints), of `convert`; `where` says where the source is named."""
    path = _config("sources", name, where)
    content = read_yaml(path)
    kind, form = content.pop("kind", None), content.pop("format", None)
    options = content.pop("options", {})
    cleaning = {key: content.pop(key) for key in Cleaning.model_fields if key in content}
    source = closed(plugin_settings("sources", kind, f"{path}: `kind`"), content, str(path))
    found = {"download": {"name": name, "kind": kind, **source.model_dump(mode="json")}}
    if form is not None:
        model = plugin_settings("formats", form, f"{path}: `format`")
        checked = closed(model, options, f"{path}: options")
        found["convert"] = {
            "format": form,
            "options": checked.model_dump(mode="json"),
            **closed(Cleaning, cleaning, str(path)).model_dump(mode="json"),
        }
    return found
