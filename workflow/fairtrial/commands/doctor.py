"""doctor: what an experiment lacks, checked before any job is queued."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain

from fairtrial import FairtrialError
from fairtrial.commands import _data_checks, _machine_checks, _remote_checks, _slurm_checks
from fairtrial.commands._findings import Finding, missing, ok
from fairtrial.commands._hours_left import hours_left
from fairtrial.commands._profile import Profile, read_profile
from fairtrial.commands._run_states import run_states
from fairtrial.commands._slurm_queue import NO_QUEUE
from fairtrial.commands._study_states import study_states
from fairtrial.planning.experiment import PlannedExperiment
from fairtrial.planning.plan import Plan


def doctor(*, experiment: str = "", profile: str = "", online: bool = False) -> None:
    """Check what an experiment still lacks, before any job is queued.

    Checks data, checkpoints, packages, GPU, free disk space, git, DVC and what interrupted jobs
    left behind; with a profile for SLURM also its partitions and their limits. Prints a line a
    check and changes nothing. The exit status is 1 if something is missing without which the
    experiment fails.

    Args:
        experiment: a file in config/experiments/; by default the one that params.yaml names
        profile: a folder, or a name in profiles/; by default SNAKEMAKE_PROFILE
        online: also ask the servers for what is still to be downloaded
    """
    name = profile or os.environ.get("SNAKEMAKE_PROFILE", "")
    chosen_profile = read_profile(name) if name else None
    plan = Plan.read(experiment or None).chosen
    print(f"experiment {plan.name}: {len(plan.runs)} runs")
    lacking = 0
    for finding in _findings(plan, chosen_profile, online):
        print(finding, flush=True)
        lacking += finding.level == "missing"
    if lacking:
        lines = "line" if lacking == 1 else f"{lacking} lines"
        raise FairtrialError(f"the experiment cannot succeed: see the {lines} `missing` above")


def _findings(plan: PlannedExperiment, profile: Profile | None, online: bool) -> Iterator[Finding]:
    """The results of all checks; one that ends with a FairtrialError is `missing`."""
    on_slurm = profile is not None and profile.is_slurm
    checks = [
        ("data", _data_checks.data(plan, online)),
        ("disk", _machine_checks.space(plan)),
        ("git", _machine_checks.versions()),
        ("remote", _remote_checks.remotes()),
        ("leftovers", _machine_checks.leftovers()),
        ("results", _machine_checks.old_runs(plan)),
        ("packages", _machine_checks.packages()),
        ("SLURM", _slurm_checks.slurm(profile) if profile and on_slurm else iter(())),
        ("GPU", _machine_checks.gpu(on_slurm)),
        ("time", _time(plan)),
    ]
    return chain.from_iterable(_guarded(thing, check) for thing, check in checks)


def _time(plan: PlannedExperiment) -> Iterator[Finding]:
    """The hours that are still to be trained."""
    if left := hours_left(plan, run_states(plan, NO_QUEUE), study_states(plan)):
        yield ok("time", f"still to train: {left}")


def _guarded(thing: str, check: Iterator[Finding]) -> Iterator[Finding]:
    try:
        yield from check
    except FairtrialError as error:
        yield missing(thing, str(error))
