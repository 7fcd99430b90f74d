"""Numbers as annotation files write them."""

from __future__ import annotations

from math import isfinite, nan


def number_or_nan(text: str) -> float:
    """The number in a text; NaN where it is none, which becomes a defect of its box."""
    try:
        return float(text)
    except ValueError:
        return nan


def pixels_or_zero(text: str) -> int:
    """A stated width or height; 0, which states none, where the text is no whole number."""
    value = number_or_nan(text)
    return int(value) if isfinite(value) and value == int(value) and value > 0 else 0
