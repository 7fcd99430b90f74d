"""The code fingerprint of a job: a hash of the code that its result depends on.

The search starts at the stage's function and the plugin functions that the job uses, and follows
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

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from fairtrial.planning import definitions
from fairtrial.planning.code_text import METHODS, Part, parameter_classes, parts_of
from fairtrial.planning.definitions import ALWAYS, OUTSIDE, WHOLE, Definition, meaning, parse

__all__ = ["OUTSIDE", "fingerprint", "reached"]

FOUND_BY_NAME = ("stages.", "backends.", "formats.", "sources.")  # settings and rules name them


@cache
def fingerprint(*entries: str) -> str:
    """The fingerprint of the code reached from `entries`, below the package.

    An entry is "module:name", or "folder/" for every file of a folder. Of the classes that
    annotate the parameters of an entry the methods count, without the fields.

    Returns 16 hexadecimal digits, the same on every Python version that is supported. Raises
    KeyError where there is no such entry.
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
        """`parts` with references as numbers; a new definition gets the next one."""
        return "".join(
            part if isinstance(part, str) else f"#{numbers.setdefault(part, len(numbers))}"
            for part in parts
        )

    for entry in entries:
        yield None, text(_listed(entry) if entry.endswith("/") else _named(entry))
    done = 0
    while done < len(numbers):
        for place in list(numbers)[done:]:
            yield place, text(parts_of(place))
            done += 1


def _named(entry: str) -> list[Part]:
    """The text of an entry "module:name"."""
    module, _, name = entry.partition(":")
    place = meaning(name, module)
    if not isinstance(place, Definition):
        raise KeyError(f"fairtrial.{module} has no {name}")
    named = entry if module.startswith(FOUND_BY_NAME) else ""
    return [named, place, *parameter_classes(place)]


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
