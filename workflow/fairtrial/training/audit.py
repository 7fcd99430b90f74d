"""The requested settings of a training against those in the records of its backend."""

from __future__ import annotations

from collections.abc import Mapping

from fairtrial import BackendError

COLUMNS = ("setting", "requested", "used", "according to")


def refuse_differences(
    backend: str,
    requested: Mapping[str, object],
    used: Mapping[str, Mapping[str, object]],
) -> None:
    """Raise BackendError with a table of requested and used values where any setting differs.

    `used`: record (of the backend) → setting → value. A setting that a record does not have is
    not compared with it.
    """
    rows = [
        (name, str(value), str(values[name]), record)
        for name, value in sorted(requested.items())
        for record, values in used.items()
        if name in values and not _is_equal(value, values[name])
    ]
    if rows:
        raise BackendError(
            f"{backend} used other settings than requested, so the run does not count:\n"
            + _table([COLUMNS, *rows])
        )


def _is_equal(requested: object, used: object) -> bool:
    """Numbers by value; but True is not 1, and a tuple in a record may have become a list."""
    if isinstance(requested, bool) or isinstance(used, bool):
        return requested is used
    if isinstance(requested, tuple | list) and isinstance(used, tuple | list):
        return list(requested) == list(used)
    return bool(requested == used)


def _table(rows: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "\n".join(f"  {line}" for line in lines)
