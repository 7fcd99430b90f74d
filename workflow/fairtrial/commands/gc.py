"""gc: remove what the store keeps and no recorded run needs."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from fairtrial import StoreError
from fairtrial.store import entries
from fairtrial.training import checkpoint


def gc(*, yes: bool = False, unfinished: bool = False, states: bool = False) -> None:
    """Remove finished trainings that no run in results/ was made from.

    Lists them and asks first. A setting that is put back later trains again; results and what DVC
    has recorded stay as they are, and so does what is being trained at this moment.

    Args:
        yes: do not ask
        unfinished: also remove interrupted trainings, which could be resumed from their last epoch
        states: also remove the end states of trainings that stay; no more epochs can then be added
            to them
    """
    folder = entries.root() / "runs"
    needed = _needed(Path("results"))
    spare = _spare(needed, unfinished, states)
    if not spare:
        print(f"{folder}: nothing to remove; {len(needed)} entries are needed by results/")
        return
    size = sum(_size(path) for path in spare)
    for path in spare:
        print(f"{_size(path) / 2**20:9.1f} MiB  {path}{_epochs(path)}")
    if not (yes or _confirmed(f"Remove these {len(spare)} ({size / 2**20:.1f} MiB)? [y/N] ")):
        print("nothing removed")
        return
    for path in spare:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    print(f"removed {len(spare)} ({size / 2**20:.1f} MiB)")


def _spare(needed: set[str], unfinished: bool, states: bool) -> list[Path]:
    stored = entries.entries("runs")
    found = [
        path
        for path in stored
        if path.name not in needed and (unfinished or path.suffix != ".part")
    ]
    kept = [path for path in stored if path not in found and path.suffix != ".part"]
    return found + [
        p / checkpoint.STATE for p in kept if states and (p / checkpoint.STATE).exists()
    ]


def _needed(results: Path) -> set[str]:
    """Keys of the entries that the runs under results/ were made from."""
    found = set()
    for path in results.glob("*/runs/*/record.json"):
        try:
            found.add(json.loads(path.read_text(encoding="utf-8"))["key"])
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(f"{path}: not a record of a run, so nothing is removed") from error
    return found


def _epochs(path: Path) -> str:
    return f"  unfinished, {checkpoint.epochs_done(path)} epochs" if path.suffix == ".part" else ""


def _size(path: Path) -> int:
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    return sum(file.stat().st_size for file in files)


def _confirmed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise StoreError("nobody to ask here; call it with --yes to remove them")
    return input(question).strip().lower() in {"y", "yes"}
