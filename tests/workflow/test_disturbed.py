"""Two calls at once, a results folder that cannot be written, a full disk: said plainly, and
no training is lost or repeated."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from project import Project

pytestmark = pytest.mark.slow

ONE_RUN = """\
title: An experiment of one run
base: {backend: quick, epochs: 200}
runs: {only: {imgsz: 32}}
"""
ONCE = Counter({"32 s0": 1})


@pytest.fixture(scope="module")
def with_data(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project.new(tmp_path_factory.mktemp("disturbed") / "data", quick_backend=True)
    project.write("config/experiments/compare.yaml", ONE_RUN)
    project.run("git", "init", "-q")
    project.run("git", "add", "-A")
    project.run("git", "commit", "-qm", "project")
    project.snakemake("data/sets/shapes/split.json")
    return project


@pytest.fixture
def project(with_data: Project, tmp_path: Path) -> Project:
    return with_data.copy(tmp_path / "project")


def test_the_way_to_the_environment_may_hold_a_blank(with_data: Project, tmp_path: Path) -> None:
    (tmp_path / "an {env} of 'mine'").symlink_to(sys.prefix)
    python = tmp_path / "an {env} of 'mine'" / "bin/python"
    manifest = "data/raw/shapes.sha256"
    with_data.run(str(python), "-m", "snakemake", "--cores", "1", "--force", manifest)


def test_a_second_call_is_refused_and_the_first_finishes(project: Project) -> None:
    hold = project.root.parent / "hold"
    hold.touch()
    driver = project.start("snakemake", "--cores", "1", QUICK_HOLD=str(hold))
    end = time.monotonic() + 60
    while not project.trainings():
        assert time.monotonic() < end, project.output.read_text()
        time.sleep(0.1)
    for command in (["snakemake", "--cores", "1"], ["dvc", "repro"]):
        second = project.run(*command, check=False)
        assert second.returncode != 0
        assert "cannot be locked" in second.stdout + second.stderr
        assert "Traceback" not in second.stdout + second.stderr
    hold.unlink()
    assert driver.wait(120) == 0, project.output.read_text()
    assert project.trainings() == project.trainings("end") == ONCE
    assert [row["state"] for row in project.status()["runs"]] == ["done"]


@pytest.fixture
def disk(project: Project) -> Iterator[Callable[[str], None]]:
    """Mounts a disk of 64 kB at results/."""
    place = project.root / "results"
    place.mkdir()

    def mount(options: str) -> None:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"needs to mount a small disk: {done.stderr.strip()}")

    yield mount
    subprocess.run(["umount", "--lazy", str(place)], capture_output=True)


def free(project: Project) -> None:
    subprocess.run(["umount", str(project.root / "results")], check=True)


def test_read_only_results_are_reported_and_nothing_is_lost(
    project: Project, disk: Callable[[str], None]
) -> None:
    disk("ro")
    text = project.snakemake("--cores", "1", check=False)
    assert os.strerror(errno.EROFS) in text
    assert "results" in text
    free(project)
    project.snakemake("--cores", "1")
    assert project.trainings("end") == ONCE


def test_a_full_disk_under_results_costs_no_training(
    project: Project, disk: Callable[[str], None]
) -> None:
    disk("size=64k")
    with pytest.raises(OSError, match="No space left"):
        (project.root / "results/filler").write_bytes(bytes(2**20))
    (project.root / "results/filler").write_bytes(bytes(40 * 2**10))
    text = project.snakemake("--cores", "1", check=False)
    assert os.strerror(errno.ENOSPC) in text
    free(project)
    project.snakemake("--cores", "1")
    assert project.trainings() == project.trainings("end") == ONCE
