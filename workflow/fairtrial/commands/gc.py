"""gc: remove entries of the store that no run needs."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

from fairtrial import DataError, StoreError
from fairtrial.files.text import counted
from fairtrial.store import entries, users
from fairtrial.training import checkpoint
from fairtrial.training.needed import RESULTS, note_use, records_below
from fairtrial.training.record import read_record


def gc(
    *,
    yes: bool = False,
    unfinished: bool = False,
    states: bool = False,
    forget: Path | None = None,
) -> None:
    """Remove finished trainings from which no run in results/ was made.

    Lists them and asks first. A run that needs one of them later is trained again. Results, what
    DVC has recorded and trainings that are running stay as they are. So does what the results of
    other folders were made from, clones and worktrees that share the store by a link; of one that
    cannot be read now, what it needed when its last workflow ended.

    Args:
        yes: do not ask
        unfinished: also remove interrupted trainings, which could be resumed from their last epoch
        states: also remove the end states of trainings that stay; no more epochs can then be added
            to them
        forget: a folder that uses the store no more, so that nothing is kept for it
    """
    if forget:
        _forget(forget)
    folder = entries.root() / "runs"
    if folder.is_dir():
        note_use()
    needed = _needed_keys(RESULTS) | _needed_elsewhere()
    spare = _removable(needed, unfinished, states)
    if not spare:
        print(f"{folder}: nothing to remove; {len(needed)} entries are needed by results")
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
    try:
        return {read_record(path).key for path in records_below(results)}
    except DataError as error:
        raise StoreError(f"{error}. So nothing is removed") from error


def _needed_elsewhere() -> set[str]:
    """Keys of the entries that other folders need which use the store."""
    keys: set[str] = set()
    try:
        others = users.other_users()
    except DataError as error:
        raise StoreError(f"{error}. So nothing is removed") from error
    for user in others:
        needed = _needed_in(Path(user.folder))
        if needed is not None:
            keys |= needed
            continue
        keys |= set(user.keys)
        print(
            f"{user.folder}: uses this store, and cannot be read now; the entries that it needed "
            f"({len(user.keys)}) stay. If it is gone for good: "
            f"fairtrial gc --forget {shlex.quote(user.folder)}"
        )
    return keys


def _needed_in(folder: Path) -> set[str] | None:
    """Keys of the entries that the results of another folder need; None where it is no project, or
    cannot be read."""
    try:
        return _needed_keys(folder / RESULTS) if (folder / "params.yaml").is_file() else None
    except OSError:
        return None


def _forget(folder: Path) -> None:
    """Forget that a folder uses the store. Raises StoreError where none of this name does."""
    others = {user.folder: user for user in users.other_users()}
    name = str(folder.resolve())
    if name not in others:
        known = ", ".join(others) or "none but this one"
        raise StoreError(f"--forget: {name}: no such folder uses the store; these do: {known}")
    users.forget(others[name])


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
