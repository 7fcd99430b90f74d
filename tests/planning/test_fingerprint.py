"""The code fingerprint: what counts, what does not, and that every Python gives the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fairtrial.planning import fingerprint as module
from fairtrial.planning.fingerprint import fingerprint, reached

# What any supported Python must make of every_syntax.txt. An edit of fingerprint.py that
# changes it makes every result of every user stale: train, predict and the rest run again.
GOLDEN = "5a9e3ca3e396fff5"

STAGE = '''
"""A stage."""
from __future__ import annotations
from typing import Any
from fairtrial import tools, DataError
from fairtrial.planning import fingerprint
from fairtrial.store import entries, keys
from fairtrial.near import first, LIMIT as MOST
from fairtrial.parts import handed_on, made

SCALE: int = 2


def stage(a: int) -> Any:
    """What it does."""
    entries.root(); keys.key(a); fingerprint.read(a)
    return first(a) + SCALE + tools.helper(a) + handed_on(a) + made().run() + MOST


def other(a):
    return a
'''
FILES = {
    "__init__": "class DataError(Exception): pass\n",
    "stages/stage": STAGE,
    "near": "from fairtrial.far import last\nLIMIT = 3\ndef first(a): return last(a)\n",
    "far": "def last(a): return a * 7\ndef unused(a): return 1\n",
    "tools": "import os\nos.nice(0)\ndef helper(a): return _own(a)\ndef _own(a): return a\n"
    "def alone(a): return 1\n",
    "parts/__init__": "from fairtrial.parts.inside import handed_on\n"
    "from fairtrial.kinds import made\n",
    "parts/inside": "def handed_on(a): return a + 1\n",
    "kinds": "class Kind:\n    weight: int = 1\n    def run(self): return 5\n"
    "def made(): return Kind()\n",
    "store/keys": "def key(a): return a\n",
    "planning/fingerprint": "def read(a): return a\n",
    "store/entries": "def root(): return 1\n",
}


class Package:
    """A package in a temporary folder; `()` is the fingerprint of its stage."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, text in FILES.items():
            self.write(f"{name}.py", text)

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.folder / f"{name}.py").read_text(encoding="utf-8")
        assert old in text
        self.write(f"{name}.py", text.replace(old, new))

    def __call__(self, *entries: str) -> str:
        for cached in (fingerprint, reached, module.parse):
            cached.cache_clear()
        return fingerprint(*(entries or ("stages.stage:stage",)))


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Package]:
    monkeypatch.setattr(module, "PACKAGE", tmp_path)
    yield Package(tmp_path)
    for cached in (fingerprint, reached, module.parse):
        cached.cache_clear()


UNCHANGED = {
    "a comment": ("stages/stage", "SCALE: int", "# a word\n\n\nSCALE: int"),
    "a docstring": ("stages/stage", "What it does.", "What else it does."),
    "no docstring": ("stages/stage", '    """What it does."""\n', ""),
    "layout": ("stages/stage", "(a) + SCALE", "(\n        a\n    )   + SCALE"),
    "another spelling of a constant": ("far", "a * 7", "a * 0x7"),
    "the annotation of a parameter": ("stages/stage", "stage(a: int)", "stage(a: list[int])"),
    "the annotation of a result": ("stages/stage", "-> Any", "-> int"),
    "the annotation of a variable": ("stages/stage", "SCALE: int = 2", "SCALE = 2"),
    "an import that nothing uses": ("stages/stage", "import Any", "import Any, Literal"),
    "a function that nothing uses": ("stages/stage", "    return a\n", "    return a + 1\n"),
    "an unused function two imports deep": ("far", "return 1", "return 2"),
    "an unused function of a module used by name": ("tools", "return 1", "return 2"),
    "settings": ("settings", "return a", "return a + 1"),
    "provenance": ("provenance", "return a", "return a + 1"),
    "store": ("store", "return 1", "return 2"),
    "the package's errors": ("__init__", "pass", "code = 1"),
}

