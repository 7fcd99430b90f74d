"""gc: remove entries of the store that no run needs."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from fairtrial import DataError, StoreError
from fairtrial.files.text import counted
from fairtrial.store import entries
from fairtrial.training import checkpoint
from fairtrial.training.record import read_record


def gc(*, yes: bool = False, unfinished: bool = False, states: bool = False) -> None:
    """Remove finished trainings from which no run in results/ was made.

    Lists them and asks first. A run that needs one of them later is trained again. Results, what
    DVC has recorded and trainings that are running stay as they are.

    Args:
        yes: do not ask
        unfinished: also remove interrupted trainings, which could be resumed from their last epoch
        states: also remove the end states of trainings that stay; no more epochs can then be added
            to them
    """
    folder = entries.root() / "runs"
    needed = _needed_keys(Path("results"))
    spare = _removable(needed, unfinished, states)
    if not spare:
        print(f"{folder}: nothing to remove; {len(needed)} entries are needed by results/")
        return
    size = sum(_bytes(path) for path in spare) / 2**20  # MiB
    for path in spare:
        print(f"{_bytes(path) / 2**20:9.1f} MiB  {path}{_epochs(path)}")
    if not (yes or _is_confirmed(f"Remove these {len(spare)} ({size:.1f} MiB)? [y/N] ")):
        print("nothing removed")
        return
    for path in spare:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            entries.remove_file(path.parent, path.name)
    print(f"removed {len(spare)} ({size:.1f} MiB)")


def _removable(needed: set[str], unfinished: bool, states: bool) -> list[Path]:
    """The entries of the store that can be removed, then the end states in those that stay.

    needed: keys of the entries that stay; unfinished, states: as for `gc`.
    """
    remove, end_states = [], []
    for entry in entries.entries("runs"):
        is_unfinished = entry.suffix == ".part"
        if entry.name not in needed and (unfinished or not is_unfinished):
            remove.append(entry)
        elif states and not entry.suffix and (entry / checkpoint.STATE).exists():
            end_states.append(entry / checkpoint.STATE)
    return remove + end_states


def _needed_keys(results: Path) -> set[str]:
    """Keys of the entries that the runs under results/ were made from. Raises StoreError where a
    record cannot be read: then it is not known which entry is needed."""
    keys = set()
    for path in results.glob("*/runs/*/record.json"):
        try:
            keys.add(read_record(path).key)
        except DataError as error:
            raise StoreError(f"{error}. So nothing is removed") from error
    return keys


def _epochs(path: Path) -> str:
    if path.suffix != ".part":
        return ""
    return f"  unfinished, {counted(checkpoint.epochs_done(path), 'epoch')}"


def _bytes(path: Path) -> int:
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    return sum(file.stat().st_size for file in files)


def _is_confirmed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise StoreError("there is no terminal for the question; --yes removes them without it")
    return input(question).strip().lower() in {"y", "yes"}
