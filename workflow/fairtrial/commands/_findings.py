"""What `doctor` finds: one line a check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "missing"]


@dataclass(frozen=True)
class Finding:
    """How it stands with one thing; if it is not ok, the text says what to do."""

    level: Level
    thing: str
    text: str

    def __str__(self) -> str:
        return f"{self.level:8} {self.thing}: {self.text}"


def ok(thing: str, text: str) -> Finding:
    """It is there."""
    return Finding("ok", thing, text)


def warning(thing: str, text: str) -> Finding:
    """It may go wrong, or is still to come."""
    return Finding("warning", thing, text)


def missing(thing: str, text: str) -> Finding:
    """Without it the trial fails."""
    return Finding("missing", thing, text)
