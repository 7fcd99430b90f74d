"""Checks of `doctor`: packages, GPU, room on the disks, git and DVC, what was left behind."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from fairtrial.commands._data_checks import is_there, needs_of
from fairtrial.commands._findings import Finding, missing, ok, warning
from fairtrial.planning.plan import Plan
from fairtrial.store import entries, locks
from fairtrial.training import provenance

# Of raw data: store/, and DVC's cache. data/ has links to the first, where it is on its disk.
# Of a run: weights, and the state in which a training goes on.
_A_RUN = {"store": 150_000_000, "results": 50_000_000}
_PLACES = ("store", "data", "results", ".dvc")
_TEMPORARY = 1_000_000_000
_SHOWN = 4


def packages(lock: Path = Path("requirements.lock")) -> Iterator[Finding]:
    """Every package of the lock, in its version."""
    from packaging.requirements import Requirement

    lines = lock.read_text(encoding="utf-8").splitlines() if lock.is_file() else []
    texts = [line.rstrip("\\ ") for line in lines if line[:1].isalnum()]
    wanted = [each for each in map(Requirement, texts) if not each.marker or each.marker.evaluate()]
    absent, other = [], []
    for each in wanted:
        try:
            found = metadata.version(each.name)
        except metadata.PackageNotFoundError:
            absent.append(each.name)
            continue
        if not each.specifier.contains(found, prereleases=True):
            other.append(f"{each.name} {found} (locked {str(each.specifier).lstrip('=')})")
    if absent:
        yield missing("packages", f"not installed: {_some(absent)}; `make venv` installs them")
    if other:
        yield warning(
            "packages", f"other versions: {_some(other)}; `make venv` installs the locked"
        )
    if not wanted:
        yield warning("packages", f"there is no {lock}, so versions cannot be compared")
    elif not absent and not other:
        yield ok("packages", f"all {len(wanted)} as in {lock}")


def gpu(elsewhere: bool) -> Iterator[Finding]:
    """A GPU of this machine; `elsewhere`: trainings run on a cluster's nodes."""
    try:
        import torch
        import torchvision  # noqa: F401, a build that does not fit torch's fails here
    except (ImportError, OSError, RuntimeError) as error:
        yield missing("torch", f"cannot be imported ({error}); `make venv` installs it")
        return
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())]
        yield ok("GPU", f"{', '.join(names)} (torch {torch.__version__})")
    elif elsewhere:
        yield ok("GPU", "none on this machine; the profile asks SLURM for one")
    else:
        yield warning("GPU", "torch finds none here, so trainings run on the processor")


def space(plan: Plan) -> Iterator[Finding]:
    """Room for what the experiment still has to make, a line a disk."""
    unknown, raw = [], 0
    for name, source in plan.sources.items():
        if not is_there(name):
            needs = needs_of(source.download)
            raw += needs.size
            unknown += [] if needs.size else [name]
    runs = [run for run in plan.runs if not Path("results", plan.name, "runs", run).is_dir()]
    device = {place: _existing(Path(place)).stat().st_dev for place in _PLACES}
    needed = {place: _A_RUN.get(place, 0) * len(runs) for place in _PLACES}
    needed["store"] += raw
    needed[".dvc"] += raw
    needed["data"] += raw if device["data"] != device["store"] else 0
    disks: dict[int, list[str]] = {}
    for place, number in device.items():
        disks.setdefault(number, []).append(place)
    for places in disks.values():
        total = sum(needed[place] for place in places)
        yield _room(", ".join(places), _existing(Path(places[0])), total)
    if unknown:
        yield warning("disk", f"not counted, for its size is not known yet: {_some(unknown)}")
    yield _room("temporary files", Path(tempfile.gettempdir()), _TEMPORARY)


def _room(thing: str, folder: Path, needed: int) -> Finding:
    free = shutil.disk_usage(folder).free
    text = f"{free / 1e9:.1f} GB are free, and about {needed / 1e9:.1f} GB are needed"
    if free < needed:
        return missing(f"disk for {thing}", f"{text} in {folder.absolute()}")
    if not os.access(folder, os.W_OK):
        return missing(f"disk for {thing}", f"{folder.absolute()} cannot be written to")
    return ok(f"disk for {thing}", text)


def _existing(place: Path) -> Path:
    return next(each for each in (place, Path()) if each.exists())


def versions() -> Iterator[Finding]:
    """git and DVC: is what is there recorded?"""
    commit, changed = provenance.commit()
    if commit is None:
        yield warning("git", "no commit here, so no record can name one, and DVC cannot work")
    elif changed:
        yield warning("git", f"files differ from the commit {commit[:10]}; records will say so")
    else:
        yield ok("git", f"at the commit {commit[:10]}, nothing changed")
    if not Path(".dvc").is_dir():
        yield warning("DVC", "there is no .dvc; `dvc init` makes it, if you want to record")
    elif _is_unrecorded(Path("dvc.lock")):
        text = "results are newer than dvc.lock; `dvc repro` records them (no finished job runs"
        yield warning("DVC", f"{text} again). `dvc exp run` would put them aside")
    else:
        yield ok("DVC", "nothing under results/ is newer than dvc.lock")


def _is_unrecorded(lock: Path) -> bool:
    recorded = lock.stat().st_mtime if lock.is_file() else 0.0
    made = (*Path("results").glob("*/runs/*/record.json"), *Path("results").glob("*/report.pdf"))
    return any(path.stat().st_mtime > recorded for path in made)


def leftovers() -> Iterator[Finding]:
    """Locks, and what interrupted jobs have left."""
    if any(Path(".snakemake/locks").glob("*")):
        text = "this folder is locked: a Snakemake is at work here, or was killed"
        yield warning("snakemake", f"{text}; only then `snakemake --unlock`")
    else:
        yield ok("snakemake", "no other one at work in this folder")
    held = sorted((entries.root() / "runs").glob("*.lock"))
    for lock in held:
        who = f"{lock.stem} is held by {locks.describe(lock)}"
        if locks.is_stale(lock):
            yield warning("store", f"{who}, which is gone; the next training of it takes over")
        else:
            yield ok("store", f"{who}, which is at work")
    parts = [path for path in entries.entries("runs") if path.suffix == ".part"]
    if parts:
        text = f"{len(parts)} unfinished trainings, which go on when they are asked for"
        yield warning("store", f"{text}; `fairtrial gc` removes what nothing needs")
    elif not held:
        yield ok("store", "no unfinished training")


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
