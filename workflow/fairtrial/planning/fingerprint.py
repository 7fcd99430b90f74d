"""The code fingerprint of a job: which lines of the package its result depends on.

It starts at the stage's function and the plugin functions that this job uses and follows
names: within a module to the definitions they name, over imports to the other modules of
the package. So an edit of `predict()` leaves a trained run alone although `fit()` stands in
the same file. It errs on the side of too much: a name counts as used wherever it appears.
What is found by listing a folder (figures, the report's template) has no name to follow; the
whole folder counts there.

Comments, docstrings, layout and annotations do not count, but for those in a class, which a
dataclass or a model reads. The form that is hashed is our own rather than `ast.dump`, whose
text differs between Python versions.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1]

# What keeps, names or describes a result without having a part in it.
OUTSIDE = {"", "files.yamlfile", "planning.fingerprint", "search.progress"}
OUTSIDE |= {"training.progress", "training.provenance"}
OUTSIDE |= {"store.entries", "store.keys", "store.locks"}
SILENT_FIELDS = {"ctx", "kind", "type_comment", "type_params", "returns"}


Place = tuple[str, str]  # a module below the package, and a name there ("": what always runs)


@dataclass
class Module:
    """The top level of one module: its definitions, its imports, and what always runs."""

    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imports: dict[str, Place] = field(default_factory=dict)
    always: list[ast.stmt] = field(default_factory=list)


@cache
def fingerprint(*entries: str) -> str:
    """The fingerprint of the code reached from `entries`, below the package.

    An entry is "module:name", or "folder/" for every file of a folder. Returns 16 hexadecimal
    digits, the same on every Python version that is supported. Raises KeyError where there is
    no such entry.
    """
    folders = [entry for entry in entries if entry.endswith("/")]
    texts = [f"{place}{''.join(map(_text, _nodes(*place)))}" for place in reached(*entries)]
    texts += [text for folder in folders for text in _other_files(PACKAGE / folder)]
    return hashlib.sha256("\n".join(sorted(texts)).encode()).hexdigest()[:16]


@cache
def reached(*entries: str) -> frozenset[Place]:
    """The definitions that the code of `entries` may use, their own among them."""
    todo = [place for entry in entries for place in _entered(entry)]
    found: set[Place] = set()
    while todo:
        place = todo.pop()
        if place not in found:
            found.add(place)
            todo.append((place[0], ""))
            todo += [each for node in _nodes(*place) for each in _used(place[0], node)]
    return frozenset(found)


def _entered(entry: str) -> list[Place]:
    if entry.endswith("/"):
        modules = [path.relative_to(PACKAGE) for path in (PACKAGE / entry).rglob("*.py")]
        names = [".".join(path.with_suffix("").parts) for path in modules]
        names = [name.removesuffix(".__init__") for name in names]
        return [(name, each) for name in names for each in parse(name).definitions]
    module, _, name = entry.partition(":")
    found = list(_defined_in(module, name))
    if not found:
        raise KeyError(f"fairtrial.{module} has no {name}")
    return found


def _other_files(folder: Path) -> list[str]:
    """A text for each file that is no Python: its path and the hash of its content."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [
        f"{path.relative_to(PACKAGE).as_posix()}{hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in files
        if path.suffix not in {".py", ".pyc"}
    ]


def _nodes(module: str, name: str) -> list[ast.stmt]:
    parsed = parse(module)
    return parsed.always if name == "" else parsed.definitions[name]


@cache
def parse(module: str) -> Module:
    """Read the top level of a module of the package, named without the package."""
    path = _file(module)
    if path is None:
        raise KeyError(f"fairtrial has no module {module}")
    found = Module()
    for node in _plain(ast.parse(path.read_text(encoding="utf-8"))).body:
        names = _defined(node)
        for name in names:
            found.definitions.setdefault(name, []).append(node)
        if isinstance(node, ast.ImportFrom | ast.Import):
            found.imports |= _imports(node)
        elif not (names or _is_text(node) or _is_for_types(node)):
            found.always.append(node)
            found.imports |= _imports_within(node)  # try: import …
    return found


def _file(module: str) -> Path | None:
    place = PACKAGE / module.replace(".", "/")
    files = (place.with_suffix(".py"), place / "__init__.py")
    return next((file for file in files if module and file.is_file()), None)


def _plain(tree: ast.Module) -> ast.Module:
    """The tree without the annotations of variables, which nothing reads outside a class."""

    class Plain(ast.NodeTransformer):
        def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
            for child in node.body:
                if not isinstance(child, ast.AnnAssign):
                    self.visit(child)
            return node

        def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt | None:
            return ast.Assign([node.target], node.value) if node.value else None

    plain: ast.Module = Plain().visit(tree)
    return plain


def _defined(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    return [n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)]


def _imports(node: ast.Import | ast.ImportFrom) -> dict[str, Place]:
    """Imported names, each with the module and the name there ("" for a module itself)."""
    if isinstance(node, ast.Import):
        return {a.asname or a.name.partition(".")[0]: (a.name, "") for a in node.names}
    return {alias.asname or alias.name: (node.module or "", alias.name) for alias in node.names}


def _imports_within(node: ast.AST) -> dict[str, Place]:
    found: dict[str, Place] = {}
    for inner in ast.walk(node):
        if isinstance(inner, ast.Import | ast.ImportFrom):
            found |= _imports(inner)
    return found


def _used(module: str, node: ast.stmt) -> Iterator[Place]:
    """The definitions of the package that a piece of code names."""
    parsed = parse(module)
    imports = parsed.imports | _imports_within(node)
    names = set(_identifiers(node))
    for name in names:
        if name in parsed.definitions:
            yield module, name
        if name in imports:
            yield from _imported(*imports[name], names)


def _imported(module: str, name: str, names: set[str]) -> Iterator[Place]:
    """What an import stands for: a definition, or those of a module that are among `names`."""
    top, _, inside = module.partition(".")
    whole = f"{inside}.{name}".strip(".")
    if top != "fairtrial" or whole in OUTSIDE or (inside in OUTSIDE and inside):
        return
    if _file(whole) is None:
        yield from _defined_in(inside, name)
    else:
        yield whole, ""
        for each in names:
            yield from _defined_in(whole, each)


def _defined_in(module: str, name: str) -> Iterator[Place]:
    """A definition where it stands: here, or where this module has it from."""
    if module in OUTSIDE:
        return
    parsed = parse(module)
    if name in parsed.definitions:
        yield module, name
    elif name in parsed.imports and parsed.imports[name][1]:
        yield from _imported(*parsed.imports[name], set())


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
        if isinstance(node, ast.JoinedStr):
            yield name, _joined(node.values)
        elif isinstance(value, list):
            yield name, [child for child in value if not _is_text(child)]
        else:
            yield name, value


def _joined(values: list[ast.expr]) -> list[ast.expr]:
    """The parts of an f-string; Python 3.12 puts empty texts between some of them."""
    return [part for part in values if not (isinstance(part, ast.Constant) and part.value == "")]


def _text(node: object) -> str:
    if isinstance(node, ast.AST):
        inner = ",".join(f"{name}={_text(value)}" for name, value in _fields(node))
        return f"{type(node).__name__}({inner})"
    if isinstance(node, list):
        return "[" + ",".join(map(_text, node)) + "]"
    return ascii(node)  # repr would depend on the Unicode version


def _is_text(node: object) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _is_for_types(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in set(_identifiers(node.test))
