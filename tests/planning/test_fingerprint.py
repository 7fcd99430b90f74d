"""The code fingerprint: what counts, what does not, and that every Python gives the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from facts import refused
from fairtrial.planning import definitions
from fairtrial.planning.code_text import parts_of
from fairtrial.planning.fingerprint import fingerprint, reached

# What any supported Python must make of every_syntax.txt. An edit of fingerprint.py that
# changes it makes every result of every user stale: train, predict and the rest run again.
GOLDEN = "c9834433a6d65fc1"

STAGE = '''
"""A stage."""
from __future__ import annotations
import numpy as np
from os import path
from typing import TYPE_CHECKING, Any
from fairtrial import tools, DataError
from fairtrial.store import entries, keys
from fairtrial.near import first, LIMIT as MOST
from fairtrial.parts import handed_on, made

if TYPE_CHECKING:
    from fairtrial.near import LIMIT as Unread

SCALE: int = 2
_SEEN: dict[str, int] = {}
_LAST: dict[str, int] = {}


def stage(a: int, *, b: int = 1) -> Any:
    """What it does."""
    from fairtrial.far import square

    entries.root(); keys.key(a)
    total = _weighted(first=a, second=b)
    rest = [item - total for item in (a, b) if item]
    try:
        _SEEN["a"] = np.abs(total)
        print(path.join("a", "b"))
    except DataError as error:
        _LAST["a"] = error
    def again(times):
        nonlocal total
        total = total * times
        return total
    total += square(a) + again(times=3)
    return first(a) + SCALE + tools.helper(a) + handed_on(a) + made().run() + MOST - total, rest


def _weighted(first, second):
    return first - second


def other(a):
    return a
'''
FILES = {
    "__init__": "class DataError(Exception): pass\n",
    "stages/stage": STAGE,
    "near": "from fairtrial.far import last\nLIMIT = 3\ndef first(a): return last(a)\n",
    "far": "def last(a): return a * 7\ndef unused(a): return 1\ndef square(a): return a**2\n",
    "tools": "import os\nos.nice(0)\ndef helper(a): return _own(a)\ndef _own(a): return a\n"
    "def alone(a): return 1\n",
    "parts/__init__": "from fairtrial.parts.inside import handed_on\n"
    "from fairtrial.kinds import made\n",
    "parts/inside": "def handed_on(a): return a + 1\n",
    "kinds": "class Kind:\n    weight: int = 1\n    def run(self): return 5\n"
    "def made(): return Kind()\n",
    "files/yamlfile": "def read(a): return a\n",
    "training/provenance": "def commit(a): return a\n",
    "store/keys": "def key(a): return a\n",
    "store/entries": "def root(): return 1\ndef other(): return 1\n",
}
CACHES = (fingerprint, reached, parts_of, definitions.parse, definitions.file_of)


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
        for cached in CACHES:
            cached.cache_clear()
        return fingerprint(*(entries or ("stages.stage:stage",)))


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Package]:
    monkeypatch.setattr(definitions, "PACKAGE", tmp_path)
    yield Package(tmp_path)
    for cached in CACHES:
        cached.cache_clear()


Edit = Callable[[Package], None]


def edit(module: str, old: str, new: str) -> Edit:
    return lambda package: package.edit(module, old, new)


def edits(*changes: tuple[str, str, str]) -> Edit:
    def edited(package: Package) -> None:
        for change in changes:
            package.edit(*change)

    return edited


def moved_module(package: Package) -> None:
    package.write("elsewhere/distant.py", FILES["far"])
    (package.folder / "far.py").unlink()
    package.edit("near", "fairtrial.far", "fairtrial.elsewhere.distant")
    package.edit("stages/stage", "fairtrial.far", "fairtrial.elsewhere.distant")


def moved_next_to_its_user(package: Package) -> None:
    package.edit("near", "from fairtrial.far import last\n", "")
    package.edit("near", "LIMIT", "def last(a): return a * 7\nLIMIT")


UNCHANGED: dict[str, Edit] = {
    "a comment": edit("stages/stage", "SCALE: int", "# a word\n\n\nSCALE: int"),
    "a docstring": edit("stages/stage", "What it does.", "What else it does."),
    "no docstring": edit("stages/stage", '    """What it does."""\n', ""),
    "layout": edit("stages/stage", "(a) + SCALE", "(\n        a\n    )   + SCALE"),
    "another spelling of a constant": edit("far", "a * 7", "a * 0x7"),
    "the annotation of a parameter": edit("stages/stage", "stage(a: int", "stage(a: list[int]"),
    "the annotation of a result": edit("stages/stage", "-> Any", "-> int"),
    "the annotation of a variable": edit("stages/stage", "SCALE: int = 2", "SCALE = 2"),
    "an import that nothing uses": edit("stages/stage", "ING, Any", "ING, Any, Literal"),
    "a function that nothing uses": edit("stages/stage", "    return a\n", "    return a + 1\n"),
    "an unused function two imports deep": edit("far", "return 1", "return 2"),
    "an unused function of a module used by name": edit("tools", "return 1", "return 2"),
    "what reads settings": edit("files/yamlfile", "return a", "return a + 1"),
    "provenance": edit("training/provenance", "return a", "return a + 1"),
    "store": edit("store/entries", "return 1", "return 2"),
    "the package's errors": edit("__init__", "pass", "code = 1"),
    # names
    "a moved module": moved_module,
    "a definition moved to another module": moved_next_to_its_user,
    "a definition moved within its module": edits(
        ("near", "LIMIT = 3\n", ""), ("near", "last(a)\n", "last(a)\nLIMIT = 3\n")
    ),
    "a renamed variable": edit("stages/stage", "total", "amount"),
    "a renamed variable of a comprehension": edit("stages/stage", "item", "number"),
    "a comprehension's variable named as another one": edit("stages/stage", "item", "rest"),
    "a renamed exception": edits(
        ("stages/stage", "as error", "as wrong"), ("stages/stage", "= error", "= wrong")
    ),
    "a renamed function within a function": edit("stages/stage", "again(", "once_more("),
    "a renamed helper": edit("stages/stage", "_weighted", "_difference"),
    "a renamed helper of another module": edit("tools", "_own", "_mine"),
    "a renamed constant": edit("stages/stage", "SCALE", "FACTOR"),
    "a renamed imported function": edits(
        ("stages/stage", "square", "second_power"), ("far", "square", "second_power")
    ),
    "a renamed class": edit("kinds", "Kind", "Sort"),
    "another alias": edit("stages/stage", "MOST", "AT_MOST"),
    "another alias of a package": edits(
        ("stages/stage", "numpy as np", "numpy as numeric"), ("stages/stage", "np.", "numeric.")
    ),
    "a name imported instead of its package": edits(
        ("stages/stage", "import numpy as np", "from numpy import abs as size"),
        ("stages/stage", "np.abs", "size"),
    ),
    "a local import at the top": edits(
        ("stages/stage", "    from fairtrial.far import square\n", ""),
        ("stages/stage", "SCALE: int", "from fairtrial.far import square\nSCALE: int"),
    ),
}

CHANGED: dict[str, Edit] = {
    "a constant": edit("stages/stage", "SCALE: int = 2", "SCALE: int = 3"),
    "an imported constant": edit("near", "LIMIT = 3", "LIMIT = 4"),
    "two imports deep": edit("far", "a * 7", "a * 8"),
    "a function that a used one calls": edit("tools", "_own(a): return a", "_own(a): return 2"),
    "a statement that runs at import": edit("tools", "os.nice(0)", "os.nice(1)"),
    "behind a package that hands it on": edit("parts/inside", "a + 1", "a + 2"),
    "a method, called through an instance": edit("kinds", "return 5", "return 6"),
    "a field of a class": edit("kinds", "weight: int", "weight: float"),
    "the name of a field": edit("kinds", "weight", "mass"),
    "the name of a method": edits(("kinds", "run", "go"), ("stages/stage", ".run()", ".go()")),
    "a name that is bound twice": edit("near", "LIMIT = 3", "LIMIT = 2\nLIMIT = 3"),
    "a constant that is changed later": edit("near", "LIMIT = 3", "LIMIT = 3\nLIMIT += 1"),
    "1 for True": edit("far", "a * 7", "a * True"),
    "7.0 for 7": edit("far", "a * 7", "a * 7.0"),
    "an operator": edit("far", "a * 7", "a + 7"),
    "a comparison": edit("stages/stage", "if item]", "if not item]"),
    "the order of statements": edits(
        ("stages/stage", "    total += square(a) + again(times=3)\n", ""),
        ("stages/stage", "    rest = ", "    total += square(a) + again(times=3)\n    rest = "),
    ),
    "a default": edit("stages/stage", "b: int = 1", "b: int = 2"),
    "swapped parameters": edit(
        "stages/stage", "_weighted(first, second)", "_weighted(second, first)"
    ),
    "another keyword": edits(
        ("stages/stage", "again(times=3)", "again(3)"),
    ),
    "a renamed parameter": edits(
        ("stages/stage", "again(times):", "again(factor):"),
        ("stages/stage", "* times", "* factor"),
        ("stages/stage", "(times=3)", "(factor=3)"),
    ),
    "swapped variables": edit("stages/stage", "item - total", "total - item"),
    "a variable for another one": edit("stages/stage", "- total, rest", "- a, rest"),
    "a variable of its own": edit("stages/stage", "        nonlocal total\n", ""),
    "another name of a package": edit("stages/stage", "np.abs", "np.sign"),
    "a name of another package": edit("stages/stage", "import numpy as np", "import cupy as np"),
    "another function under the same name": edit(
        "stages/stage", "from os import path", "from os import fspath as path"
    ),
    "another function of the package under the same name": edit(
        "stages/stage", "far import square", "far import unused as square"
    ),
    "a global for another one of equal content": edit("stages/stage", '_LAST["a"]', '_SEEN["a"]'),
    "another function of the store": edit("stages/stage", "entries.root", "entries.other"),
    "another builtin": edit("stages/stage", "print(", "repr("),
    "a text": edit("stages/stage", '"b")', '"c")'),
}


@pytest.mark.parametrize("name", UNCHANGED)
def test_what_changes_no_result_does_not_count(name: str, package: Package) -> None:
    before = package()
    UNCHANGED[name](package)
    assert package() == before


@pytest.mark.parametrize("name", CHANGED)
def test_what_may_change_a_result_counts(name: str, package: Package) -> None:
    before = package()
    CHANGED[name](package)
    assert package() != before


CLASS_BODIES = {
    "a field without a value": "    near: int\n    most: int = near.LIMIT\n",
    "bound after it was read": "    most: int = near.LIMIT\n    near = 1\n",
    "in its own value": "    near: int = near.LIMIT\n",
    "in a comprehension": "    near = 1\n    most = [near.LIMIT for i in 'ab']\n",
    "in a method": "    near = 1\n    def most(self): return near.LIMIT\n",
}


@pytest.mark.parametrize("name", CLASS_BODIES)
def test_a_class_may_have_a_name_that_the_module_has_too(name: str, package: Package) -> None:
    package.write("kinds.py", f"from fairtrial import near\nclass Kind:\n{CLASS_BODIES[name]}")
    before = package("kinds:Kind")
    package.edit("near", "LIMIT = 3", "LIMIT = 4")
    assert package("kinds:Kind") != before


def test_classes_that_are_found_through_their_base_count(package: Package) -> None:
    lines = ["class Kind: pass", "class One(Kind): size = 1", "class Two(Kind): size = 2"]
    lines += ["KINDS = [kind.size for kind in Kind.__subclasses__()]"]
    package.write("kinds.py", "\n".join(lines))
    before = package("kinds:KINDS")
    package.edit("kinds", "size = 2", "size = 3")
    assert package("kinds:KINDS") != before


def test_an_import_inside_try_or_a_function_is_followed(package: Package) -> None:
    """A module that imports by `try:` lost what it imported so."""
    package.edit(
        "stages/stage",
        "SCALE: int",
        "try:\n    from fairtrial import far\nfinally:\n    0\nSCALE: int",
    )
    package.edit("stages/stage", "return first(a) +", "return far.unused(a) +")
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
    assert package("parts:handed_on") == package("parts.inside:handed_on")


def test_the_name_of_a_plugin_counts(package: Package) -> None:
    """Settings and rules name it, so two plugins with equal code stay apart."""
    for name in ("one", "two"):
        package.write(f"backends/{name}.py", "def fit(a): return a\n")
    assert package("backends.one:fit") != package("backends.two:fit")


SETTINGS = """
from pydantic import BaseModel, field_serializer, field_validator

