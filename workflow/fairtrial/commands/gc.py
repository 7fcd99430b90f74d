"""gc: remove what the store keeps and no recorded run needs."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from fairtrial import StoreError, store


def gc(*, yes: bool = False) -> None:
    """Remove finished and unfinished trainings that no run under results/ was made from.

    Without them a setting that is put back trains again; results and what DVC has recorded
    stay as they are. Lists what would go and asks first; --yes does not ask. What is being
    made at this moment stays.
    """
    folder = store.root() / "runs"
    needed = _needed(Path("results"))
    spare = [path for path in store.entries("runs") if path.name not in needed]
    if not spare:
        print(f"{folder}: nothing to remove; {len(needed)} entries are needed by results/")
        return
    size = sum(_size(path) for path in spare)
    for path in spare:
        print(f"{_size(path) / 2**20:9.1f} MiB  {path}")
    if not (yes or _confirmed(f"Remove these {len(spare)} ({size / 2**20:.1f} MiB)? [y/N] ")):
        print("nothing removed")
        return
    for path in spare:
        shutil.rmtree(path)
    print(f"removed {len(spare)} ({size / 2**20:.1f} MiB)")


def _needed(results: Path) -> set[str]:
    """Keys of the entries that the runs under results/ were made from."""
    found = set()
    for path in results.glob("*/runs/*/record.json"):
        try:
            found.add(json.loads(path.read_text(encoding="utf-8"))["key"])
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(f"{path}: not a record of a run, so nothing is removed") from error
    return found


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _confirmed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise StoreError("nobody to ask here; call it with --yes to remove them")
    return input(question).strip().lower() in {"y", "yes"}
