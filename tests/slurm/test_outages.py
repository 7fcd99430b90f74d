"""The controller is away for a while: nothing is forgotten, and nothing fails."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from cluster import Cluster, wait_for

from project import Project

pytestmark = pytest.mark.slurm

TWO_RUNS = """\
title: An experiment of two runs, one job at a time
base: {backend: quick}
runs: {first: {imgsz: 32}, second: {imgsz: 64}}
"""
TARGETS = [f"results/compare/runs/{name}-s0/speed.json" for name in ("first", "second")]
AWAY = 20  # seconds: longer than all tries of one look at the jobs


def no_accounts(cluster: Cluster) -> None:
    """sacct as Debian has it where nothing keeps accounts; Snakemake falls back to it."""
    sacct = Path(cluster.bin, "sacct")
    sacct.write_text("#!/bin/sh\necho Slurm accounting storage is disabled >&2\nexit 1\n")
    sacct.chmod(0o755)


def test_a_controller_that_is_away_costs_no_job(cluster: Cluster, project: Project) -> None:
    """A job ends meanwhile, so that its end has to be seen, and the next one be submitted.

    Where srun asks the controller between train and predict, predict fails and is tried again.
    """
    no_accounts(cluster)
    project.write("config/experiments/compare.yaml", TWO_RUNS)
    duration = project.root.parent / "seconds"
    duration.write_text("6")
    command = ("snakemake", "--profile", "slurm", "--jobs", "1", *TARGETS)
    driver = project.start(*command, QUICK_SECONDS=str(duration))
    wait_for(lambda: project.trainings().total() == 1, 60, "no training began")
    duration.write_text("0")
    cluster.stop_controller()
    try:
        time.sleep(AWAY)
    finally:
        cluster.restart_controller()
    cluster.wait_until_ready()
    assert driver.wait(300) == 0, project.output.read_text()
    assert all((project.root / target).exists() for target in TARGETS)
    assert project.trainings() == project.trainings("end")
    assert project.trainings().total() == len(TARGETS), "a finished training was repeated"
    assert "does not say how its 1 jobs are" in project.output.read_text()
