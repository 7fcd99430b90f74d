"""The code and the settings of a plan, as the driver found them when it began.

Snakemake plans once, and its jobs run for hours or wait for days. Meanwhile somebody edits a
file, or pulls, or checks out another branch. So the driver copies what it plans with, and its jobs
run and read the copy: none is stopped by an edit, and none follows one.

Only the standard library is imported: the Snakefile loads this file before any other of the
package.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

VARIABLE = "FAIRTRIAL_SNAPSHOT"  # the absolute path of the snapshot, for all jobs of a driver
FOLDER = ".snakemake/fairtrial/snapshots"
SETTINGS = ("config", "params.yaml")
COMMAND = "fairtrial_command.py"
LOCK = "requirements.lock"  # for an environment that Snakemake makes (--sdm conda)
KEPT = 30 * 24 * 3600  # seconds; no job waits longer in a queue


def take(project: Path, package: Path | None = None) -> Path:
    """Copy code and settings of `project` into its folder of snapshots, and return the copy.

    package: the folder of the package, where it is not the project's own. It is one of a checkout,
    or an installed one, which is copied as it lies in a checkout. The copy is named after its
    content, so that equal ones are one folder. Snapshots that no driver has used for 30 days are
    removed.
    """
    folder = project.resolve() / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    package = package or project / "workflow/fairtrial"
    snapshot = folder / _digest(_sources(project, package))
    if problem(snapshot):
        snapshot = _copied(project, package, folder)
    with contextlib.suppress(PermissionError):  # another user's, and not open to the group
        os.utime(snapshot)
    _remove_old(folder)
    return snapshot


def _copied(project: Path, package: Path, folder: Path) -> Path:
    """A new snapshot in `folder`, named after what has really been copied."""
    copy = folder / f".new-{uuid.uuid4().hex}"
    copy.mkdir()
    try:
        _copy_code(package, copy)
        for name in SETTINGS:
            _copy(project / name, copy / name)
        snapshot = folder / digest(copy)
        if problem(snapshot):
            shutil.rmtree(snapshot, ignore_errors=True)
            try:
                copy.rename(snapshot)
            except OSError:  # another driver was first
                if problem(snapshot):
                    raise
    finally:
        shutil.rmtree(copy, ignore_errors=True)
    return snapshot


def problem(snapshot: Path) -> str:
    """What is wrong with a snapshot: that it is gone, or not what it was; "" if nothing is."""
    if not snapshot.is_dir():
        return f"{snapshot}: the code that this job was planned with is gone"
    if digest(snapshot) != snapshot.name:
        return f"{snapshot}: the code that this job was planned with was changed"
    return ""


def digest(folder: Path) -> str:
    """The SHA-256 of the names and contents of all files below a folder."""
    return _digest(_files(folder))


def _digest(files: Iterable[tuple[str, str]]) -> str:
    total = hashlib.sha256()
    for name, path in sorted(files):
        content = hashlib.sha256(Path(path).read_bytes()).hexdigest()
        total.update(f"{name}\0{content}\n".encode())
    return total.hexdigest()


def root() -> Path:
    """The folder in which params.yaml and config/ are read: the snapshot in a driver and its jobs,
    else the working directory."""
    return Path(os.environ.get(VARIABLE, ""))


def _files(folder: Path | str, below: str = "") -> Iterator[tuple[str, str]]:
    """The name and the path of each file but those that Python writes."""
    for entry in os.scandir(folder):
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from _files(entry.path, f"{below}{entry.name}/")
        elif entry.is_file():
            yield below + entry.name, entry.path


def _sources(project: Path, package: Path) -> Iterator[tuple[str, str]]:
    """What a copy would hold: the name of each file in it, and where it lies now."""
    shipped = package / "project"  # of an installed one
    places = {name: project / name for name in SETTINGS}
    if shipped.is_dir():
        places |= {"workflow": shipped / "workflow", "workflow/fairtrial": package}
        places |= {f"workflow/{COMMAND}": package.parent / COMMAND, LOCK: shipped / LOCK}
    else:
        places |= {"workflow": package.parent, LOCK: package.parents[1] / LOCK}
    for name, place in places.items():
        if place.is_dir():
            inside = _files(place, f"{name}/")
            yield from (f for f in inside if not f[0].startswith("workflow/fairtrial/project/"))
        elif place.is_file():
            yield name, str(place)


def _copy(source: Path, target: Path) -> None:
    """Copy with times, so that what Python has compiled holds for the copy, too."""
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.is_file():
        shutil.copy2(source, target)


def _copy_code(package: Path, copy: Path) -> None:
    """Copy the package and its rules as they lie in a checkout."""
    shipped = package / "project"  # of an installed one
    if not shipped.is_dir():
        _copy(package.parent, copy / "workflow")
        _copy(package.parents[1] / LOCK, copy / LOCK)
        return
    shutil.copytree(shipped / "workflow", copy / "workflow")
    other = shutil.ignore_patterns("__pycache__")

    def ignored(folder: str, names: list[str]) -> set[str]:
        return other(folder, names) | ({"project"} if Path(folder) == package else set())

    shutil.copytree(package, copy / "workflow/fairtrial", ignore=ignored)
    _copy(package.parent / COMMAND, copy / "workflow" / COMMAND)
    _copy(shipped / LOCK, copy / LOCK)


def _remove_old(folder: Path) -> None:
    limit = time.time() - KEPT
    for path in folder.iterdir():
        if path.stat().st_mtime < limit:
            shutil.rmtree(path, ignore_errors=True)
