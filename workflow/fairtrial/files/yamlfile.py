"""YAML files as closed models; errors name the file, the key and what would be valid."""

from __future__ import annotations

import difflib
import json
import re
import typing
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from fairtrial import SettingsError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

MESSAGES = {  # by pydantic's type of error, in the terms of YAML
    "bool_type": "must be true or false",
    "finite_number": "must be a finite number",
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "list_type": "must be a list",
    "string_type": "must be a text (in quotes, if it looks like a number)",
    "too_short": "must hold at least one",
    "tuple_type": "must be a list",
}


_LOWER, _UPPER = {"ge": "at least", "gt": "above"}, {"le": "at most", "lt": "below"}
OTHER_LIMITS = {  # by pydantic's type of error, the limits that its message does not name
    **dict.fromkeys(("less_than", "less_than_equal"), _LOWER),
    **dict.fromkeys(("greater_than", "greater_than_equal"), _UPPER),
}
LIMITS = ("ge", "gt", "le", "lt")
LARGEST = 2**31 - 1  # of whole numbers, as frameworks store them
LARGEST_SEED = 2**32 - 1  # of NumPy's generator, which frameworks use
PositiveInt = Annotated[int, Field(ge=1, le=LARGEST)]
NonNegativeInt = Annotated[int, Field(ge=0, le=LARGEST)]

REMEDIES = {  # what is appended to a message of ruamel.yaml, by a part of that message
    "duplicate key": "; keep one of them",
    r"character '\t'": "; indent by spaces, not by tabs",
    "mapping values are not allowed": "; put a text with `: ` in quotes, or correct the indent",
}


