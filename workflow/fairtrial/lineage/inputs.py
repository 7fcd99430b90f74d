"""Whether what a job reads still is what another job of the project wrote.

A training of a night should not begin with labels or a split that were edited or damaged; what is
published is checked again, and in whole, by the guard.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from fairtrial import DataError
from fairtrial.lineage.made import made_file, read_made
from fairtrial.lineage.outputs import OUTPUTS


def refuse_changed(inputs: Mapping[str, str], made: Path) -> None:
    """Raise DataError where an input, by its SHA-256, is not what the record of its job names.
    Without such a record nothing is said. `made`: the record of the job that reads."""
    if changed := changed_inputs(inputs):
        experiment = f" {made.parts[1]}" if made.parts[0] == "results" else ""
        lines = "\n".join(f"{name}: was changed since it was made" for name in changed)
        raise DataError(f"{lines}\n`fairtrial repair{experiment}` has it made again")


def changed_inputs(inputs: Mapping[str, str]) -> list[str]:
    """The inputs that are not what the record of the job that makes them names."""
    return sorted(name for name, total in inputs.items() if _recorded(name, total) != total)


def _recorded(name: str, total: str) -> str:
    """The SHA-256 in the record of the job that makes a file; `total` where none says one."""
    with suppress(DataError):
        if made := maker(name):
            return read_made(Path(made)).outputs.get(name, total)
    return total


def maker(name: str) -> str | None:
    """The path of the record of the job that makes a file, or None for a file that none makes, or
    one of several workers. Of two readings, as of `<run>.predictions.json`, that with the shorter
    name of a job."""
    readings = [
        (found.groupdict(), stage)
        for stage, patterns in _patterns().items()
        for pattern in patterns
        if (found := pattern.fullmatch(name))
    ]
    if not readings:
        return None
    groups, stage = min(readings, key=lambda reading: len(reading[0].get("name", "")))
    return made_file(stage, groups.get("name", ""), groups.get("experiment", ""))


@cache
def _patterns() -> dict[str, list[re.Pattern[str]]]:
    """By stage, what the paths of its outputs look like."""
    return {
        stage: [_pattern(path) for path in files.values()]
        for stage, files in OUTPUTS.items()
        if stage != "search"
    }


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path)))
