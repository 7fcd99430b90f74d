"""The end of a log, which says how a job ended."""

from __future__ import annotations

from pathlib import Path


def last_line(log: Path) -> str:
    """The last line that says something; empty where there is none."""
    return next((line for line in reversed(tail(log)) if line), "")


def complaint(log: Path, beginning: str) -> str:
    """The last line of a log that ends with an error, put into words with this beginning or not;
    empty where it ends otherwise."""
    said = last_line(log)
    return said if said.startswith(beginning) or is_traceback(log) else ""


def is_traceback(log: Path) -> bool:
    """Whether it ends with an error that nobody has put into words."""
    return any(line.startswith("Traceback (most recent call last)") for line in tail(log))


def tail(log: Path, size: int = 8192) -> list[str]:
    """The lines at the end of a log; a progress bar's earlier states are not lines."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - size))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [line.rpartition("\r")[2].strip() for line in text.replace("\r\n", "\n").split("\n")]
