"""The scores of many runs share SLURM jobs, and no failure costs another run its score."""

from __future__ import annotations

import pytest
from cluster import Cluster

from project import Project

pytestmark = pytest.mark.slurm

THREE_RUNS = """\
title: Three runs
base: {backend: quick, epochs: 1}
runs: {small: {imgsz: 32}}
seeds: [0, 1, 2]
"""


def test_runs_share_jobs_and_one_failure_costs_no_other_score(
    cluster: Cluster, project: Project
) -> None:
    project.write("config/experiments/compare.yaml", THREE_RUNS)
    project.edit("workflow/fairtrial/planning/slurm_batches.py", "MOST = 50", "MOST = 2")
    project.snakemake("predicted", "--cores", "2")
    once = project.root.parent / "fail"
    once.mkdir()
    (once / "validate").touch()
    command = ("snakemake", "--profile", "slurm", "--retries", "0", "scored")
    project.jobs()
    done = project.run(*command, check=False, STUB_FAIL_ONCE=str(once))
    assert done.returncode != 0
    assert project.jobs().total() == 3, done.stderr
    assert len(cluster.jobs(WorkDir=str(project.root))) == 2, done.stderr
    scored = list(project.root.glob("results/compare/runs/*/metrics.json"))
    assert len(scored) == 2, done.stderr
    assert {row["state"] for row in project.status()["runs"]} == {"done", "waiting"}
