"""The text of a definition that the fingerprint hashes: its code without what has no effect, each
name replaced by what it stands for. fingerprint.py describes the form of names.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

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

METHODS = "()"  # ends the name of a definition that is a class's methods alone
SILENT_FIELDS = {"ctx", "kind", "type_comment", "type_params", "returns"}
BINDING_FIELDS = {"name", "rest"}  # of functions, classes, handlers and patterns
VALIDATORS = {"pydantic.field_validator", "pydantic.model_validator"}

Part = str | Definition  # of a text; the fingerprint writes a reference to a definition as a number


@cache
def parts_of(place: Definition) -> list[Part]:
    """The text of a definition, and a reference to what runs when its module is imported."""
    parsed, writer = parse(place.module), _Writer(place.module)
    if place.name == WHOLE:
        for name in parsed.definitions:
            writer.parts += [name, Definition(place.module, name)]
    elif place.name == ALWAYS:
        writer.write(parsed.always, None)
    elif place.name.endswith(METHODS):
        for node in parsed.definitions[place.name.removesuffix(METHODS)]:
            if isinstance(node, ast.ClassDef):
                _write_methods(node, writer)
    else:
        writer.write(parsed.definitions[place.name], None)
    if parsed.always and place.name != ALWAYS:
        writer.parts.append(Definition(place.module, ALWAYS))
    return _joined(writer.parts)


def _joined(parts: list[Part]) -> list[Part]:
    """The same parts with consecutive texts joined."""
    joined: list[Part] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        else:
            joined.append(part)
    return joined


def _write_methods(node: ast.ClassDef, writer: _Writer) -> None:
    """The text of a class without its fields: methods and class variables, also those of the
    classes that its bases and fields name. A model's validators are left out: what they make of
    a setting is in the settings that a job is given.
    """
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
        """Write a name as what it stands for; a variable as its number."""
        target = self._meaning(name, scope)
        if not isinstance(target, Scope):
            self._refer(target)
        elif target.kind == "class" or name in target.parameters:
            self.parts.append(name)  # read at run time
        else:
            number = self.numbers.setdefault((target, name), len(self.numbers))
            self.parts.append(f"%{number}")

    def _meaning(self, name: str, scope: Scope | None) -> Meaning | Scope:
        """What a name stands for; for a variable, the scope that it belongs to."""
        owner = scope.owner(name) if scope else None
        if owner is None:
            return meaning(name, self.module)
        if name in owner.imports and owner.kind != "class":
            return imported(owner.imports[name])
        return owner

    def _refer(self, target: Meaning) -> None:
        """Write a reference to what a name stands for."""
        if isinstance(target, Foreign):
            self.parts.append(f"<{target.origin}>")
        elif isinstance(target, InternalModule):
            outside = target.name in OUTSIDE
            whole = Definition(target.name, WHOLE)
            self.parts.append(f"outside {target.name}" if outside else whole)
        else:
            self.parts.append(target)

    def dotted(self, node: ast.expr, scope: Scope | None) -> Meaning | None:
        """What `a.b.c` stands for; None where imports do not tell."""
        if isinstance(node, ast.Attribute):
            owner = self.dotted(node.value, scope)
            return member(owner, node.attr) if owner else None
        target = self._meaning(node.id, scope) if isinstance(node, ast.Name) else None
        return None if isinstance(target, Scope) else target

    def visit_Name(self, node: ast.Name, scope: Scope | None) -> None:
        """A name, read or bound. What a class reads may be bound there only later, so that it
        is still that of the code around the class."""
        self._name(node.id, scope)
        in_class = isinstance(node.ctx, ast.Load) and scope is not None and scope.kind == "class"
        if scope is not None and in_class and scope.owner(node.id) is scope:
            self._name(node.id, scope.around)

    def visit_Attribute(self, node: ast.Attribute, scope: Scope | None) -> None:
        """A definition in a module, or any other attribute by its name."""
        target = self.dotted(node, scope)
        if target:
            self._refer(target)
        else:
            self._fields(node, scope)
        if node.attr == "__subclasses__":
            self.parts += _subclasses(self.dotted(node.value, scope))

    def visit_Import(self, node: Import, scope: Scope | None) -> None:
        """An import in a function, or one at the top level of a name that is also bound elsewhere.

        A name that is bound once stands for its origin wherever it is used. Its import counts only
        because it loads a package, which may have effects.
        """
        for name, origin in origins(node):
            target, bound = imported(origin), self._meaning(name, scope)
            if isinstance(bound, Scope) or (isinstance(bound, Definition) and scope is None):
                self.parts.append("import ")
                self._name(name, scope)
                self._refer(target)
            elif isinstance(target, Foreign):
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
        """Write nothing: the statement only changes what names stand for."""

    visit_Nonlocal = visit_Global

    def visit_Expr(self, node: ast.Expr, scope: Scope | None) -> None:
        """A statement that is an expression, but for a docstring."""
        if not is_text(node):
            self._fields(node, scope)

    def visit_AnnAssign(self, node: ast.AnnAssign, scope: Scope | None) -> None:
        """An annotated variable; only in a class is its annotation read."""
        if scope is not None and scope.kind == "class":
            self.parts.append(f"{ast.unparse(node.target)}:")
            self.write([node.annotation, node.value], scope)
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
        """A reference to the methods of each class of the package that a type names."""
        for place in _classes(node, self.module):
            methods = Definition(place.module, place.name + METHODS)
            if methods not in self.parts:
                self.parts.append(methods)

    def validates(self, node: ast.FunctionDef) -> bool:
        """Whether a method is one that pydantic calls to check a model's fields."""
        decorators = [d.func if isinstance(d, ast.Call) else d for d in node.decorator_list]
        targets = [self.dotted(decorator, None) for decorator in decorators]
        return any(isinstance(t, Foreign) and t.origin in VALIDATORS for t in targets)