Rate = Annotated[float, 1]
Rate = Rate | None

class Widths(BaseModel):
    first: int

    def widths(self):
        return [self.first]

class Common(BaseModel):
    @property
    def task(self):
        return "detect"

class Settings(Common):
    widths: list[int] | Widths
    lr0: Rate

    @field_serializer("widths")
    def _listed(self, value):
        return [value]

    @field_validator("lr0")
    def _positive(cls, value):
        return abs(value)
"""

METHODS: dict[str, tuple[str, str, bool]] = {
    "a field more": ("lr0: Rate", "lr0: Rate\n    clip: float = 0", False),
    "a field more, of a known type": ("lr0: Rate", "lr0: Rate\n    clip: Rate = 0", False),
    "a field more, of a known class": (
        "lr0: Rate",
        "lr0: Rate\n    more: Widths | None = None",
        False,
    ),
    "the bound of a type": ("float, 1", "float, 2", False),
    "a validator": ("abs(value)", "max(0, value)", False),
    "what a serializer returns": ("[value]", "[2 * value]", True),
    "a method of a base": ('"detect"', '"classify"', True),
    "a method of the model in a field": ("[self.first]", "[2 * self.first]", True),
}


PARAMETERS = {
    "imported": ("from fairtrial.settings import Settings", "Settings"),
    "imported for types": (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
        "    from fairtrial.settings import Settings",
        "list[Settings] | None",
    ),
    "by another name": (
        "from fairtrial import settings\nGiven = settings.Settings | None",
        "Given",
    ),
    "of its module": ("from fairtrial import settings", "settings.Settings"),
}


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("how", PARAMETERS)
def test_the_methods_of_what_an_entry_is_given_count(how: str, name: str, package: Package) -> None:
    """Its caller makes the instance."""
    line, annotation = PARAMETERS[how]
    package.write("settings.py", SETTINGS)
    package.write("job.py", f"{line}\ndef work(settings: {annotation}): return settings.task\n")
    before = package("job:work")
    old, new, counts = METHODS[name]
    package.edit("settings", old, new)
    assert (package("job:work") != before) is counts


def test_a_name_imported_for_types_alone_is_not_followed(package: Package) -> None:
    """No running code can read it."""
    package.edit("stages/stage", "SCALE: int", "class Kept:\n    limit: Unread\nSCALE: int")
    package.edit("stages/stage", "return first(a)", "Kept(); return first(a)")
    package.edit("stages/stage", " + MOST", "")
    before = package()
    package.edit("near", "LIMIT = 3", "LIMIT = 4")
    assert package() == before


def test_an_entry_that_is_not_there_is_an_error(package: Package) -> None:
    with refused(KeyError, "stages.stage", "missing"):
        package("stages.stage:missing")
    with refused(KeyError, "nowhere"):
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
