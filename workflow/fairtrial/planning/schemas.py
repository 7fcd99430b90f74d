"""JSON schemas of params.yaml and of the files in config/, by which editors complete and check.

They are written from the models that read the files: `make schemas`. Descriptions of settings are
the comments of params.yaml.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from fairtrial.files.folders import whole_file
from fairtrial.planning.config_files import PARAMS, plugin_settings
from fairtrial.plugins import plugins
from fairtrial.settings.choice import BEST, FROM
from fairtrial.settings.dataset import DatasetSettings
from fairtrial.settings.experiment import ExperimentSettings
from fairtrial.settings.params import SECTIONS
from fairtrial.settings.source import SourceTerms, TrustedCheckpoint
from fairtrial.settings.stages import ConvertSettings

Schema = dict[str, Any]  # JSON Schema, draft 7: what YAML's language server understands

DRAFT = "http://json-schema.org/draft-07/schema#"
TEXT: Schema = {"type": "string"}


def schemas(params: str) -> dict[str, Schema]:
    """The schema of each kind of file, by its name: params, experiment, dataset, source.

    Args:
        params: text of params.yaml, whose comments describe the settings.
    """
    comments = dict(re.findall(r"^(\w+): .*?# (.+)$", params, re.MULTILINE))
    training = _training(comments)
    return {
        "params": _params(training, comments),
        "experiment": _experiment(training),
        "dataset": _file(_model(DatasetSettings)),
        "source": _source(),
    }


def write_schemas(folder: Path) -> None:
    """Write the schemas as <name>.json into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas(Path(PARAMS).read_text("utf-8")).items():
        with whole_file(folder / f"{name}.json") as file:
            file.write(text_of(schema))


def text_of(schema: Schema) -> str:
    """A schema as it stands in its file."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def _file(schema: Schema) -> Schema:
    """The schema of a whole file."""
    return {"$schema": DRAFT} | schema


def _model(model: type[BaseModel]) -> Schema:
    """A model's own schema, complete in itself; without the titles that repeat the keys."""
    schema = model.model_json_schema()
    whole: Schema = _inlined(schema, schema.pop("$defs", {}))
    return whole


def _inlined(node: Any, defined: Schema) -> Any:
    """A part of a schema with what it refers to in its place."""
    if isinstance(node, list):
        return [_inlined(item, defined) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = defined[node["$ref"].removeprefix("#/$defs/")]
        return _inlined(target | {k: v for k, v in node.items() if k != "$ref"}, defined)
    kept = {k: v for k, v in node.items() if k != "title" or not isinstance(v, str)}
    return {key: _inlined(value, defined) for key, value in kept.items()}


def _training(comments: dict[str, str]) -> Schema:
    """The settings of a run by their names: what any backend takes there, and the common ones."""
    keys: dict[str, list[Schema]] = {}
    for name in plugins("backends"):
        fields = _model(plugin_settings("backends", name, "")).get("properties", {})
        for key, schema in fields.items():
            taken = {k: v for k, v in schema.items() if k not in ("default", "description")}
            known = keys.setdefault(key, [])
            if taken not in known:
                known.append(taken)
    merged = {k: taken[0] if len(taken) == 1 else {"anyOf": taken} for k, taken in keys.items()}
    merged |= {"dataset": TEXT, "backend": {"enum": list(plugins("backends"))}}
    return {key: schema | _described(key, comments) for key, schema in merged.items()}


def _described(key: str, comments: dict[str, str]) -> Schema:
    return {"description": comments[key]} if key in comments else {}


def _params(training: Schema, comments: dict[str, str]) -> Schema:
    sections = {name: _model(model) for name, model in SECTIONS.items()}
    experiment = {"experiment": TEXT | _described("experiment", comments)}
    return _file(_closed(experiment | training | sections, ["experiment", *sections]))


def _experiment(training: Schema) -> Schema:
    """Overrides are completed; a key of a grid may also be the name of a set of overrides."""
    schema = _file(_model(ExperimentSettings))
    reference = {
        FROM: TEXT | {"description": "<experiment>[/<run or study>]: what a run begins with"},
        BEST: {
            "type": ["string", "integer"],
            "description": "a metric on val, or a trial's number, in place of the best",
        },
    }
    weights = {"type": "object", "properties": reference, "required": [FROM]}
    pretrained = {"anyOf": [training["pretrained"], weights | {"additionalProperties": False}]}
    properties = training | reference | {"pretrained": pretrained}
    overrides = {"type": ["object", "null"], "properties": properties}
    schema["properties"]["base"] = overrides
    schema["properties"]["runs"]["additionalProperties"] = overrides
    search = next(kind for kind in schema["properties"]["search"]["anyOf"] if "properties" in kind)
    for several in ("engine", "seed", "datasets"):  # one stands for a list of one
        listed = search["properties"][several]
        search["properties"][several] = {"anyOf": [listed, _item(listed)]}
    return schema


def _item(listed: Schema) -> Schema:
    """The schema of one item of a list, which may be one of several kinds."""
    kinds = [listed, *listed.get("anyOf", [])]
    item: Schema = next(kind["items"] for kind in kinds if "items" in kind)
    return item


def _source() -> Schema:
    """One of the kinds of source, each with its keys, and the options of the format."""
    convert = _model(ConvertSettings)["properties"] | {"format": {"enum": list(plugins("formats"))}}
    options = [
        {
            "if": {"properties": {"format": {"const": name}}, "required": ["format"]},
            "then": {"properties": {"options": _format_options(name)}},
        }
        for name in plugins("formats")
    ]
    beside = {"checkpoints": {"additionalProperties": _model(TrustedCheckpoint)}}
    beside |= _model(SourceTerms)["properties"]
    kinds = []
    for kind in plugins("sources"):
        own = _model(plugin_settings("sources", kind, ""))
        keys = {"kind": {"const": kind}} | own.get("properties", {}) | convert | beside
        kinds.append(_closed(keys, ["kind", *own.get("required", [])]))
    return _file({"type": "object", "oneOf": kinds, "allOf": options})


def _format_options(name: str) -> Schema:
    """The options of a format; a source has `splits` beside them."""
    schema = _model(plugin_settings("formats", name, ""))
    schema.get("properties", {}).pop("splits", None)
    return schema


def _closed(properties: Schema, required: list[str]) -> Schema:
    """A mapping that may hold these keys and no other."""
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


if __name__ == "__main__":
    write_schemas(Path("workflow/schemas"))
