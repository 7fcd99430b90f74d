"""Durations and counts as text."""

from __future__ import annotations


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
