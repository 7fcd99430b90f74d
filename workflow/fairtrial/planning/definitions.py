"""The top level of each module of the package: what it defines, and what its names stand for."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

from fairtrial.planning.scopes import bindings, origins

PACKAGE = Path(__file__).parents[1]

# Modules that store, name or describe a result and have no influence on it.
OUTSIDE = {"", "files.yamlfile", "planning.fingerprint", "search.progress"}
OUTSIDE |= {"files.snapshot", "training.commits", "training.progress", "training.provenance"}
OUTSIDE |= {"training.unpickling", "devices.pinning"}
OUTSIDE |= {"store.entries", "store.keys", "store.locks", "store.sums"}

OF_A_MODULE = {"__doc__", "__file__", "__name__", "__package__", "__path__", "__spec__"}


class Definition(NamedTuple):
    """A name at the top level of a module, named without the package."""

    module: str
    name: str  # ALWAYS: what runs whenever the module is imported; WHOLE: everything in it


ALWAYS, WHOLE = "", "*"


class InternalModule(NamedTuple):
    """A module of the package."""

    name: str


class Foreign(NamedTuple):
    """A name of another package by its dotted origin, such as `numpy.random.default_rng`."""

    origin: str


# A text is written as it is: a builtin, or a name whose definition does not count.
Meaning = Definition | InternalModule | Foreign | str


@dataclass
class Module:
    """The top level of one module: its definitions, its imports, and what always runs."""

    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)  # name → dotted origin
    for_types: dict[str, str] = field(default_factory=dict)  # the same under TYPE_CHECKING
    always: list[ast.stmt] = field(default_factory=list)


@cache
def parse(module: str) -> Module:
    """Read the top level of a module of the package, named without the package.

    A name that is imported and also bound otherwise is a definition: all statements that bind
    it. A compound statement (if, try, …) always runs, and is a definition of what it binds.
    Raises KeyError where there is no such module.
    """
    path = file_of(module)
    if path is None:
        raise KeyError(f"fairtrial has no module {module}")
    parsed = Module()
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    for node in ast.parse(text).body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            continue
        if isinstance(node, ast.If) and _is_for_types(node):
            parsed.for_types |= {k: v for child in node.body for k, v in bindings(child) if v}
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                _add_import(parsed, _single(node, alias))
        elif not is_text(node):
            _add_statement(parsed, node)
    return parsed


def _single(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> ast.Import | ast.ImportFrom:
    """An import of one of the names of `node`."""
    if isinstance(node, ast.Import):
        return ast.Import([alias])
    return ast.ImportFrom(node.module, [alias], node.level)


def _add_import(parsed: Module, node: ast.Import | ast.ImportFrom) -> None:
    for name, origin in origins(node):
        earlier = parsed.imports.get(name, origin)
        if name in parsed.definitions or earlier != origin:
            _make_definition(parsed, name)
            parsed.definitions[name].append(node)
        else:
            parsed.imports[name] = origin


def _make_definition(parsed: Module, name: str) -> None:
    """Count `name`, which was only imported so far, among the definitions."""
    statements = parsed.definitions.setdefault(name, [])
    if origin := parsed.imports.pop(name, None):
        above, _, last = origin.rpartition(".")
        alias = ast.alias(last if above else origin, name)
        statements.append(ast.ImportFrom(above, [alias], 0) if above else ast.Import([alias]))


def _add_statement(parsed: Module, node: ast.stmt) -> None:
    bound = dict.fromkeys(name for name, _ in bindings(node))
    for name in bound:
        _make_definition(parsed, name)
        parsed.definitions[name].append(node)
    simple = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign
    if not bound or not isinstance(node, simple | ast.AugAssign):
        parsed.always.append(node)


def _is_for_types(node: ast.If) -> bool:
    names = {n.id for n in ast.walk(node.test) if isinstance(n, ast.Name)}
    return names == {"TYPE_CHECKING"} and not node.orelse


def is_text(node: object) -> bool:
    """Whether a statement is only a text, as a docstring is."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


@cache
def file_of(module: str) -> Path | None:
    """The file of a module of the package; None where there is none.

    That of a package is its __init__.py, or its folder where it has none.
    """
    place = PACKAGE / module.replace(".", "/")
    files = (place.with_suffix(".py"), place / "__init__.py", place)
    return next((file for file in files if module and file.exists()), None)


def meaning(name: str, module: str) -> Meaning:
    """What `name` stands for at the top level of `module`."""
    parsed = parse(module)
    if name in parsed.definitions:
        return Definition(module, name)
    if name in parsed.imports:
        return imported(parsed.imports[name])
    if name in parsed.for_types:
        return _type_only(parsed.for_types[name])
    return f"{name} of {module}" if name in OF_A_MODULE else name


def imported(origin: str) -> Meaning:
    """What an imported name stands for: followed to where it is defined."""
    top, *names = origin.split(".")
    target: Meaning = InternalModule("") if top == "fairtrial" else Foreign(top)
    for name in names:
        target = member(target, name) or f"unknown {name}"
    return target


def member(owner: Meaning, name: str) -> Meaning | None:
    """What the attribute `name` of something stands for; None where only a run could tell."""
    if isinstance(owner, Foreign):
        return Foreign(f"{owner.origin}.{name}")
    if not isinstance(owner, InternalModule):
        return None
    inside = f"{owner.name}.{name}".strip(".")
    if file_of(inside) is not None:
        return InternalModule(inside)
    if owner.name in OUTSIDE:
        return f"outside {name}"
    parsed = parse(owner.name)
    known = name in parsed.definitions or name in parsed.imports
    return meaning(name, owner.name) if known else None


def _type_only(origin: str) -> Meaning:
    """A name that no running code can read, so that what it stands for does not count."""
    if origin.startswith("fairtrial."):
        return f"type {origin.rpartition('.')[2]}"
    return Foreign(origin)
