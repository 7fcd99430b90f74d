"""Edits while jobs wait in the queue: what was planned is what runs."""

from __future__ import annotations

import json

import pytest
from cluster import Cluster, wait_for

from project import Project

pytestmark = pytest.mark.slurm

RUNS = ("small-s0", "small-s1")
FILES = [f"results/compare/runs/{run}/record.json" for run in RUNS]
# Snakemake submits the second when the first has ended.
ONE_BY_ONE = ("snakemake", "--profile", "slurm", "--jobs", "1", *FILES)


def test_a_job_that_is_submitted_after_an_edit_runs_what_was_planned(
    cluster: Cluster, project: Project
) -> None:
    project.edit("config/experiments/compare.yaml", "runs:", "seeds: [0, 1]\nruns:")
    hold = project.root.parent / "hold"
    hold.touch()
    driver = project.start(*ONE_BY_ONE, QUICK_HOLD=str(hold))
    wait_for(lambda: project.trainings() or driver.poll() is not None, 90, "no training began")
    assert driver.poll() is None, project.output.read_text()
    planned = project.run("grep", "^epochs:", "params.yaml").stdout.split()[1]
    project.edit("params.yaml", f"epochs: {planned}", "epochs: 2")
    project.write("workflow/rules/runs.smk", "this is no rule\n")
    project.write("workflow/fairtrial/stages/train.py", "this is no Python\n")
    hold.unlink()
    assert driver.wait(300) == 0, project.output.read_text()
    records = [json.loads((project.root / name).read_text()) for name in FILES]
    assert [record["settings"]["epochs"] for record in records] == [int(planned)] * 2
    assert [record["epochs_run"] for record in records] == [int(planned)] * 2
