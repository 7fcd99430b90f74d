"""What was asked is what ran: the settings asked for, beside those that a framework used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairtrial import BackendError

HEAD = ("setting", "asked", "used", "according to")


def refuse_differences(
    framework: str, asked: Mapping[str, Any], used: Mapping[str, Mapping[str, Any]]
) -> None:
    """Raise BackendError with a table of asked and used where any setting differs.

    `used`: who says so (the framework's own records) → setting → value. A setting that a
    record does not have is not judged by it.
    """
    rows = [
        (name, str(value), str(found[name]), who)
        for name, value in sorted(asked.items())
        for who, found in used.items()
        if name in found and not _equal(value, found[name])
    ]
    if rows:
        raise BackendError(
            f"{framework} used other settings than were asked for, so the run does not count:\n"
            + _table([HEAD, *rows])
        )


def _equal(asked: Any, used: Any) -> bool:
    """Numbers by value; True is no 1, and a tuple in a record may have become a list."""
    if isinstance(asked, bool) or isinstance(used, bool):
        return asked is used
    if isinstance(asked, tuple | list) and isinstance(used, tuple | list):
        return list(asked) == list(used)
    return bool(asked == used)


def _table(rows: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "\n".join(f"  {line}" for line in lines)
