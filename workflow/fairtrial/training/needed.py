"""The entries of the store that results were made from."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

from fairtrial import DataError
from fairtrial.store import users
from fairtrial.training.record import read_record

RESULTS = Path("results")


def records_below(results: Path) -> list[Path]:
    """The records of all runs in a folder of results. Raises OSError where it cannot be read; there
    is none where the folder does not exist."""
    if not results.exists() and not results.is_symlink():
        return []
    runs = (
        run
        for experiment in results.iterdir()
        if (experiment / "runs").is_dir()
        for run in (experiment / "runs").iterdir()
    )
    return sorted(run / "record.json" for run in runs if (run / "record.json").exists())


def note_use() -> None:
    """Note in the store which of its entries this folder's results need. Says so on stderr where it
    cannot."""
    keys = set()
    try:
        for path in records_below(RESULTS):
            with suppress(DataError):  # whoever uses it tells
                keys.add(read_record(path).key)
        users.note(keys)
    except (OSError, DataError) as error:
        print(f"store/users: not noted that this folder uses the store: {error}", file=sys.stderr)
