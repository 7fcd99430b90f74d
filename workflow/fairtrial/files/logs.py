"""The end of a job's log, which says how the job ended."""

from __future__ import annotations

from pathlib import Path


def last_line(log: Path) -> str:
    """The last line that is not empty; "" where there is none."""
    return next((line for line in reversed(last_lines(log)) if line), "")


def error_line(log: Path, prefix: str) -> str:
    """The error with which a job ended: the last line of its log that begins with `prefix`, which
    more may follow where several things are wrong, or the last of a traceback; else ""."""
    begun = [line for line in last_lines(log) if line.startswith(prefix)]
    if begun:
        return begun[-1]
    return last_line(log) if has_traceback(log) else ""


def has_traceback(log: Path) -> bool:
    """Whether a log ends with a Python traceback."""
    return any(line.startswith("Traceback (most recent call last)") for line in last_lines(log))


def last_lines(log: Path, size: int = 8192) -> list[str]:
    """The lines in the last `size` bytes, of a progress bar only its last state; [] where the log
    cannot be read."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - size))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [line.rpartition("\r")[2].strip() for line in text.replace("\r\n", "\n").split("\n")]
