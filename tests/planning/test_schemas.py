"""JSON schemas of the settings: as the models are, true of what ships, and closed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fairtrial.files.yamlfile import read_yaml
from fairtrial.planning.schemas import schemas, text_of

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "workflow" / "schemas"
FOLDER = {"experiment": "experiments", "dataset": "datasets", "source": "sources"}
SHIPPED = [("params", ROOT / "params.yaml")] + [
    (kind, path)
    for kind in FOLDER
    for path in sorted((ROOT / "config" / FOLDER[kind]).glob("*.yaml"))
]


def schema(kind: str) -> Any:
    return json.loads((SCHEMAS / f"{kind}.json").read_text("utf-8"))


def errors(kind: str, content: Any) -> list[str]:
    validator = jsonschema.Draft7Validator(schema(kind))
    return [error.message for error in validator.iter_errors(content)]


def plain(path: Path) -> Any:
    """The file as JSON has it."""
    return json.loads(json.dumps(read_yaml(path, str(path)), default=str))


def test_schemas_are_those_of_the_models() -> None:
    written = {path.stem: path.read_text("utf-8") for path in SCHEMAS.glob("*.json")}
    made = schemas((ROOT / "params.yaml").read_text("utf-8"))
    assert written == {name: text_of(made[name]) for name in made}, "make schemas"


@pytest.mark.parametrize(
    ("kind", "path"), SHIPPED, ids=[path.stem + "." + kind for kind, path in SHIPPED]
)
def test_shipped_file_fits_its_schema_and_names_it(kind: str, path: Path) -> None:
    assert errors(kind, plain(path)) == []
    up = "../" * (len(path.relative_to(ROOT).parts) - 1)
    first = path.read_text("utf-8").splitlines()[0]
    assert first == f"# yaml-language-server: $schema={up}workflow/schemas/{kind}.json"


@pytest.mark.parametrize(
    ("kind", "file", "change"),
    [
        pytest.param("params", "params.yaml", {"lr": 0.1}, id="unknown parameter"),
        pytest.param("params", "params.yaml", {"epochs": "many"}, id="text for a number"),
        pytest.param("params", "params.yaml", {"backend": "detectron"}, id="unknown backend"),
        pytest.param(
            "params", "params.yaml", {"predict": {"cnf": 0.1}}, id="unknown key of a section"
        ),
        pytest.param(
            "experiment", "config/experiments/sizes.yaml", {"seed": [1]}, id="misspelt seeds"
        ),
        pytest.param("experiment", "config/experiments/sizes.yaml", {"seeds": []}, id="no seed"),
        pytest.param(
            "experiment", "config/experiments/sizes.yaml", {"base": {"lr0": "high"}}, id="base"
        ),
        pytest.param(
            "dataset", "config/datasets/shapes.yaml", {"split": {"method": "fair"}}, id="split"
        ),
        pytest.param("source", "config/sources/bccd.yaml", {"kind": "ftp"}, id="unknown kind"),
        pytest.param("source", "config/sources/bccd.yaml", {"format": "vic"}, id="unknown format"),
        pytest.param("source", "config/sources/bccd.yaml", {"options": {"imgs": "x"}}, id="option"),
    ],
)
def test_wrong_setting_is_underlined(kind: str, file: str, change: dict[str, Any]) -> None:
    content = plain(ROOT / file)
    assert errors(kind, content | change) and not errors(kind, content)


def test_settings_are_described_by_the_comments_of_params() -> None:
    described = schema("params")["properties"]
    assert described["lr0"]["description"] == "learning rate at the start"
    assert schema("experiment")["properties"]["base"]["properties"]["lr0"] == described["lr0"]
