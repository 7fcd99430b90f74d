"""The words in which every format says what it cannot take."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from pathlib import Path

from fairtrial.data.defects import UnknownClass


def unknown_class(file: str, where: str, name: str, known: Collection[str]) -> UnknownClass:
    """The defect of an object whose class is none of the known ones, with that which is meant."""
    seen = f"{where}: {name!r}; there are {', '.join(known)}"
    return UnknownClass(file, seen + did_you_mean(name, known))


def did_you_mean(name: str, known: Collection[str]) -> str:
    """The end of a message: the known name that `name` seems to be; "" where none is close."""
    folded = {other.strip().casefold(): other for other in known}
    found = difflib.get_close_matches(name.strip().casefold(), folded, 1, 0.75)
    return f"; did you mean `{folded[found[0]]}`?" if found else ""


def no_such_file(path: Path) -> str:
    """What is wrong where a file is not there, and what is there instead."""
    if not path.parent.is_dir():
        return f"{path}: no such file, for there is no folder {path.parent.name}"
    names = sorted(other.name for other in path.parent.iterdir() if other.is_file())
    if near := did_you_mean(path.name, names):
        return f"{path}: no such file{near}"
    alike = [name for name in names if name.lower().endswith(path.suffix.lower())][:5]
    return f"{path}: no such file" + (f"; there are: {', '.join(alike)}" if alike else "")
