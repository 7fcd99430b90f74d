"""The fingerprint on the real package: every definition that a stage reaches counts."""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from code_edits import move_module, rename, rename_private_names, variables
from fairtrial.__main__ import STAGES
from fairtrial.planning import definitions, known_code
from fairtrial.planning.code_text import parts_of
from fairtrial.planning.definitions import Definition
from fairtrial.planning.fingerprint import fingerprint, reached
from fairtrial.planning.plan import fit_code
from fairtrial.plugins import plugins

PACKAGE = definitions.PACKAGE
BACKENDS = plugins("backends")
CACHES = (
    *(fingerprint, reached, parts_of, definitions.parse, definitions.file_of),
    *(known_code.known_fingerprint, known_code._package_sha256),
)


def entries() -> dict[str, tuple[str, ...]]:
    """Jobs by name, each with the places where its code begins."""
    places: dict[str, tuple[str, ...]] = {name: (f"stages.{name}:{name}",) for name in STAGES}
    for kind, function in (("sources", "fetch"), ("formats", "read"), ("backends", "fit")):
        places |= {f"{function} {name}": (f"{kind}.{name}:{function}",) for name in plugins(kind)}
    models = {name: "classifier" if name == "networks" else "detector" for name in BACKENDS}
    places |= {f"{model} {name}": (f"backends.{name}:{model}",) for name, model in models.items()}
    return places | {"figures": ("figures/",)}


ENTRIES = entries()


def reached_definitions() -> list[Definition]:
    """What the fingerprints of all jobs contain."""
    return sorted(reached(*(entry for places in ENTRIES.values() for entry in places)))


def reached_functions() -> list[tuple[Definition, ast.FunctionDef]]:
    return [
        (place, node)
        for place in reached_definitions()
        for node in definitions.parse(place.module).definitions[place.name]
        if isinstance(node, ast.FunctionDef)
    ]


def fit_fingerprint(backend: str) -> str:
    """The store's part of the fingerprint of a training."""
    return fit_code(backend)


