"""profiles/cluster-generic with a real Grid Engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cluster import wait_for
from engine import Engine

from project import Project

pytestmark = [pytest.mark.slow, pytest.mark.gridengine]

COMMAND = ("snakemake", "--profile", "profiles/cluster-generic")
ENDS = ".snakemake/fairtrial/ends"
PROFILE = "profiles/cluster-generic/config.yaml"
ONE_RUN = """\
title: An experiment of one run
base: {backend: quick, epochs: 6}
runs: {small: {imgsz: 96}}
"""


@pytest.fixture
def project(engine: Engine, tmp_path: Path) -> Project:
    """One run of the quick backend, whose data are there."""
    project = Project.new(tmp_path / "project", quick_backend=True)
    project.write("config/experiments/compare.yaml", ONE_RUN)
    project.snakemake("data/sets/shapes/split.json")
    project.env["PATH"] = f"{engine.bin}:{project.env['PATH']}"
    project.edit(PROFILE, "-terse", "-terse -V")  # the stand-ins are in the environment
    project.edit(PROFILE, "checks: 20", "checks: 1")
    return project


def test_a_training_that_meets_its_time_limit_goes_on_where_it_was(
    project: Project, engine: Engine
) -> None:
    """It gets more time each time, so that a busy machine comes to its first epoch."""
    project.edit(PROFILE, "s_rt=$(( {resources.runtime} * 60 - 120 ))", "s_rt={resources.soft}")
    project.edit(PROFILE, "  slots: 1\n", "  slots: 1\n  soft: 10 * attempt\n")
    done = project.run(*COMMAND, QUICK_SECONDS="12")
    assert (project.root / "results/compare/report.pdf").exists(), done.stderr
    assert project.trainings("epoch") == {"96 s0": 6}
    assert project.trainings("begin")["96 s0"] >= 2
    record = json.loads((project.root / "results/compare/runs/small-s0/record.json").read_text())
    assert sum(attempt["epochs"] for attempt in record["attempts"]) == 6
    ends = {end.read_text().strip() for end in (project.root / ENDS).iterdir()}
    assert len(ends) > 1 and "0" in ends  # one that is killed leaves none


def test_a_killed_job_is_seen_and_tried_again(project: Project, engine: Engine) -> None:
    driver = project.start(*COMMAND, QUICK_SECONDS="6")
    wait_for(lambda: project.trainings("epoch"), 60, "no epoch")
    job = next(line for line in engine.ask("qstat").splitlines() if " r " in line).split()[0]
    engine.tell("qdel", job)
    assert driver.wait(300) == 0, project.output.read_text()
    assert project.trainings("end") == {"96 s0": 1}
    assert project.trainings("begin")["96 s0"] == 2