class Closed(BaseModel):
    """A section of a YAML file: unknown keys are refused, and so are texts in place of numbers."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"


def _file_name(name: str) -> str:
    if not re.match(NAME, name):
        raise ValueError("a name may hold only letters, digits and ._-, as it names files")
    return name


Name = Annotated[str, Field(max_length=80), AfterValidator(_file_name)]


def distinct(values: list[Any]) -> list[Any]:
    """`values`. Raises ValueError where one of them occurs twice."""
    twice = sorted({str(value) for value in values if values.count(value) > 1})
    if twice:
        raise ValueError(f"must not name anything twice, as it does {', '.join(twice)}")
    return values


def mapping_or_plain(value: object) -> str:
    """The tag of the model for a value, in a union of one model for mappings and one for other
    values. `_problem` leaves a tag in brackets out of error messages."""
    return "[mapping]" if isinstance(value, dict) else "[plain]"


def read_yaml(path: Path, name: str = "") -> dict[str, Any]:
    """The mapping in a YAML file, which messages call `name` (by default its path). Raises
    SettingsError where there is none."""
    where = name or str(path)
    try:
        return read_yaml_text(path.read_text(encoding="utf-8"), where)
    except OSError as error:
        raise SettingsError(f"{where}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{where}: not UTF-8 text ({error})") from error


def read_yaml_text(text: str, where: str) -> dict[str, Any]:
    """A YAML 1.2 mapping (DVC's dialect: `1e-4` is a number, `on` is a text)."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        content = YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        problem = _with_remedy(", ".join(filter(None, (error.context, error.problem))))
        raise SettingsError(f"{where}{line}: not valid YAML: {problem}") from error
    except YAMLError as error:
        problem = str(error).partition("\n")[0]
        raise SettingsError(f"{where}: not valid YAML: {problem}") from error
    if not isinstance(content, dict):
        state = "is empty" if content is None else "holds none"
        raise SettingsError(f"{where}: must hold `key: value` lines, and {state}")
    _refuse_circles(content, (), where)
    return content


def _refuse_circles(value: object, above: tuple[int, ...], where: str) -> None:
    """Raise SettingsError where a list or mapping holds itself, by an anchor and its alias."""
    if not isinstance(value, dict | list):
        return
    if id(value) in above:
        raise SettingsError(f"{where}: not valid: an alias (`*`) within its own anchor (`&`)")
    for inner in value.values() if isinstance(value, dict) else value:
        _refuse_circles(inner, (*above, id(value)), where)


def _with_remedy(problem: str) -> str:
    """A message of ruamel.yaml, with the remedy if there is one."""
    problem = problem.partition(" with value ")[0]  # it prints [] for any list
    remedies = (remedy for message, remedy in REMEDIES.items() if message in problem)
    return problem + next(remedies, "")


def nearest(word: str, known: list[str]) -> str:
    """The end of an error message: the known word that was probably meant, or all of them."""
    match = difflib.get_close_matches(word, known, 1, 0.5)
    if match:
        return f"; did you mean `{match[0]}`?"
    return f"; known: {', '.join(sorted(known))}" if known else ""


M = TypeVar("M", bound=BaseModel)


def closed(model: type[M], content: object, where: str | Callable[[str], str]) -> M:
    """`content` as a `model`. Raises SettingsError that names file, key, value and remedy.

    `where`: the file and section of the keys for messages, or a function that gives it for a key.
    """
    try:
        # as JSON, from which pydantic makes a tuple of a list, but never a number of a text
        text = json.dumps(content, default=str)
    except TypeError:
        file = where if isinstance(where, str) else where("")
        message = "a key must be a text or a number; one is a list or a date"
        raise SettingsError(f"{file}: {message}") from None
    try:
        return model.model_validate_json(text, strict=True)
    except ValidationError as error:
        # pydantic reports a list also as too short where one of its elements is wrong.
        wrong_elements = {problem["loc"][:-1] for problem in error.errors()}
        problems = "\n".join(
            _problem(model, problem, where)
            for problem in error.errors()
            if problem["type"] != "too_short" or problem["loc"] not in wrong_elements
        )
        raise SettingsError(problems) from None


def _problem(model: type[BaseModel], error: ErrorDetails, where: str | Callable[[str], str]) -> str:
    path = [str(part) for part in error["loc"] if not str(part).startswith(("function-", "["))]
    file = where if isinstance(where, str) else where(path[0] if path else "")
    place = f"{file}: `{'.'.join(path)}`" if path else file
    if error["type"] == "extra_forbidden":
        return f"{place}: no such key{nearest(path[-1], _keys(model, path[:-1]))}"
    if error["type"] == "missing":
        return f"{place}: missing"
    if error["type"] in {"dict_type", "model_type", "model_attributes_type"}:
        return f"{place}: must hold `key: value` lines"
    text = re.sub(r"(?<=://)[^/@]*@", "…@", json.dumps(error["input"], default=str))  # passwords
    value = "" if isinstance(error["input"], dict) else f" is {text}:"
    message = MESSAGES.get(error["type"], error["msg"].removeprefix("Value error, "))
    message = re.sub("^(Input|String|List) should", "must", message)
    message += _other_limit(model, path, error["type"])
    return f"{place}{value} {message}" if value else f"{place}: {message}"


def _other_limit(model: type[BaseModel], path: list[str], kind: str) -> str:
    """What a message about one end of a range lacks: its other end, as ` and below 1`."""
    words = OTHER_LIMITS.get(kind, {})
    if len(path) != 1 or path[0] not in model.model_fields:
        return ""
    limits = _limits(model.model_fields[path[0]])
    named = ((text, limits.get(name)) for name, text in words.items())
    return "".join(f" and {text} {value}" for text, value in named if value not in {None, LARGEST})


def _limits(field: Any) -> dict[str, Any]:
    """The ends of the range of a field, or of an inner type of its annotation: `ge`, `gt`, …"""
    limits: dict[str, Any] = {}
    for part in (*getattr(field, "metadata", ()), *getattr(field, "__metadata__", ())):
        limits |= _limits(part)
        limits |= {name: getattr(part, name) for name in LIMITS if hasattr(part, name)}
    annotation = getattr(field, "annotation", None)
    for inner in (annotation, *typing.get_args(annotation)):
        if typing.get_origin(inner) is Annotated:
            limits |= _limits(inner)
    return limits


def _keys(model: type[BaseModel], path: list[str]) -> list[str]:
    """The keys of the model at `path` inside `model`; none where there is no model."""
    for part in path:
        inner = model.model_fields[part].annotation if part in model.model_fields else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return list(model.model_fields)
