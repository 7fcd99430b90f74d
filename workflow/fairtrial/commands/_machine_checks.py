"""Checks of `doctor`: packages, GPU, disk space, git and DVC, locks and interrupted trainings."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from fairtrial.commands._data_checks import is_downloaded, needs_of
from fairtrial.commands._findings import Finding, missing, ok, some, warning
from fairtrial.devices import cards
from fairtrial.devices.pinning import FREE
from fairtrial.devices.turns import memory
from fairtrial.planning import drivers
from fairtrial.planning.experiment import PlannedExperiment
from fairtrial.store import entries, locks
from fairtrial.training import commits

# Raw data lie in store/ and in DVC's cache; data/ has links to store/ if it is on the same disk.
# Bytes a run: its weights, and the checkpoint to resume from.
_BYTES_A_RUN = {"store": 150_000_000, "results": 50_000_000}
_PLACES = ("store", "data", "results", ".dvc")
_BYTES_TEMPORARY = 1_000_000_000


def packages(lock: Path = Path("requirements.lock")) -> Iterator[Finding]:
    """Whether every package of the lock is installed, in its version."""
    from packaging.requirements import Requirement

    lines = lock.read_text(encoding="utf-8").splitlines() if lock.is_file() else []
    texts = [line.rstrip("\\ ") for line in lines if line[:1].isalnum()]
    locked = [r for r in map(Requirement, texts) if not r.marker or r.marker.evaluate()]
    absent, other = [], []
    for requirement in locked:
        name, specifier = requirement.name, requirement.specifier
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            absent.append(name)
            continue
        if not specifier.contains(version, prereleases=True):
            other.append(f"{name} {version} (locked {str(specifier).lstrip('=')})")
    if absent:
        yield missing("packages", f"not installed: {some(absent)}; `make venv` installs them")
    if other:
        yield warning("packages", f"other versions: {some(other)}; `make venv` installs the locked")
    if not locked:
        yield warning("packages", f"there is no {lock}, so versions cannot be compared")
    elif not absent and not other:
        yield ok("packages", f"all {len(locked)} as in {lock}")


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
        yield from _used_by_others()
    elif elsewhere:
        yield ok("GPU", "none on this machine; the profile asks SLURM for one")
    else:
        yield warning("GPU", "torch finds none here, so trainings run on the CPU")


def _used_by_others() -> Iterator[Finding]:
    """The visible GPUs that profiles/gpu would wait for."""
    for card in cards.visible(cards.all_cards()):
        if 100 * card.free < FREE * card.total:
            yield warning("GPU", f"{card} {memory(card)}; trainings wait until somebody leaves it")


def space(plan: PlannedExperiment) -> Iterator[Finding]:
    """Whether there is disk space for what the experiment still has to write, a line a disk."""
    unknown, raw = [], 0
    for name, source in plan.sources.items():
        if not is_downloaded(name):
            needs = needs_of(source.download)
            raw += needs.size
            unknown += [] if needs.size else [name]
    runs = [run for run in plan.runs if not Path("results", plan.name, "runs", run).is_dir()]
    device = {place: _existing(Path(place)).stat().st_dev for place in _PLACES}
    needed = {place: _BYTES_A_RUN.get(place, 0) * len(runs) for place in _PLACES}
    needed["store"] += raw
    needed[".dvc"] += raw
    needed["data"] += raw if device["data"] != device["store"] else 0
    disks: dict[int, list[str]] = {}
    for place, number in device.items():
        disks.setdefault(number, []).append(place)
    for places in disks.values():
        total = sum(needed[place] for place in places)
        yield _space_on(", ".join(places), _existing(Path(places[0])), total)
    if unknown:
        yield warning(
            "disk", f"not counted, since their size is not known yet: sources {some(unknown)}"
        )
    yield _space_on("temporary files", Path(tempfile.gettempdir()), _BYTES_TEMPORARY)
    yield _snakemakes_cache()


def _space_on(thing: str, folder: Path, needed: int) -> Finding:
    free = shutil.disk_usage(folder).free
    text = f"{free / 1e9:.1f} GB are free, and about {needed / 1e9:.1f} GB are needed"
    if free < needed:
        return missing(f"disk for {thing}", f"{text} in {folder.absolute()}")
    if not os.access(folder, os.W_OK):
        return missing(f"disk for {thing}", f"{folder.absolute()} cannot be written to")
    return ok(f"disk for {thing}", text)


def _snakemakes_cache() -> Finding:
    """Whether Snakemake can write its cache, without which it does not start."""
    from snakemake.common import get_appdirs

    cache = Path(get_appdirs().user_cache_dir)
    above = next(folder for folder in (cache, *cache.parents) if folder.is_dir())
    if os.access(above, os.W_OK):
        return ok("Snakemake's cache", str(cache))
    return missing(
        "Snakemake's cache",
        f"{cache} cannot be written to; `export XDG_CACHE_HOME=<folder>` names another place",
    )


def _existing(place: Path) -> Path:
    """The folder, or the project's folder where it does not exist yet."""
    return place if place.exists() else Path()


