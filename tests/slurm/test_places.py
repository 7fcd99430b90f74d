"""`snakemake --profile slurm` with the shipped profile: what runs where, with what."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cluster import Cluster

from conftest import on
from installed import InstalledProject, install
from project import Project

pytestmark = pytest.mark.slurm


def test_each_run_is_one_gpu_job_and_the_rest_needs_none(cluster: Cluster, tmp_path: Path) -> None:
    project = on(cluster, Project.new(tmp_path / "project"))
    project.edit("config/experiments/compare.yaml", "seeds: [0, 1]", "seeds: [0]")
    project.run("snakemake", "--profile", "slurm")

    places_of_jobs = [json.loads(line) for line in project.places.read_text().splitlines()]
    places = {stage: tuple(place) for stage, *place in places_of_jobs}
    assert len(places) == len(places_of_jobs) == 3 + 2 * 3 + 2
    assert places["download"] == places["report"] == (None, None, None), "not on the login node"
    for run in ("small-s0", "large-s0"):
        job, partition, gpu = places[f"train {run}"]
        assert (partition, gpu) in {("gpu", "0"), ("gpu", "1")}
        assert places[f"predict {run}"] == (job, partition, gpu), "not the same job"
    for stage in ("convert shapes", "split shapes", "validate small-s0", "plot"):
        assert places[stage][1:] == ("cpu", None)

    jobs = cluster.jobs(WorkDir=str(project.root))
    assert {job["JobState"] for job in jobs} == {"COMPLETED"}
    assert {job["JobId"] for job in jobs} == {place[0] for place in places.values() if place[0]}
    for job in jobs:
        assert ("TresPerNode" in job) == (job["Partition"] == "gpu")
    gpu_jobs = [job for job in jobs if job["Partition"] == "gpu"]
    assert len(gpu_jobs) == 2
    requested = [gpu_jobs[0][key] for key in ("TresPerNode", "CPUs/Task", "TimeLimit", "Requeue")]
    assert requested == ["gres:gpu:1", "8", "13:00:00", "0"]
    assert "mem=32000M" in gpu_jobs[0]["TRES"]


HEADER = {
    "runtime: 720\n": "runtime: 2820\n",
    "mem_mb: 32000 * min(attempt, 2)": "mem_mb: 102400",
    "cpus_per_task: 8 ": "cpus_per_task: 16 ",
    "cpus_per_task: 8\n": "cpus_per_task: 16\n",
    "# constraint: dgx": "constraint: dgx",
    "# slurm_account: lab": "slurm_account: lab",
}


def test_an_sbatch_header_in_the_ignored_copy_reaches_slurm(
    cluster: Cluster, project: Project
) -> None:
    """--time=2-00:00:00 --mem=100G --cpus-per-task=16 --gres=gpu:1 --constraint=dgx, as told in
    the profile; no tracked file changes."""
    text = (project.root / "profiles/slurm/config.yaml").read_text()
    head, executor, body = text.partition("\nexecutor: slurm\n")
    for old, new in HEADER.items():
        assert old in body
        body = body.replace(old, new)
    project.write("profiles/slurm/config.v9+.yaml", head + executor + body)
    for command in (["init", "-q"], ["add", "-A"]):
        project.run("git", *command)
    assert "config.v9+" not in project.run("git", "ls-files").stdout

    project.run("snakemake", "--profile", "slurm", "results/compare/runs/small-s0/speed.json")
    (job,) = cluster.jobs(WorkDir=str(project.root))
    requested = [
        job[key] for key in ("CPUs/Task", "Features", "TresPerNode", "NumTasks", "Account")
    ]
    assert requested == ["16", "dgx", "gres:gpu:1", "1", "lab"]
    assert "mem=100G" in job["TRES"]
    assert job["TimeLimit"] == "2-00:00:00"  # an hour of it for predict

    record = json.loads((project.root / "results/compare/runs/small-s0/record.json").read_text())
    assert record["slurm"] == {
        "gpus": "0",
        "job": job["JobId"],
        "node": "g1",
        "partition": "gpu",
    }


def test_a_project_of_an_installed_package_runs_on_slurm(cluster: Cluster, tmp_path: Path) -> None:
    """`fairtrial init` lays out no code: the nodes run the copy that the driver made."""
    project = InstalledProject(tmp_path / "project", install(tmp_path))
    project.init()
    on(cluster, project).run("snakemake", "--profile", "slurm", "datasets")
    places = [json.loads(line) for line in project.places.read_text().splitlines()]
    assert {stage: partition for stage, _, partition, _ in places} == {
        "download": None,
        "convert shapes": "cpu",
        "split shapes": "cpu",
    }