CHANGED = {
    "a constant": ("stages/stage", "SCALE: int = 2", "SCALE: int = 3"),
    "an imported constant": ("near", "LIMIT = 3", "LIMIT = 4"),
    "two imports deep": ("far", "a * 7", "a * 8"),
    "a function that a used one calls": ("tools", "_own(a): return a", "_own(a): return 2"),
    "a statement that runs at import": ("tools", "os.nice(0)", "os.nice(1)"),
    "behind a package that hands it on": ("parts/inside", "a + 1", "a + 2"),
    "a method, called through an instance": ("kinds", "return 5", "return 6"),
    "a field of a class": ("kinds", "weight: int", "weight: float"),
    "a name that is bound twice": ("near", "LIMIT = 3", "LIMIT = 2\nLIMIT = 3"),
    "1 for True": ("far", "a * 7", "a * True"),
    "7.0 for 7": ("far", "a * 7", "a * 7.0"),
}


@pytest.mark.parametrize("name", UNCHANGED)
def test_what_changes_no_result_does_not_count(name: str, package: Package) -> None:
    before = package()
    package.edit(*UNCHANGED[name])
    assert package() == before


@pytest.mark.parametrize("name", CHANGED)
def test_what_may_change_a_result_counts(name: str, package: Package) -> None:
    before = package()
    package.edit(*CHANGED[name])
    assert package() != before


def test_an_import_inside_try_or_a_function_is_followed(package: Package) -> None:
    """A module that imports by `try:` lost what it imported so."""
    package.edit(
        "stages/stage",
        "SCALE: int",
        "try:\n    from fairtrial import far\nfinally:\n    0\nSCALE: int",
    )
    package.edit("stages/stage", "first(a) +", "far.unused(a) +")
    before = package()
    package.edit("far", "return 1", "return 2")
    assert package() != before


FOLDER: dict[str, Callable[[Package], None]] = {
    "an edited figure": lambda p: p.write("figures/one.py", "def one(): return 2\n"),
    "a new figure": lambda p: p.write("figures/two.py", "def two(): return 1\n"),
    "an edited template": lambda p: p.write("figures/page.typ", "#other\n"),
    "a new template": lambda p: p.write("figures/sections/a.typ", "#a\n"),
}


@pytest.mark.parametrize("name", FOLDER)
def test_a_folder_counts_whole(name: str, package: Package) -> None:
    """Figures and templates are found by listing their folder; no name leads to them."""
    package.write("figures/one.py", "def one(): return 1\n")
    package.write("figures/page.typ", "#page\n")
    before = package("stages.stage:stage", "figures/")
    FOLDER[name](package)
    assert package("stages.stage:stage", "figures/") != before


def test_compiled_files_of_a_folder_do_not_count(package: Package) -> None:
    package.write("figures/one.py", "def one(): return 1\n")
    before = package("figures/")
    package.write("figures/__pycache__/one.cpython-311.pyc", "x")
    assert package("figures/") == before


def test_an_entry_may_be_handed_on_by_its_module(package: Package) -> None:
    assert package("parts:handed_on") == package("parts.inside:handed_on", "parts:handed_on")


def test_an_entry_that_is_not_there_is_an_error(package: Package) -> None:
    with pytest.raises(KeyError, match=r"stages\.stage has no missing"):
        package("stages.stage:missing")
    with pytest.raises(KeyError, match="no module nowhere"):
        package("nowhere:x")


def test_every_python_gives_the_same(package: Package) -> None:
    """Python 3.12.1 puts empty texts into f-strings that 3.11 and 3.13 do not have there."""
    text = Path(__file__).with_name("every_syntax.txt").read_text(encoding="utf-8")
    package.write("forms.py", text)
    package.write(
        "deeper.py",
        "from fairtrial.deepest import bottom\nconstant = 5\ndef middle(a): return bottom(a)\n",
    )
    package.write("deepest.py", "def bottom(a): return a * 7\n")
    assert package("forms:entry") == GOLDEN
