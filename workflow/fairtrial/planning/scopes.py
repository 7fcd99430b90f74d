"""Which names a piece of Python code binds, and in which scope a name is looked up.

Python's own rules: a function and a comprehension have a scope each, a class has one that the
functions in it do not see, and `:=` in a comprehension binds in the function around it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
Import = ast.Import | ast.ImportFrom
Block = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Statement = ast.stmt | ast.excepthandler | ast.match_case
Capture = ast.ExceptHandler | ast.MatchAs | ast.MatchStar


@dataclass(eq=False)
class Scope:
    """The names of a function, class or comprehension; the module around all has None."""

    kind: str  # "function", "class" or "comprehension"
    around: Scope | None
    parameters: frozenset[str] = frozenset()
    variables: set[str] = field(default_factory=set)
    imports: dict[str, str] = field(default_factory=dict)  # name → where it comes from, dotted
    of_module: set[str] = field(default_factory=set)  # declared `global`

    def binds(self, name: str) -> bool:
        return name in self.parameters or name in self.variables or name in self.imports

    def owner(self, name: str) -> Scope | None:
        """The scope that binds `name` for code in this one; None: the module or a builtin."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.of_module:
                return None
            hidden = scope.kind == "class" and scope is not self
            if not hidden and scope.binds(name):
                return scope
            scope = scope.around
        return None


def function_scope(node: Function, around: Scope | None) -> Scope:
    """The scope of a function's body."""
    names = frozenset(argument.arg for argument in parameters(node.args))
    body = node.body if isinstance(node.body, list) else [node.body]
    return _filled(Scope("function", around, names), body)


def class_scope(node: ast.ClassDef, around: Scope | None) -> Scope:
    """The scope of a class's body. A field without a value binds nothing there."""
    fields = (n for n in node.body if not isinstance(n, ast.AnnAssign) or n.value is not None)
    return _filled(Scope("class", around), fields)


def comprehension_scope(node: Comprehension, around: Scope | None) -> Scope:
    """The scope of the loop variables of a comprehension."""
    targets = [generator.target for generator in node.generators]
    names = {name for target in targets for name, _ in bindings(target)}
    return Scope("comprehension", around, variables=names)


def _filled(scope: Scope, statements: Iterable[ast.AST]) -> Scope:
    """`scope` with the names that `statements` bind. What is imported and bound again is a
    variable."""
    body = list(statements)
    elsewhere = {name for node in body for name in _declared(node, ast.Nonlocal)}
    scope.of_module = {name for node in body for name in _declared(node, ast.Global)}
    elsewhere |= scope.of_module | scope.parameters
    for name, origin in (pair for node in body for pair in bindings(node)):
        if name in elsewhere:
            continue
        known = name in scope.variables or scope.imports.get(name, origin) != origin
        if origin is None or known:
            scope.imports.pop(name, None)
            scope.variables.add(name)
        else:
            scope.imports[name] = origin
    return scope


def _declared(node: ast.AST, kind: type[ast.Global] | type[ast.Nonlocal]) -> Iterator[str]:
    """The names that a statement declares global or nonlocal, outside of inner scopes. What
    declares is a statement, so that no expression is looked into."""
    if isinstance(node, kind):
        yield from node.names
    if isinstance(node, Block) or not isinstance(node, Statement):
        return
    for name in ("body", "handlers", "orelse", "finalbody", "cases"):
        for child in getattr(node, name, ()):
            yield from _declared(child, kind)


def parameters(arguments: ast.arguments) -> list[ast.arg]:
    """All parameters of a function."""
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return named + [rest for rest in (arguments.vararg, arguments.kwarg) if rest]


def bindings(node: ast.AST) -> Iterator[tuple[str, str | None]]:
    """The names that a statement or expression binds in its scope; an import's with its origin."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from origins(node)
    elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id, None
    elif isinstance(node, Block | Capture) and node.name:
        yield node.name, None
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest, None
    for child in _within(node):
        yield from bindings(child)


def origins(node: Import) -> Iterator[tuple[str, str]]:
    """The names that an import binds, each with its dotted origin."""
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            yield alias.asname or alias.name, f"{node.module}.{alias.name}"
        elif alias.asname:
            yield alias.asname, alias.name
        else:
            yield alias.name.partition(".")[0], alias.name.partition(".")[0]


def _within(node: ast.AST) -> Iterable[ast.AST]:
    """The children of a node that belong to its own scope."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return [*node.decorator_list, *_defaults(node.args)]
    if isinstance(node, ast.Lambda):
        return _defaults(node.args)
    if isinstance(node, ast.ClassDef):
        return [*node.decorator_list, *node.bases, *node.keywords]
    if isinstance(node, Comprehension):
        return [child for child in ast.walk(node) if isinstance(child, ast.NamedExpr)]
    return ast.iter_child_nodes(node)


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [*arguments.defaults, *(default for default in arguments.kw_defaults if default)]
