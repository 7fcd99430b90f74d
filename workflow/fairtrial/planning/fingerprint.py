"""The code fingerprint of a job: a hash of what the code that its result depends on does.

It starts at the stage's function and the plugin functions that this job uses and follows
names: from a definition to the definitions of the package that it names, in whatever module
they stand. So an edit of `predict()` leaves a trained run alone although `fit()` stands in the
same file. What is found by listing a folder (figures, the report's template) has no name to
follow; the whole folder counts there, in the order in which it is listed.

Each definition is written as a text in which names are replaced by what they stand for:

- a variable of a function by its number, in the order in which they appear;
- a definition of the package by its number, in the order in which the search meets them. So
  neither its name nor its module counts, but which one is meant does, and what it holds
  follows under that number;
- a name of another package by its dotted origin, however it was imported;
- what is read at run time by itself: parameters, keywords, attributes, the names in a class,
  builtins and every literal.

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

from fairtrial.planning import definitions
from fairtrial.planning.definitions import (
    ALWAYS,
    OUTSIDE,
    WHOLE,
    Definition,
    Foreign,
    InternalModule,
    Meaning,
    imported,
    is_text,
    meaning,
    member,
    parse,
)
from fairtrial.planning.scopes import (
    Comprehension,
    Function,
    Import,
    Scope,
    class_scope,
    comprehension_scope,
    function_scope,
    origins,
    parameters,
)

__all__ = ["OUTSIDE", "fingerprint", "reached"]

FOUND_BY_NAME = ("stages.", "backends.", "formats.", "sources.")  # settings and rules name them
METHODS = "()"  # ends an entry, and the name of a definition, that is a class's methods alone
SILENT_FIELDS = {"ctx", "kind", "type_comment", "type_params", "returns"}

BINDING_FIELDS = {"name", "rest"}  # of functions, classes, handlers and patterns

Part = str | Definition  # of a text: a reference is written as a number, which depends on the entry


@cache
def fingerprint(*entries: str) -> str:
    """The fingerprint of the code reached from `entries`, below the package.

    An entry is "module:name", "module:Class()" for the methods of a class without its fields,
    or "folder/" for every file of a folder. Returns 16 hexadecimal digits, the same on every
    Python version that is supported. Raises KeyError where there is no such entry.
    """
    texts = [text for _, text in _texts(entries)]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


@cache
def reached(*entries: str) -> frozenset[Definition]:
    """The definitions that the code of `entries` may use, their own among them."""
    places = {place for place, _ in _texts(entries) if place}
    return frozenset(
        Definition(place.module, place.name.removesuffix(METHODS))
        for place in places
        if place.name not in {ALWAYS, WHOLE}
    )


def _texts(entries: tuple[str, ...]) -> Iterator[tuple[Definition | None, str]]:
    """The text of each entry, then that of each definition in the order of their numbers."""
    numbers: dict[Definition, int] = {}

    def text(parts: list[Part]) -> str:
        """`parts` with references as numbers; what is new gets the next one."""
        return "".join(
            part if isinstance(part, str) else f"#{numbers.setdefault(part, len(numbers))}"
            for part in parts
        )

    for entry in entries:
        yield None, text(_listed(entry) if entry.endswith("/") else _named(entry))
    done = 0
    while done < len(numbers):
        for place in list(numbers)[done:]:
            yield place, text(_parts(place))
            done += 1


def _named(entry: str) -> list[Part]:
    """The text of an entry "module:name"."""
    module, _, name = entry.partition(":")
    place = meaning(name.removesuffix(METHODS), module)
    if not isinstance(place, Definition):
        raise KeyError(f"fairtrial.{module} has no {name}")
    if name.endswith(METHODS):
        place = Definition(place.module, place.name + METHODS)
    named = entry if module.startswith(FOUND_BY_NAME) else ""
    return [named, place, *_parameter_classes(place)]


def _parameter_classes(place: Definition) -> list[Part]:
    """The methods of the classes that annotate the parameters of an entry: whoever calls it
    makes the instances, so that no name in its code leads there."""
    writer = _Writer(place.module)
    for node in parse(place.module).definitions.get(place.name, []):
        if isinstance(node, ast.FunctionDef):
            for parameter in parameters(node.args):
                if parameter.annotation:
                    writer.write_classes(parameter.annotation)
    return writer.parts


def _listed(entry: str) -> list[Part]:
    """The text of a folder: each module's definitions in order, and a hash of other files."""
    parts: list[Part] = []
    for path in sorted((definitions.PACKAGE / entry).rglob("*"), key=Path.as_posix):
        relative = path.relative_to(definitions.PACKAGE)
        if path.suffix == ".py":
            parts.append(relative.as_posix())
            module = ".".join(relative.with_suffix("").parts).removesuffix(".__init__")
            parts += [Definition(module, name) for name in parse(module).definitions]
        elif path.is_file() and path.suffix != ".pyc":
            parts.append(relative.as_posix() + hashlib.sha256(path.read_bytes()).hexdigest())
    return parts


