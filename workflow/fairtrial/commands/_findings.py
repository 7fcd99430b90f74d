"""The results of the checks of `doctor`, one line each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "missing"]
MAX_NAMES = 4  # in one line


@dataclass(frozen=True)
class Finding:
    """The result of checking one thing; unless `level` is ok, the text says what to do."""

    level: Level
    thing: str
    text: str

    def __str__(self) -> str:
        return f"{self.level:8} {self.thing}: {self.text}"


def ok(thing: str, text: str) -> Finding:
    """The thing is there, and in order."""
    return Finding("ok", thing, text)


def warning(thing: str, text: str) -> Finding:
    """The thing may cause a failure, or a job has still to make it."""
    return Finding("warning", thing, text)


def missing(thing: str, text: str) -> Finding:
    """The experiment will fail, since the thing is missing or wrong."""
    return Finding("missing", thing, text)


def some(names: list[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(names[:MAX_NAMES]) + more