def clear() -> None:
    for cached in CACHES:
        cached.cache_clear()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the package to edit."""
    copy = tmp_path / "fairtrial"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(definitions, "PACKAGE", copy)
    clear()
    yield copy
    clear()


def fingerprints() -> dict[str, str]:
    """By job, and the part of each backend in the key of the store."""
    clear()
    jobs = {name: fingerprint(*places) for name, places in ENTRIES.items()}
    return jobs | {f"store {name}": fit_fingerprint(name) for name in BACKENDS}


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path.name} has no {old!r}"
    path.write_text(text.replace(old, new), encoding="utf-8")


# --------------------------------------------------------------------------- mutations


def counted(node: ast.AST, in_class: bool = False) -> Iterator[ast.AST]:
    """The nodes of a definition without annotations of functions, docstrings and imports."""
    if definitions.is_text(node) or isinstance(node, ast.Import | ast.ImportFrom):
        return
    yield node
    for name, value in ast.iter_fields(node):
        silent = name == "returns" or (name == "annotation" and not in_class)
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not silent:
                yield from counted(child, isinstance(node, ast.ClassDef))


def mutations(node: ast.AST) -> Iterator[tuple[ast.AST, str, Any]]:
    """Edits of one node, each as a field and its other value."""
    if isinstance(node, ast.Constant) and node.value != "":
        yield node, "value", "other" if node.value is None else [node.value]
    elif isinstance(node, ast.BinOp):
        yield node, "op", ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
    elif isinstance(node, ast.BoolOp):
        yield node, "op", ast.And() if isinstance(node.op, ast.Or) else ast.Or()
    elif isinstance(node, ast.Compare):
        other = ast.Lt() if isinstance(node.ops[0], ast.GtE) else ast.GtE()
        yield node, "ops", [other, *node.ops[1:]]
    elif isinstance(node, ast.Attribute):
        yield node, "attr", f"{node.attr}_other"
    elif isinstance(node, ast.keyword) and node.arg:
        yield node, "arg", f"{node.arg}_other"
    elif isinstance(node, ast.FunctionDef) and len(node.args.args) > 1:
        first, second, *rest = node.args.args
        yield node.args, "args", [second, first, *rest]
    if isinstance(node, ast.FunctionDef | ast.For | ast.With | ast.If) and len(node.body) > 1:
        *rest, before, last = node.body
        kinds = (ast.Import, ast.ImportFrom, ast.Nonlocal, ast.Global, ast.FunctionDef)
        if not isinstance(before, kinds) and not definitions.is_text(before):
            yield node, "body", [*rest, last, before]


def text_of(place: Definition) -> object:
    return parts_of.__wrapped__(place)


@pytest.mark.parametrize(
    "share", [100, pytest.param(1, marks=pytest.mark.slow)], ids="every {}".format
)
def test_an_edit_of_what_is_reached_counts(share: int) -> None:
    """Constants, operators, attributes, keywords, the order of parameters and statements."""
    unseen, seen = [], 0
    for place in reached_definitions():
        before = text_of(place)
        tops = definitions.parse(place.module).definitions[place.name]
        edits = [edit for top in tops for node in counted(top) for edit in mutations(node)]
        for node, field, value in edits[::share]:
            old = getattr(node, field)
            setattr(node, field, value)
            changed = text_of(place) != before
            setattr(node, field, old)
            seen += changed
            if not changed:
                unseen.append(f"{place.module}.{place.name}, {field}: {ast.unparse(node)}")
    assert unseen == []
    assert seen > 10000 / share


@pytest.mark.parametrize(
    "share", [5, pytest.param(1, marks=pytest.mark.slow)], ids="every {}".format
)
def test_no_name_of_a_variable_counts(share: int) -> None:
    """Each variable of a reached function gets another name, one after the other."""
    unequal, renamed = [], 0
    for place, node in reached_functions()[::share]:
        before = text_of(place)
        for name in variables(node):
            new = rename(node, name)
            if text_of(place) != before:
                unequal.append(f"{place.module}.{place.name}: {name}")
            rename(node, new, name)
            renamed += 1
    assert unequal == []
    assert renamed > 1000 / share


# --------------------------------------------------------------------------- edits of files


def moved(package: Path) -> None:
    move_module(package, "data.boxes", "files.rectangles")


def renamed_private_names(package: Path) -> None:
    for path in package.rglob("*.py"):
        rename_private_names(path)


@pytest.mark.slow
@pytest.mark.parametrize("edit", [moved, renamed_private_names], ids=lambda edit: edit.__name__)
def test_where_a_definition_stands_and_what_it_is_called_does_not_count(
    edit: Callable[[Path], None], package: Path
) -> None:
    before = fingerprints()
    edit(package)
    assert fingerprints() == before


@pytest.mark.slow
def test_another_imported_function_changes_those_who_use_it(package: Path) -> None:
    before = fingerprints()
    replace(
        package / "backends/_retinanet_model.py",
        ", sigmoid_focal_loss\n",
        ", generalized_box_iou_loss as sigmoid_focal_loss\n",
    )
    after = fingerprints()
    changed = {name for name in before if before[name] != after[name]}
    assert {"fit retinanet", "store retinanet"} <= changed
    assert changed <= {"fit retinanet", "store retinanet", "detector retinanet"}


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_setting_more_leaves_the_code_of_trainings_alone(backend: str, package: Path) -> None:
    """Where a class holds settings, it must import `Settings` under TYPE_CHECKING."""
    before = fit_fingerprint(backend)
    place = definitions.meaning("Settings", f"backends.{backend}")
    assert isinstance(place, Definition)
    path = package / f"{place.module.replace('.', '/')}.py"
    (head,) = re.findall(r"^class Settings\(\w+\):", path.read_text(encoding="utf-8"), re.MULTILINE)
    replace(path, head, f"{head}\n    shipped_later: int = 0\n")
    clear()
    assert fit_fingerprint(backend) == before


@pytest.mark.slow
def test_what_a_property_of_settings_says_counts(package: Path) -> None:
    """A job that asks for it names no class that would lead there."""
    before = fingerprints()
    replace(package / "backends/_networks_settings.py", 'return "classify"', 'return "detect"')
    after = fingerprints()
    changed = {name for name in before if before[name] != after[name]}
    assert "store networks" in changed
    assert not {"store ultralytics", "store retinanet"} & changed
