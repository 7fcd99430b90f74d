"""Every setting: what params.yaml and the files in config/ may hold.

The models are closed and typed, so that `1e-4` and `0.0001` are one value, and a misspelt key
is an error instead of a default. Which runs an experiment asks for is said in runs.py.
"""

from __future__ import annotations

import difflib
import importlib
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fairtrial import SettingsError

PARAMS = "params.yaml"

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Share = Annotated[float, Field(ge=0, lt=1)]
Overrides = dict[str, Any]


class Closed(BaseModel):
    """A section that knows all of its keys, and takes no text where a number belongs."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


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
    rank_by: Literal["AP", "AP50", "precision", "recall", "f1"]  # figure on val that ranks


class Split(Closed):
    """How a data set's images come to lie in train, val and test."""

    method: Literal["given", "random", "grouped"]
    seed: int = 0
    val: Share = 0.2  # share of the images; ignored where the source gives the split
    test: Share = 0.2


class DataSet(Closed):
    """config/datasets/<name>.yaml: one view of a source."""

    source: Name
    classes: list[str] | None = None  # names to keep, in this order; null keeps all
    split: Split


class MostDropped(Closed):
    """The part of config/sources/<name>.yaml that belongs to every format."""

    max_dropped: Annotated[float, Field(ge=0, le=1)]  # share of unusable images that is borne


class Experiment(Closed):
    """config/experiments/<name>.yaml: one question, and the runs that answer it."""

    title: Annotated[str, Field(min_length=1)]
    question: str = ""
    base: Overrides = {}
    runs: dict[Name, Overrides | None] = {}
    sweep: dict[str, list[Any]] = {}
    grid: dict[str, list[Any]] = {}
    seeds: Annotated[list[int], Field(min_length=1)] | None = None


SECTIONS: dict[str, type[Closed]] = {
    "predict": Predict,
    "validate": Validate,
    "plot": Plot,
    "report": Report,
}
COMMON = {"experiment", "dataset", "backend"}  # top-level keys that belong to no framework


def read_yaml(path: Path) -> dict[str, Any]:
    """A file that holds a YAML mapping."""
    try:
        return read_yaml_text(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError as error:
        near = nearest(path.stem, [p.stem for p in path.parent.glob("*.yaml")])
        raise SettingsError(f"{path}: no such file{near}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not UTF-8 text ({error})") from error


def read_yaml_text(text: str, where: str) -> dict[str, Any]:
    """A YAML 1.2 mapping (DVC's dialect: `1e-4` is a number, `on` is a text)."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        content = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise SettingsError(f"{where}: not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise SettingsError(f"{where}: must hold `key: value` lines")
    return content


def nearest(word: str, known: list[str]) -> str:
    """The end of an error message: the known word that was probably meant, or all of them."""
    match = difflib.get_close_matches(word, known, 1, 0.5)
    if match:
        return f"; did you mean `{match[0]}`?"
    return f"; known: {', '.join(sorted(known))}" if known else ""


def closed(model: type[BaseModel], content: Any, where: str) -> Any:
    """`content` as a `model`, or a SettingsError that names file, key, value and remedy."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        problems = "\n".join(_problem(model, each, where) for each in error.errors())
        raise SettingsError(problems) from None


def _problem(model: type[BaseModel], error: Any, where: str) -> str:
    path = [str(part) for part in error["loc"] if not str(part).startswith("function-")]
    place = f"{where}: `{'.'.join(path)}`" if path else where
    if error["type"] == "extra_forbidden":
        return f"{place}: no such key{nearest(path[-1], _keys(model, path[:-1]))}"
    if error["type"] == "missing":
        return f"{place}: missing"
    shown = "" if isinstance(error["input"], dict) else f" is {error['input']!r}:"
    return f"{place}{shown} {error['msg'].removeprefix('Value error, ')}"


def _keys(model: type[BaseModel], path: list[str]) -> list[str]:
    for part in path:
        inner = model.model_fields[part].annotation if part in model.model_fields else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return list(model.model_fields)


@cache
def plugins(kind: str) -> tuple[str, ...]:
    """The modules of one of the package's folders (backends, formats, sources).

    A leading underscore marks a module that serves another one.
    """
    folder = Path(__file__).parent / kind
    return tuple(sorted(p.stem for p in folder.glob("*.py") if not p.stem.startswith("_")))


def plugin_settings(kind: str, name: str, where: str) -> type[BaseModel]:
    """The `Settings` of one plugin. Raises SettingsError where there is no such module."""
    if name not in plugins(kind):
        raise SettingsError(
            f"{where}: no such {kind[:-1]}: `{name}`" + nearest(name, list(plugins(kind)))
        )
    found: type[BaseModel] = importlib.import_module(f"fairtrial.{kind}.{name}").Settings
    return found


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
    models = [plugin_settings("backends", name, "") for name in plugins("backends")]
    return frozenset(name for model in models for name in model.model_fields)


def read_experiment(name: str) -> Experiment:
    """config/experiments/<name>.yaml."""
    path = Path("config/experiments", f"{name}.yaml")
    experiment: Experiment = closed(Experiment, read_yaml(path), str(path))
    return experiment


def read_dataset(name: str) -> DataSet:
    """config/datasets/<name>.yaml."""
    path = Path("config/datasets", f"{name}.yaml")
    dataset: DataSet = closed(DataSet, read_yaml(path), str(path))
    return dataset


def read_source(name: str) -> dict[str, dict[str, Any]]:
    """config/sources/<name>.yaml: the settings of `download` and (null for weights) `convert`."""
    path = Path("config/sources", f"{name}.yaml")
    content = read_yaml(path)
    kind, form = content.pop("kind", None), content.pop("format", None)
    options, most = content.pop("options", {}), content.pop("max_dropped", 0.05)
    where = f"{path}: `kind`"
    source = closed(plugin_settings("sources", str(kind), where), content, str(path))
    found = {"download": {"name": name, "kind": kind, **source.model_dump(mode="json")}}
    if form is not None:
        model = plugin_settings("formats", str(form), f"{path}: `format`")
        checked = closed(model, options, f"{path}: options")
        share = closed(MostDropped, {"max_dropped": most}, str(path)).max_dropped
        found["convert"] = {
            "format": form,
            "options": checked.model_dump(mode="json"),
            "max_dropped": share,
        }
    return found
