"""Readable ids of parametrized tests."""

from __future__ import annotations


def short(value: object) -> str:
    """The text of a parameter's value, cut to 40 characters."""
    if isinstance(value, type) or callable(value):
        return getattr(value, "__name__", type(value).__name__)
    text = value if isinstance(value, str) else repr(value)
    text = " ".join(text.split()) or "nothing"
    return text if len(text) <= 40 else f"{text[:37]}..."
