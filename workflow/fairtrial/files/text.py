"""Durations, counts and names as text."""

from __future__ import annotations

import unicodedata


def duration(seconds: float | None, unknown: str = "") -> str:
    """`45 s`, `12 min`, `3.4 h`; `unknown` for None."""
    if seconds is None:
        return unknown
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def counted(number: int, noun: str) -> str:
    """`1 image`, `2 images`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def left_to_right(name: str) -> str:
    """A name of a script that goes from right to left, so that what stands after it does not."""
    turned = any(unicodedata.bidirectional(character) in ("R", "AL") for character in name)
    return f"\u200e{name}\u200e" if turned else name
