"""The JSON files that fairtrial writes, as frozen typed models."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from fairtrial import DataError
from fairtrial.files.jsonfile import write_json


class FileModel(BaseModel):
    """A JSON file of fairtrial, or a part of one: every key is known and has one type.

    An int is taken for a float, but nothing else is converted.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


M = TypeVar("M", bound=BaseModel)


def read_model(path: Path, model: type[M]) -> M:
    """The content of a JSON file as a model.

    Raises DataError, naming file and key, where the file is missing or does not fit the model.
    """
    try:
        return model.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except ValidationError as error:
        raise DataError(f"{path}: {_problem(error)}") from error


def _problem(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    if first["type"] == "json_invalid":
        return f"not valid JSON ({first['msg'].removeprefix('Invalid JSON: ')})"
    key = ".".join(map(str, first["loc"]))
    return f"`{key}`: {first['msg']}" if key else first["msg"]


def write_model(path: Path, content: BaseModel, sync: bool = True) -> None:
    """Write a model as sorted, indented JSON, whole or not at all. NaN is refused.

    sync: wait until it is on disk; without it, it may be empty after a power cut.
    """
    write_json(path, content.model_dump(mode="json"), sync)
