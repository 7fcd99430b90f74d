"""The controller is away for a while: nothing is forgotten, and nothing fails."""

from __future__ import annotations

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
TARGETS = [f"results/compare/runs/{name}-s0/weights.pt" for name in ("first", "second")]
TOLD = "does not say how its 1 jobs are"


def no_accounts(cluster: Cluster) -> None:
    """sacct as Debian has it where nothing keeps accounts; Snakemake falls back to it."""
    sacct = Path(cluster.bin, "sacct")
    sacct.write_text("#!/bin/sh\necho Slurm accounting storage is disabled >&2\nexit 1\n")
    sacct.chmod(0o755)


def test_a_controller_that_is_away_costs_no_job(cluster: Cluster, project: Project) -> None:
    """A job ends meanwhile, so that its end has to be seen, and the next one be submitted."""
    no_accounts(cluster)
    project.write("config/experiments/compare.yaml", TWO_RUNS)
    command = ("snakemake", "--profile", "slurm", "--jobs", "1", *TARGETS)
    driver = project.start(*command, QUICK_SECONDS="1")
    wait_for(lambda: project.trainings().total() == 1, 60, "no training began")
    cluster.stop_controller()
    try:
        wait_for(lambda: TOLD in project.output.read_text(), 60, "the outage was not noticed")
        wait_for(lambda: project.trainings("end").total() == 1, 60, "the training did not end")
    finally:
        cluster.restart_controller()
    cluster.wait_until_ready()
    assert driver.wait(300) == 0, project.output.read_text()
    assert all((project.root / target).exists() for target in TARGETS)
    assert project.trainings() == project.trainings("end")
    assert project.trainings().total() == len(TARGETS), "a finished training was repeated"
    assert len(cluster.jobs(WorkDir=str(project.root))) == len(TARGETS), "a job was repeated"
