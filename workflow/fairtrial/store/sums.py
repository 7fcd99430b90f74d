"""The SHA-256 of every file of an entry, in a file of the entry, by which damage is seen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from pathlib import Path

FILE = "sums.json"  # the names of the entry's files with their SHA-256


def write(entry: Path) -> None:
    """Write FILE for the files that are in `entry` now."""
    _write(entry, {name: _sha256(entry / name) for name in _names(entry)})


def forget(entry: Path, name: str) -> None:
    """Take a file that is to be removed out of FILE."""
    expected = _read(entry)
    expected.pop(name, None)
    _write(entry, expected)


def damage(entry: Path, may_lack: Collection[str] = ()) -> str:
    """What is wrong with an entry: that there is none, or that files of it are missing, changed or
    foreign; "" where it is whole. Reads all of its files; those of `may_lack` may be missing."""
    if not entry.is_dir():
        return f"{entry}: no such entry"
    try:
        expected = _read(entry)
    except (OSError, ValueError) as error:
        return f"{entry / FILE}: cannot be read ({error})"
    present = _names(entry)
    missing = [name for name in expected if name not in present and name not in may_lack]
    wrong = [name for name in present if not _is_as_expected(entry, name, expected, may_lack)]
    listed = ", ".join(sorted(missing + wrong))
    return f"{entry}: {listed} missing, changed or foreign" if listed else ""


def _is_as_expected(
    entry: Path, name: str, expected: dict[str, str], may_lack: Collection[str]
) -> bool:
    if name not in expected:  # left by a removal that was killed
        return name in may_lack
    return _sha256(entry / name) == expected[name]


def _names(entry: Path) -> list[str]:
    files = [path for path in entry.rglob("*") if path.is_file() and path != entry / FILE]
    return sorted(path.relative_to(entry).as_posix() for path in files)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(entry: Path) -> dict[str, str]:
    content = json.loads((entry / FILE).read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError("not a mapping")
    return {str(name): str(digest) for name, digest in content.items()}


def _write(entry: Path, content: dict[str, str]) -> None:
    part = entry / f".{FILE}.part"
    part.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    part.replace(entry / FILE)
