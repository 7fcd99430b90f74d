"""Numbers as annotation files write them."""

from __future__ import annotations

from math import nan


def number_or_nan(text: str) -> float:
    """The number in a text; NaN where it is none, which becomes a defect of its box."""
    try:
        return float(text)
    except ValueError:
        return nan
