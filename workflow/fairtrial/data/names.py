"""What names a thing (a class, a group, an id), and flags: one spelling each, for every format.

`1`, `1.0` and ` 1 ` are one patient, and `é` is one letter however a system stores it. Everything
that a format reads as a name or a flag comes through this door.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from math import isfinite

from fairtrial import DataError

_WHOLE = re.compile(r"(-?\d+)\.0*")  # a whole number, written as a float
_NO_GROUP = {"", "nan", "NaN"}  # what tables write for a cell without value
_FLAGS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
_SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}


def class_name(value: object, where: str) -> str:
    """The name of a class: without blanks around it, accents as one character, 1.0 as 1.

    Raises DataError, naming `where`, for what names nothing: null, "", NaN, a list.
    """
    plain = _whole(value) if isinstance(value, float) else value
    if isinstance(plain, str | int):
        text = unicodedata.normalize("NFC", str(plain)).strip()
        if text:
            return text
    raise DataError(f"{where}: {value!r} is no name")


def numbered_classes(names: Iterable[object], where: str) -> dict[int, str]:
    """Class names by the numbers 1, 2 …, in their order.

    Raises DataError, naming `where`, for what is no name, and for a name that stands there twice.
    """
    classes = [class_name(name, where) for name in names]
    if twice := sorted({name for name in classes if classes.count(name) > 1}):
        raise DataError(f"{where}: two classes are called {', '.join(twice)}")
    return dict(enumerate(classes, 1))


def group_name(value: object, where: str) -> str | None:
    """The name of a group; None where there is none: for null, "" and NaN.

    As of a class, but a text such as `1.0` is 1 as well, for tables write numbers both ways.
    """
    if value is None or (isinstance(value, float) and not isfinite(value)):
        return None
    if isinstance(value, str) and value.strip() in _NO_GROUP:
        return None
    return _without_fraction(class_name(value, where))


def id_of(value: object, where: str) -> int | str:
    """An id by which rows name each other: a whole number however it is written, else a text.

    Raises DataError, naming `where`, for what is none.
    """
    if type(value) is int:  # nearly all are; there may be millions
        return value
    text = _without_fraction(class_name(value, where))
    number = text.removeprefix("-")
    if number.isascii() and number.isdigit() and str(int(text)) == text:
        return int(text)  # but 007 stays a text
    return text


def flag_of(value: object, where: str) -> bool:
    """Whether a flag is set: 1, "1", true, "yes" or their opposites; null and "" are not set.

    Raises DataError, naming `where`, for everything else: the text "0" must not pass for true.
    """
    if type(value) is int and value in (0, 1):
        return bool(value)
    if value is None or isinstance(value, bool):
        return bool(value)
    if isinstance(value, float) and value in (0.0, 1.0):
        return bool(value)
    if isinstance(value, str):
        text = _without_fraction(value.strip().lower())
        if not text or text in _FLAGS:
            return _FLAGS.get(text, False)
    raise DataError(f"{where}: {value!r} is neither 0 nor 1, true nor false")


def split_of(text: str) -> str | None:
    """The split that a word means, such as `valid`, `Test` or `training`; None for another word."""
    return _SPLIT_WORDS.get(text.strip().lower())


def similar(names: Iterable[str]) -> list[list[str]]:
    """Names that differ in nothing but blanks, case, or `.0`: sorted sets of two or more."""
    sets: dict[str, set[str]] = {}
    for name in names:
        folded = unicodedata.normalize("NFKC", name).casefold()
        sets.setdefault(_without_fraction("".join(folded.split())), set()).add(name)
    return sorted(sorted(found) for found in sets.values() if len(found) > 1)


def _whole(value: float) -> float | int | str | None:
    """A float as a name says it; None where it is infinite or not a number."""
    if not isfinite(value):
        return None
    return int(value) if value.is_integer() else str(value)


def _without_fraction(text: str) -> str:
    match = _WHOLE.fullmatch(text)
    return match[1] if match else text
