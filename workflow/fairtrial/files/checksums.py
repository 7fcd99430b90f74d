"""SHA-256 of files, and manifests: one line a file, `<sha256>  <relative path>`.

The layout is that of `sha256sum`, so `sha256sum -c` reads it too.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable
from pathlib import Path

from fairtrial import ChecksumError, DataError
from fairtrial.files.folders import checked_path, whole_file
from fairtrial.files.threads import map_in_order

_MOST_LISTED = 10  # files that one error lists
_LINE = re.compile(r"([0-9a-fA-F]{64}) [ *](.+)")


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in lower-case hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """The SHA-256 of many files of one folder, by name, in the order given."""
    names = list(names)
    sums = map_in_order(sha256, (folder / name for name in names))
    return dict(zip(names, sums, strict=True))


def read_manifest(path: Path) -> dict[str, str]:
    """SHA-256 by relative path. Empty lines and lines that begin with `#` are skipped.

    Raises DataError for a missing file, an unreadable line, a path that leaves its folder,
    and a path named twice.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    sums: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise DataError(f"{path}:{number}: not `<sha256>  <path>`: {line!r}")
        name = checked_path(match[2], f"{path}:{number}")
        if name in sums:
            raise DataError(f"{path}:{number}: {name} is named twice")
        sums[name] = match[1].lower()
    return sums


def write_manifest(sums: dict[str, str], path: Path) -> None:
    """Write SHA-256 by relative path, sorted by path."""
    with whole_file(path) as file:
        file.writelines(f"{sums[name]}  {name}\n" for name in sorted(sums))


def verify(folder: Path, manifest: Path) -> dict[str, str]:
    """Check every file of a manifest in `folder`. Returns the manifest: SHA-256 by path.

    Raises ChecksumError that lists the first files that are missing or have another SHA-256.
    """
    expected = read_manifest(manifest)
    refuse_changed(folder, manifest, changed(folder, expected, expected), len(expected))
    return expected


def changed(folder: Path, expected: dict[str, str], names: Collection[str]) -> list[str]:
    """Those of `names` whose file in `folder` is missing or has another SHA-256 than `expected`."""
    present = [name for name in names if (folder / name).is_file()]
    sums = sha256_of(folder, present)
    return [name for name in names if sums.get(name) != expected[name]]


def refuse_changed(folder: Path, manifest: Path, names: list[str], total: int) -> None:
    """Raise ChecksumError that lists the first of `names`, the missing or changed files among
    `total`; return if `names` is empty."""
    lines = [f"  {name}: missing" for name in names if not (folder / name).is_file()]
    lines += [f"  {name}: changed" for name in names if (folder / name).is_file()]
    if len(lines) > _MOST_LISTED:
        lines[_MOST_LISTED:] = [f"  … and {len(lines) - _MOST_LISTED} more of {total} files"]
    if lines:
        raise ChecksumError(
            f"the files in {folder} are not those of {manifest}:\n" + "\n".join(lines)
        )
