"""A SLURM for the session, and projects that know it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import Cluster, missing, running_cluster

from project import Project

ONE_RUN = """\
title: An experiment of one run
base: {backend: quick}
runs: {small: {imgsz: 96}}
"""


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    reason = missing()
    if reason and os.environ.get("FAIRTRIAL_REQUIRE_SLURM") == "1":
        pytest.fail(f"FAIRTRIAL_REQUIRE_SLURM is 1, and {reason}")
    if reason:
        pytest.skip(reason)
    with running_cluster() as cluster:
        yield cluster


def on(cluster: Cluster, project: Project) -> Project:
    """The project with this SLURM's commands on its PATH."""
    project.env["PATH"] = f"{cluster.bin}:{project.env['PATH']}"
    project.env["STUB_HURRY"] = "1"
    project.env.pop("CUDA_VISIBLE_DEVICES", None)
    return project


@pytest.fixture(scope="session")
def with_data(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One run of the quick backend; its data are there, made without SLURM."""
    project = Project.new(tmp_path_factory.mktemp("slurm") / "data", quick_backend=True)
    project.write("config/experiments/compare.yaml", ONE_RUN)
    project.snakemake("data/sets/shapes/split.json")
    return project


@pytest.fixture
def project(cluster: Cluster, with_data: Project, tmp_path: Path) -> Project:
    """A copy of it, for one test."""
    return on(cluster, with_data.copy(tmp_path / "project"))