@cache
def _parts(place: Definition) -> list[Part]:
    """The text of a definition, and what runs when its module is imported."""
    parsed, writer = parse(place.module), _Writer(place.module)
    if place.name == WHOLE:
        for name in parsed.definitions:
            writer.parts += [name, Definition(place.module, name)]
    elif place.name == ALWAYS:
        writer.write(parsed.always, None)
    elif place.name.endswith(METHODS):
        for node in parsed.definitions[place.name.removesuffix(METHODS)]:
            _write_methods(node, writer)
    else:
        writer.write(parsed.definitions[place.name], None)
    if parsed.always and place.name != ALWAYS:
        writer.parts.append(Definition(place.module, ALWAYS))
    return _joined(writer.parts)


def _joined(parts: list[Part]) -> list[Part]:
    """The same with texts that follow each other in one."""
    joined: list[Part] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        else:
            joined.append(part)
    return joined


def _write_methods(node: ast.stmt, writer: _Writer) -> None:
    """The text of a class without its fields: methods and class variables, also those of the
    classes that its bases and fields name. A model's validators are left out: what they make of
    a setting is in the settings that a job is given.
    """
    if not isinstance(node, ast.ClassDef):
        writer.write_classes(node)  # another name of classes
        return
    scope = class_scope(node, None)
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef) and not writer.validates(statement):
            writer.write(statement, scope)
        elif isinstance(statement, ast.AnnAssign):
            if any(isinstance(n, ast.Name) and n.id == "ClassVar" for n in ast.walk(statement)):
                writer.write(statement, scope)
            writer.write_classes(statement.annotation)
    for base in node.bases:
        writer.write_classes(base)


