"""Readable ids of parametrized tests."""

from __future__ import annotations


def short(value: object) -> str:
    """The text of a parameter's value, cut to 40 characters; settings as `key=value, …`."""
    if isinstance(value, type) or callable(value):
        return getattr(value, "__name__", type(value).__name__)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        value = ", ".join(f"{key}={short(content)}" for key, content in value.items())
    if isinstance(value, tuple) and all(isinstance(part, str) for part in value):
        value = ", ".join(value)
    text = value if isinstance(value, str) else repr(value)
    text = " ".join(text.split()) or "nothing"
    return text if len(text) <= 40 else f"{text[:37]}..."