def versions() -> Iterator[Finding]:
    """Whether git and DVC have recorded the present files and results."""
    commit = commits.present()
    if commit.sha is None:
        lacking = "there is no commit, so no record can name one, and DVC cannot work"
        yield warning("git", commit.problem or lacking)
    elif commit.dirty:
        yield warning("git", f"files differ from the commit {commit.sha[:10]}; records will say so")
    else:
        yield ok("git", f"at the commit {commit.sha[:10]}, without changes")
    if not Path(".dvc").is_dir():
        yield warning("DVC", "there is no .dvc; `dvc init` makes it, if results are to be recorded")
    elif _is_unrecorded(Path("dvc.lock")):
        text = "results are newer than dvc.lock; `dvc repro` records them (no finished job runs"
        yield warning("DVC", f"{text} again). `dvc exp run` would replace them by recorded ones")
    else:
        yield ok("DVC", "nothing under results/ is newer than dvc.lock")


def _is_unrecorded(lock: Path) -> bool:
    recorded = lock.stat().st_mtime if lock.is_file() else 0.0
    files = (*Path("results").glob("*/runs/*/record.json"), *Path("results").glob("*/report.pdf"))
    return any(path.stat().st_mtime > recorded for path in files)


def leftovers() -> Iterator[Finding]:
    """Locks of Snakemake and of the store, and trainings that were interrupted."""
    yield _snakemake_lock()
    run_locks = sorted((entries.root() / "runs").glob("*.lock"))
    for lock in run_locks:
        text = f"{lock.stem} is held by {locks.describe(lock)}"
        if locks.is_stale(lock):
            yield warning(
                "store", f"{text}, which is gone: a stale lock; the next attempt takes it"
            )
        else:
            yield ok("store", f"{text}, which is working")
    parts = [path for path in entries.entries("runs") if path.suffix == ".part"]
    if parts:
        text = f"{len(parts)} unfinished trainings, which are resumed when a run needs them"
        yield warning("store", f"{text}; `fairtrial gc` removes what nothing needs")
    elif not run_locks:
        yield ok("store", "no unfinished training")


def old_runs(plan: PlannedExperiment) -> Iterator[Finding]:
    """Results of runs that the experiment no longer has; nothing where there are none."""
    folder = Path("results", plan.name, "runs")
    names = {path.name for path in folder.glob("*") if path.is_dir()} - set(plan.runs)
    if names:
        yield warning(
            "results",
            f"{folder} has runs that the experiment no longer has: {some(sorted(names))}. No "
            "report shows them; DVC records and draws them, and gc keeps their trainings. Remove "
            f"their folders, and their files in {folder.parent}/history, if nothing needs them",
        )


def _snakemake_lock() -> Finding:
    """Whose lock this folder has."""
    if not any(Path(".snakemake/locks").glob("*")):
        return ok("snakemake", "no other Snakemake works in this folder")
    recorded = drivers.recorded()
    if recorded and all(driver.is_dead for driver in recorded):
        return ok("snakemake", f"{recorded[-1]}, has ended; the next call removes its lock")
    if working := [driver for driver in recorded if not driver.is_dead]:
        return warning("snakemake", f"this folder is locked: {'; '.join(map(str, working))}")
    text = "this folder is locked: another Snakemake works here, or was killed"
    return warning("snakemake", f"{text}; if it was killed, call `snakemake --unlock`")
