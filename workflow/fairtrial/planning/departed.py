"""Runs that have left their experiment: they leave results/, too; the store keeps their trainings.

So DVC records no weights and predictions that no report speaks of. What only a training could make
again stays, and is named.
"""

from __future__ import annotations

import glob
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from fairtrial import DataError
from fairtrial.lineage.alive import alive_file
from fairtrial.lineage.outputs import outputs_of
from fairtrial.planning.drivers import recorded
from fairtrial.planning.experiment import PlannedExperiment
from fairtrial.planning.job_names import JobName
from fairtrial.planning.store_copies import has_training
from fairtrial.settings.probes import AT
from fairtrial.store import locks
from fairtrial.training.record import read_record

STAGES = ("train", "receive", "predict", "validate", "batch")


def clear_departed(experiment: PlannedExperiment) -> str:
    """Remove from results/ what runs have left that are no longer in the experiment. Returns what
    is to be said of it; "" where there are none, or while another Snakemake works here, which may
    have planned with them."""
    gone = [name for name in _present(experiment) if name not in experiment.runs]
    if not gone or _others_work():
        return ""
    kept = [name for name in gone if _is_only_copy(name, experiment.name)]
    removed = [name for name in gone if name not in kept]
    for name in removed:
        _remove(name, experiment.name)
    return "\n".join(_told(removed, kept, experiment.name))


def _present(experiment: PlannedExperiment) -> list[str]:
    """The runs that have something in results/."""
    results = Path("results", experiment.name)
    names = {path.name for path in (results / "runs").glob("*") if path.is_dir()}
    return sorted(names | {path.stem for path in (results / "history").glob("*.csv")})


def _others_work() -> bool:
    others = (file for file in recorded() if file.driver.holder != locks.holder())
    return any(not file.is_dead for file in others)


def _is_only_copy(name: str, experiment: str) -> bool:
    """Whether the store lacks the training of a run, or a job of it is at work."""
    jobs = [JobName(stage, name, experiment) for stage in STAGES]
    alive = [alive_file(job.made) for job in jobs]
    if any(file.exists() and not locks.looks_stale(file) for file in alive):
        return True
    weights, record = (Path(path) for path in jobs[0].outputs[:2])
    with suppress(DataError):
        if read_record(record).elsewhere:
            return False
    return weights.exists() and not has_training(jobs[0])


def _remove(name: str, experiment: str) -> None:
    """Remove the records first: what a kill leaves then is nobody's."""
    for stage in STAGES:
        Path(JobName(stage, name, experiment).made).unlink(missing_ok=True)
    history = outputs_of("train", name, experiment, None)["history"]
    batch = outputs_of("batch", name, experiment, None)["first"]
    for path in (Path(history), Path(batch), *_of_probes(name, experiment)):
        path.unlink(missing_ok=True)
    shutil.rmtree(Path("results", experiment, "runs", name), ignore_errors=True)


def _of_probes(name: str, experiment: str) -> list[Path]:
    """What the probes of a run have left, their records first."""
    folder, pattern = Path("results", experiment), f"{glob.escape(name)}{AT}*"
    return [path for place in ("made/probe", "probes") for path in (folder / place).glob(pattern)]


def _told(removed: list[str], kept: list[str], experiment: str) -> Iterator[str]:
    folder = f"results/{experiment}"
    if removed:
        yield (
            f"No longer in {experiment}, so removed from {folder} (the store keeps their "
            f"trainings): {', '.join(removed)}"
        )
    if kept:
        yield (
            f"No longer in {experiment}, but still in {folder}, for the store does not have their "
            f"trainings: {', '.join(kept)}"
        )
