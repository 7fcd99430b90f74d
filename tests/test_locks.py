"""The locks: whole, agreeing with each other, and bound to no index."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BASE = ROOT / "requirements.lock"
EXTRAS = {path.stem: path for path in sorted((ROOT / "locks").iterdir())}
LOCKS = {"base": BASE} | EXTRAS | {"container": ROOT / "container/serve.lock"}
# Base packages that no module imports: programs, what packages of others import, and one of which
# a file is read.
NOT_IMPORTED = {"cmaes", "pandas", "plotly", "snakemake", "snakemake-executor-plugin-slurm"}
# Packages that are imported and come with one that is asked for: dvc, ultralytics, pydantic,
# uvicorn, fastapi.
COME_ALONG = {"fsspec", "opencv-python-headless", "pydantic-core"} | {"h11", "starlette"}


def locked(path: Path) -> dict[tuple[str, str], str]:
    """The version of each package, by its name and the condition under which it is installed."""
    lines = re.findall(r"^([a-z0-9][^\\\n]*?) *\\?$", path.read_text(), re.MULTILINE)
    requirements = [Requirement(line) for line in lines]
    return {
        (canonicalize_name(r.name), str(r.marker or "")): str(r.specifier) for r in requirements
    }


def required(*names: str) -> set[str]:
    """The packages that pyproject.toml names for the base, or for these extras."""
    extras = PROJECT["optional-dependencies"]
    texts = [text for name in names for text in extras[name]] or PROJECT["dependencies"]
    return {canonicalize_name(Requirement(text).name) for text in texts} - {"fairtrial"}


def test_every_extra_has_a_lock() -> None:
    assert set(EXTRAS) == set(PROJECT["optional-dependencies"]) >= {"dev", "tensorboard"}
    for name, path in EXTRAS.items():
        assert required(name) <= {package for package, _ in locked(path)}
    assert required() <= {package for package, _ in locked(BASE)}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_has_hashes_and_no_address(name: str) -> None:
    text = LOCKS[name].read_text()
    requirements = re.findall(
        r"^[a-z0-9].*(?:\n +--hash=sha256:[0-9a-f]{64}.*)*", text, re.MULTILINE
    )
    assert [line for line in requirements if "--hash" not in line] == []
    assert len(requirements) == len(locked(LOCKS[name]))
    assert re.findall(r"://|--(?:extra-)?index-url|--find-links", text) == []


@pytest.mark.parametrize("name", EXTRAS)
def test_an_extra_changes_no_version_of_the_base(name: str) -> None:
    """It may want a package everywhere that the base wants under a condition."""
    base, extra = locked(BASE), locked(EXTRAS[name])
    assert {key: extra.get(key) or extra.get((key[0], "")) for key in base} == base


def test_the_extras_agree_with_each_other() -> None:
    """Several are installed together."""
    versions: dict[tuple[str, str], set[str]] = {}
    for path in EXTRAS.values():
        for key, version in locked(path).items():
            versions.setdefault(key, set()).add(version)
    assert {key: pins for key, pins in versions.items() if len(pins) > 1} == {}


def test_the_container_has_the_versions_that_were_tested() -> None:
    """They are those of `dev`, by which its exported file was checked."""
    dev = {name: pin for (name, _), pin in locked(EXTRAS["dev"]).items()}
    pins = {pin for (name, _), pin in locked(LOCKS["container"]).items() if dev.get(name) == pin}
    assert len(pins) >= 20
    assert {name for name, _ in locked(LOCKS["container"])} <= set(dev)


def imported() -> set[str]:
    """The packages of others that the modules of fairtrial import."""
    modules = set()
    for path in (ROOT / "workflow").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                modules.add(str(node.module).partition(".")[0])
    distributions = packages_distributions()
    others = modules - set(sys.stdlib_module_names) - {"fairtrial"}
    return {canonicalize_name(name) for module in others for name in distributions[module][:1]}


def test_the_base_is_what_the_package_needs() -> None:
    """What tests alone need is in `dev`."""
    packages = imported()
    assert packages - required() <= COME_ALONG | required(*set(EXTRAS) - {"dev"})
    assert required() - packages <= NOT_IMPORTED


def hashes(path: Path) -> dict[str, frozenset[str]]:
    """The hashes of each package, by its name and version."""
    found: dict[str, frozenset[str]] = {}
    for block in re.split(r"^(?=[a-z0-9])", path.read_text(), flags=re.MULTILINE)[1:]:
        package = re.split(r"[ ;\\\n]", block, maxsplit=1)[0]
        found[package] = frozenset(re.findall(r"sha256:([0-9a-f]{64})", block))
    return found


def test_a_version_has_the_same_hashes_in_every_lock() -> None:
    """When a version changes, uv may keep the hashes of the old one; no installation would do."""
    found: dict[str, set[frozenset[str]]] = {}
    for path in LOCKS.values():
        for package, sums in hashes(path).items():
            found.setdefault(package, set()).add(sums)
    assert len(found) > 100
    assert [package for package, sums in found.items() if len(sums) > 1] == []