@dataclass
class _Writer:
    """Writes the code of one definition as text with references."""

    module: str
    parts: list[Part] = field(default_factory=list)
    numbers: dict[tuple[Scope, str], int] = field(default_factory=dict)  # of variables

    def write(self, node: object, scope: Scope | None) -> None:
        """Write a node, a list of nodes, or a plain value, as seen from `scope`."""
        if isinstance(node, list):
            self.parts.append("[")
            for child in node:
                before = len(self.parts)
                self.write(child, scope)
                if len(self.parts) > before:
                    self.parts.append(",")
            self.parts.append("]")
        elif isinstance(node, ast.AST):
            visit = getattr(self, f"visit_{type(node).__name__}", self._fields)
            visit(node, scope)
        else:
            self.parts.append(ascii(node))  # repr would depend on the Unicode version

    def _fields(self, node: ast.AST, scope: Scope | None, **seen_from: Scope | None) -> None:
        """A node's fields; `seen_from`: the scope of a field that is not seen from `scope`."""
        self.parts.append(type(node).__name__ + "(")
        for name, value in ast.iter_fields(node):
            if name in SILENT_FIELDS or value is None or value == []:
                continue
            self.parts.append(f"{name}=")
            if name in BINDING_FIELDS and isinstance(value, str):
                self._name(value, scope)
            else:
                self.write(value, seen_from.get(name, scope))
            self.parts.append(",")
        self.parts.append(")")

    # ---------------------------------------------------------------- names

    def _name(self, name: str, scope: Scope | None) -> None:
        found = self._meaning(name, scope)
        if not isinstance(found, Scope):
            self._refer(found)
        elif found.kind == "class" or name in found.parameters:
            self.parts.append(name)  # read at run time
        else:
            number = self.numbers.setdefault((found, name), len(self.numbers))
            self.parts.append(f"%{number}")

    def _meaning(self, name: str, scope: Scope | None) -> Meaning | Scope:
        """What a name stands for; the scope whose variable it is, if it is one."""
        owner = scope.owner(name) if scope else None
        if owner is None:
            return meaning(name, self.module)
        if name in owner.imports and owner.kind != "class":
            return imported(owner.imports[name])
        return owner

    def _refer(self, found: Meaning) -> None:
        if isinstance(found, Foreign):
            self.parts.append(f"<{found.origin}>")
        elif isinstance(found, InternalModule):
            outside = found.name in OUTSIDE
            self.parts.append(f"outside {found.name}" if outside else Definition(found.name, WHOLE))
        else:
            self.parts.append(found)

    def _dotted(self, node: ast.expr, scope: Scope | None) -> Meaning | None:
        """What `a.b.c` stands for, as far as imports tell."""
        if isinstance(node, ast.Attribute):
            owner = self._dotted(node.value, scope)
            return member(owner, node.attr) if owner else None
        found = self._meaning(node.id, scope) if isinstance(node, ast.Name) else None
        return None if isinstance(found, Scope) else found

    def visit_Name(self, node: ast.Name, scope: Scope | None) -> None:
        """A name, read or bound."""
        self._name(node.id, scope)

    def visit_Attribute(self, node: ast.Attribute, scope: Scope | None) -> None:
        """What a module holds, or any other attribute by its name."""
        found = self._dotted(node, scope)
        if found:
            self._refer(found)
        else:
            self._fields(node, scope)

    def visit_Import(self, node: Import, scope: Scope | None) -> None:
        """An import in a function, or one at the top level of a name that is also bound elsewhere.

        A name that is bound once stands for its origin wherever it is used. What is left to say
        of it is that a package is loaded, which may have effects.
        """
        for name, origin in origins(node):
            found, bound = imported(origin), self._meaning(name, scope)
            if isinstance(bound, Scope) or (isinstance(bound, Definition) and scope is None):
                self.parts.append("import ")
                self._name(name, scope)
                self._refer(found)
            elif isinstance(found, Foreign):
                self.parts.append(f"import <{origin}>")

    visit_ImportFrom = visit_Import

    # ---------------------------------------------------------------- scopes

    def visit_FunctionDef(self, node: Function, scope: Scope | None) -> None:
        """A function; its defaults and decorators are evaluated outside of it."""
        self._fields(node, scope, body=function_scope(node, scope))

    visit_AsyncFunctionDef = visit_Lambda = visit_FunctionDef

    def visit_ClassDef(self, node: ast.ClassDef, scope: Scope | None) -> None:
        """A class; its bases and decorators are evaluated outside of it."""
        self._fields(node, scope, body=class_scope(node, scope))

    def visit_ListComp(self, node: Comprehension, scope: Scope | None) -> None:
        """A comprehension; what it goes through first is evaluated outside of it."""
        inner = comprehension_scope(node, scope)
        self.parts.append(type(node).__name__ + "(")
        for name, value in ast.iter_fields(node):
            if name != "generators":
                self.write(value, inner)
                self.parts.append(",")
        for number, generator in enumerate(node.generators):
            self._fields(generator, inner, iter=inner if number else scope)
        self.parts.append(")")

    visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp

    # ---------------------------------------------------------------- what does not count

    def visit_arg(self, node: ast.arg, scope: Scope | None) -> None:
        """A parameter without its annotation."""
        self.parts.append(node.arg)

    def visit_Global(self, node: ast.Global | ast.Nonlocal, scope: Scope | None) -> None:
        """Nothing: it says what the names stand for."""

    visit_Nonlocal = visit_Global

    def visit_Expr(self, node: ast.Expr, scope: Scope | None) -> None:
        """A statement that is an expression, but for a docstring."""
        if not is_text(node):
            self._fields(node, scope)

    def visit_AnnAssign(self, node: ast.AnnAssign, scope: Scope | None) -> None:
        """An annotated variable; only in a class is its annotation read."""
        if scope is not None and scope.kind == "class":
            self._fields(node, scope)
        elif node.value is not None:
            self.write(ast.Assign([node.target], node.value), scope)

    def visit_JoinedStr(self, node: ast.JoinedStr, scope: Scope | None) -> None:
        """An f-string; Python 3.12 puts empty texts between some of its parts."""
        values = [v for v in node.values if not (isinstance(v, ast.Constant) and v.value == "")]
        self.parts.append("JoinedStr(")
        self.write(values, scope)
        self.parts.append(")")

    # ---------------------------------------------------------------- classes without fields

    def write_classes(self, node: ast.AST) -> None:
        """The methods of every class of the package that a piece of code names."""
        for_types = parse(self.module).for_types
        for child in ast.walk(node):
            if isinstance(child, ast.Name | ast.Attribute):
                name = child.id if isinstance(child, ast.Name) else ""
                known = for_types.get(name)
                found = imported(known) if known else self._dotted(child, None)
                if isinstance(found, Definition) and _may_be_class(found):
                    self.parts.append(Definition(found.module, found.name + METHODS))

    def validates(self, node: ast.FunctionDef) -> bool:
        """Whether a method is one that pydantic calls to check a model's fields."""
        decorators = [d.func if isinstance(d, ast.Call) else d for d in node.decorator_list]
        found = [self._dotted(decorator, None) for decorator in decorators]
        return any(isinstance(f, Foreign) and f.origin.startswith("pydantic.") for f in found)


def _may_be_class(place: Definition) -> bool:
    """Whether a definition is a class or another name, which may be one of a class."""
    nodes = parse(place.module).definitions[place.name]
    return not any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in nodes)
