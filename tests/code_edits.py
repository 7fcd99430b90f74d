"""Edits of a package's code that change what things are called, and nothing else."""

from __future__ import annotations

import ast
from pathlib import Path

from fairtrial.planning.scopes import bindings, function_scope


def move_module(package: Path, module: str, to: str) -> None:
    """A module in another place or under another name, with all imports of it."""
    (package / f"{module.replace('.', '/')}.py").rename(package / f"{to.replace('.', '/')}.py")
    (above, name), (new_above, new_name) = (m.rpartition(".")[::2] for m in (module, to))
    for path in package.rglob("*.py"):
        text = path.read_text(encoding="utf-8").replace(f"fairtrial.{module}", f"fairtrial.{to}")
        old = f"from fairtrial.{above} import {name}"
        text = text.replace(old, f"from fairtrial.{new_above} import {new_name} as {name}")
        path.write_text(text, encoding="utf-8")


def rename_private_names(path: Path) -> None:
    """Another name for every private function, class and constant of a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = [name for node in tree.body for name, origin in bindings(node) if not origin]
    private = {name for name in names if name.startswith("_") and not name.startswith("__")}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in private:
            node.id += "_other"
    for top in tree.body:
        if isinstance(top, ast.FunctionDef | ast.ClassDef) and top.name in private:
            top.name += "_other"
    path.write_text(ast.unparse(tree), encoding="utf-8")


def rename_variables(path: Path) -> None:
    """Another name for the variables of a module's functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    edited = [name for node in functions for name in variables(node) if rename(node, name)]
    assert edited, f"{path.name} has no variable"
    path.write_text(ast.unparse(tree), encoding="utf-8")


def variables(function: ast.FunctionDef) -> list[str]:
    """Those whose name is that of nothing else in the function."""
    taken = {n.arg for n in ast.walk(function) if isinstance(n, ast.arg)}
    for node in ast.walk(function):
        if isinstance(node, ast.ClassDef):
            taken |= {name for child in node.body for name, _ in bindings(child)}
    return sorted(function_scope(function, None).variables - taken)


def rename(function: ast.FunctionDef, old: str, new: str = "") -> str:
    """Give a variable another name, and return that."""
    new = new or f"{old}_other"
    for node in [child for statement in function.body for child in ast.walk(statement)]:
        if isinstance(node, ast.Nonlocal):
            node.names = [new if name == old else name for name in node.names]
        for field in ("id", "name"):
            if getattr(node, field, None) == old:
                setattr(node, field, new)
    return new