def _subclasses(base: Meaning | None) -> list[Part]:
    """The classes in the module of `base` that derive from it; perhaps no code names them."""
    if not isinstance(base, Definition):
        return []
    return [
        Definition(base.module, name)
        for name, nodes in parse(base.module).definitions.items()
        for node in nodes
        if isinstance(node, ast.ClassDef)
        and any(isinstance(b, ast.Name) and b.id == base.name for b in node.bases)
    ]


def _classes(
    node: ast.AST, module: str, seen: frozenset[Definition] = frozenset()
) -> Iterator[Definition]:
    """The classes that a type in `module` names, also by an alias or an import for types alone.

    seen: the aliases that were followed so far.
    """
    for child in ast.walk(node):
        place = _type_named(child, module)
        if place is None or place in seen:
            continue
        for statement in parse(place.module).definitions[place.name]:
            if isinstance(statement, ast.ClassDef):
                yield place
            elif isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value:
                yield from _classes(statement.value, place.module, seen | {place})


def _type_named(node: ast.AST, module: str) -> Definition | None:
    """The definition that a name or attribute in a type stands for."""
    for_types = parse(module).for_types
    target: Meaning | None = None
    if isinstance(node, ast.Name) and node.id in for_types:
        target = imported(for_types[node.id])
    elif isinstance(node, ast.Name | ast.Attribute):
        target = _Writer(module).dotted(node, None)
    return target if isinstance(target, Definition) else None


def parameter_classes(place: Definition) -> list[Part]:
    """The methods of the classes that annotate the parameters of an entry: whoever calls it
    makes the instances, so that no name in its code leads there."""
    writer = _Writer(place.module)
    for node in parse(place.module).definitions.get(place.name, []):
        if isinstance(node, ast.FunctionDef):
            for parameter in parameters(node.args):
                if parameter.annotation:
                    writer.write_classes(parameter.annotation)
    return writer.parts
