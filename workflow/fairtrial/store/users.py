"""Which project folders use the store, and which of its entries their results were made from.

Clones, worktrees and people of a group can share one store by a link. Each folder's driver writes
`store/users/<hash of the folder>.json`, so that nobody removes what another one needs, also while
that folder is on a disk that is not mounted.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from fairtrial.files.modelfile import FileModel, read_model, write_model
from fairtrial.store.entries import root


class StoreUser(FileModel):
    """A project folder, and the keys of the entries that it needed when its last driver ended."""

    folder: str
    keys: list[str]


def this_folder() -> Path:
    """The project's folder; in DVC's temporary copies the parent repository's."""
    return Path(os.environ.get("DVC_ROOT", ".")).resolve()


def note(keys: Iterable[str]) -> None:
    """Note that this project uses the store, and which entries it needs now."""
    user = StoreUser(folder=str(this_folder()), keys=sorted(keys))
    path = _file(user.folder)
    if not path.is_file() or read_model(path, StoreUser) != user:
        write_model(path, user)


def other_users() -> list[StoreUser]:
    """The other folders that use the store. Raises DataError where a note cannot be read."""
    notes = [read_model(path, StoreUser) for path in sorted(_folder().glob("*.json"))]
    return [user for user in notes if user.folder != str(this_folder())]


def forget(user: StoreUser) -> None:
    """Remove what is noted of a folder: its entries are kept no longer."""
    _file(user.folder).unlink(missing_ok=True)


def _folder() -> Path:
    return root() / "users"


def _file(folder: str) -> Path:
    return _folder() / f"{hashlib.sha256(folder.encode()).hexdigest()[:16]}.json"
