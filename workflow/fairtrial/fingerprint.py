"""The code fingerprint of a job: which lines of the package its result depends on.

It starts at the stage's function and the plugin functions that this job uses and follows
names: within a module to the definitions they name, over imports to the other modules of
the package. So an edit of `predict()` leaves a trained run alone although `fit()` stands in
the same file. It errs on the side of too much: a name counts as used wherever it appears.

Comments, docstrings, layout and the annotations of parameters do not count. The form that is
hashed is our own rather than `ast.dump`, whose text differs between Python versions.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent

# What keeps, names or describes a result without having a part in it.
OUTSIDE = {"", "fingerprint", "provenance", "settings", "store"}
SILENT_FIELDS = {"ctx", "kind", "type_comment", "type_params", "returns"}


@dataclass
class Module:
    """The top level of one module: its definitions, its imports, and what always runs."""

    definitions: dict[str, ast.stmt] = field(default_factory=dict)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)
    always: list[ast.stmt] = field(default_factory=list)


@cache
def fingerprint(*entries: str, folder: str = "") -> str:
    """The fingerprint of the code reached from `entries`, each "module:name" below the package.

    Of `folder`, a folder of the package whose parts are found by listing it, everything counts:
    each definition of its modules, and its files that are not Python.
    Returns 16 hexadecimal digits, the same on every Python version that is supported.
    Raises KeyError where an entry does not exist.
    """
    todo = [(module, name) for module, _, name in (entry.partition(":") for entry in entries)]
    todo += [(m, name) for m in _modules(folder) for name in parse(m).definitions]
    texts: dict[tuple[str, str], str] = {}
    while todo:
        place = todo.pop()
        if place in texts:
            continue
        nodes = _nodes(*place)
        texts[place] = "".join(map(_text, nodes))
        todo += [found for node in nodes for found in _reached(place[0], node)]
        todo.append((place[0], ""))  # the statements that run whenever the module is loaded
    whole = "\n".join(f"{place}{text}" for place, text in sorted(texts.items()))
    return hashlib.sha256(whole.encode() + _other_files(folder)).hexdigest()[:16]


def _modules(folder: str) -> list[str]:
    paths = sorted((PACKAGE / folder).glob("*.py")) if folder else []
    return [f"{folder}.{path.stem}" for path in paths if path.stem != "__init__"]


def _other_files(folder: str) -> bytes:
    paths = sorted((PACKAGE / folder).rglob("*")) if folder else []
    kept = [p for p in paths if p.is_file() and p.suffix not in {".py", ".pyc"}]
    return b"".join(p.name.encode() + p.read_bytes() for p in kept)


def _nodes(module: str, name: str) -> list[ast.stmt]:
    parsed = parse(module)
    return parsed.always if name == "" else [parsed.definitions[name]]


@cache
def parse(module: str) -> Module:
    """Read the top level of a module of the package, named without the package."""
    path = PACKAGE / (module.replace(".", "/") + ".py")
    if not path.exists():
        path = PACKAGE / module.replace(".", "/") / "__init__.py"
    found = Module()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom | ast.Import):
            found.imports |= _imports(node)
        elif names := _defined(node):
            found.definitions |= dict.fromkeys(names, node)
        elif not (_is_text(node) or _is_for_types(node)):
            found.always.append(node)
    return found


def _defined(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign):
        targets = [node.target]
    return [n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)]


def _imports(node: ast.Import | ast.ImportFrom) -> dict[str, tuple[str, str]]:
    """Imported names, each with the module and the name there ("" for a module itself)."""
    if isinstance(node, ast.Import):
        return {a.asname or a.name.partition(".")[0]: (a.name, "") for a in node.names}
    module = "." * node.level + (node.module or "")
    return {alias.asname or alias.name: (module, alias.name) for alias in node.names}


def _reached(module: str, node: ast.stmt) -> Iterator[tuple[str, str]]:
    """The definitions of the package that a piece of code names."""
    parsed = parse(module)
    imports = dict(parsed.imports)
    for inner in ast.walk(node):
        if isinstance(inner, ast.Import | ast.ImportFrom):
            imports |= _imports(inner)
    used = set(_identifiers(node))
    for name in used:
        if name in parsed.definitions:
            yield module, name
        if name in imports and imports[name][0].partition(".")[0] == "fairtrial":
            yield from _imported(*imports[name], used)


def _imported(module: str, name: str, used: set[str]) -> Iterator[tuple[str, str]]:
    inside = module.removeprefix("fairtrial").removeprefix(".")
    submodule = f"{inside}.{name}".strip(".")
    is_module = (PACKAGE / (submodule.replace(".", "/") + ".py")).exists()
    if is_module and submodule not in OUTSIDE:
        yield from ((submodule, d) for d in parse(submodule).definitions if d in used)
    elif not is_module and inside not in OUTSIDE and name in parse(inside).definitions:
        yield inside, name


def _identifiers(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr
    for _, value in _fields(node):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _identifiers(child)


def _fields(node: ast.AST) -> Iterator[tuple[str, object]]:
    """The fields that count. Statements that are only a text (docstrings) are left out."""
    for name, value in ast.iter_fields(node):
        silent = name in SILENT_FIELDS or (name == "annotation" and isinstance(node, ast.arg))
        if silent or value is None or value == []:
            continue
        if isinstance(value, list):
            yield name, [child for child in value if not _is_text(child)]
        else:
            yield name, value


def _text(node: object) -> str:
    if isinstance(node, ast.AST):
        inner = ",".join(f"{name}={_text(value)}" for name, value in _fields(node))
        return f"{type(node).__name__}({inner})"
    if isinstance(node, list):
        return "[" + ",".join(map(_text, node)) + "]"
    return repr(node)


def _is_text(node: object) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _is_for_types(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in set(_identifiers(node.test))
