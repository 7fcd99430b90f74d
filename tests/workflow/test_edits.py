"""Edits while a workflow runs: its jobs do what was planned, and the next call sees the edits."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fairtrial.files import snapshot
from project import Project

pytestmark = pytest.mark.slow

TWO_RUNS = """\
title: An experiment of two runs
base: {backend: quick, epochs: 3}
runs:
  first: {imgsz: 32}
  second: {imgsz: 64}
"""
RUNS = ("first-s0", "second-s0")
REAL = ("plot", "report")  # the stages that stand-ins replace


@pytest.fixture(scope="module")
def with_data(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("edits") / "data"
    project = Project.new(root, stubs=REAL, quick_backend=True)
    project.write("config/experiments/compare.yaml", TWO_RUNS)
    project.run("git", "init", "-q")
    project.run("git", "add", "-A")
    project.run("git", "commit", "-qm", "project")
    project.snakemake("data/sets/shapes/split.json")
    return project


@pytest.fixture
def project(with_data: Project, tmp_path: Path) -> Project:
    return with_data.copy(tmp_path / "project")


@contextmanager
def during_the_first_training(project: Project) -> Iterator[None]:
    """Start the workflow on one core; the body runs while its first run is in its first epoch."""
    hold = project.root.parent / "hold"
    hold.touch()
    driver = project.start("snakemake", "--cores", "1", QUICK_HOLD=str(hold))
    try:
        end = time.monotonic() + 90
        while not project.trainings():
            assert time.monotonic() < end, project.output.read_text()
            time.sleep(0.1)
        yield
    finally:
        hold.unlink()
        driver.wait(timeout=300)
    assert driver.returncode == 0, project.output.read_text()


def epochs(project: Project) -> dict[str, tuple[int, int]]:
    """Run → the epochs that its record's settings ask for, and those that were run."""
    folder = project.root / "results/compare/runs"
    records = {run: json.loads((folder / run / "record.json").read_text()) for run in RUNS}
    return {run: (r["settings"]["epochs"], r["epochs_run"]) for run, r in records.items()}


def edit_code(project: Project) -> None:
    project.edit(
        "workflow/fairtrial/backends/quick.py",
        '    _log("begin", settings)\n',
        '    settings = settings.model_copy(update={"epochs": 1})\n    _log("begin", settings)\n',
    )


def break_code(project: Project) -> None:
    project.write("workflow/fairtrial/stages/predict.py", "this is no Python\n")
    project.write("workflow/rules/runs.smk", "nor is this\n")


def edit_settings(project: Project) -> None:
    project.edit("config/experiments/compare.yaml", "epochs: 3", "epochs: 2")


def leave_the_branch(project: Project) -> None:
    """A branch without the experiment and without most of the code."""
    project.run("git", "checkout", "-qb", "other")
    project.run("git", "rm", "-rq", "config/experiments/compare.yaml", "workflow/fairtrial/stages")
    project.run("git", "commit", "-qm", "other")


EDITS: dict[str, Callable[[Project], None]] = {
    "code": edit_code,
    "broken code": break_code,
    "settings": edit_settings,
    "another branch": leave_the_branch,
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_during_a_training_changes_no_job_of_it(name: str, project: Project) -> None:
    with during_the_first_training(project):
        EDITS[name](project)
    assert epochs(project) == dict.fromkeys(RUNS, (3, 3))
    project.run("git", "checkout", "-qf", "master" if _has_master(project) else "main")
    project.run("git", "checkout", ".")
    assert not project.plan(), "back at what was planned, nothing is to be done"


def _has_master(project: Project) -> bool:
    return "master" in project.run("git", "branch", "--list", "master").stdout


def test_an_edit_during_a_training_acts_in_the_next_call(project: Project) -> None:
    with during_the_first_training(project):
        edit_settings(project)
    assert {"train first-s0", "train second-s0"} <= set(project.plan())


@pytest.mark.parametrize("damage", ["removed", "changed"])
def test_without_its_snapshot_a_job_stops_and_says_so(damage: str, project: Project) -> None:
    hold = project.root.parent / "hold"
    hold.touch()
    driver = project.start("snakemake", "--cores", "1", QUICK_HOLD=str(hold))
    end = time.monotonic() + 90
    while not project.trainings():
        assert time.monotonic() < end, project.output.read_text()
        time.sleep(0.1)
    (folder,) = (project.root / snapshot.FOLDER).iterdir()
    if damage == "removed":
        shutil.rmtree(folder)
    else:
        with (folder / "params.yaml").open("a") as file:
            file.write("\n# changed\n")
    hold.unlink()
    driver.wait(timeout=300)
    assert driver.returncode != 0
    logs = "".join(p.read_text() for p in (project.root / "logs").rglob("*.log"))
    assert "the code that this job was planned with" in logs + project.output.read_text()
    project.snakemake("--cores", "1", "--rerun-incomplete")
    assert epochs(project) == dict.fromkeys(RUNS, (3, 3))


def test_equal_plans_share_one_snapshot_and_old_ones_go(project: Project, tmp_path: Path) -> None:
    first = snapshot.take(project.root)
    assert snapshot.take(project.root) == first
    assert not snapshot.problem(first)
    project.edit("params.yaml", "experiment: compare", "experiment: seeds")
    second = snapshot.take(project.root)
    assert second != first and first.is_dir()
    subprocess.run(["touch", "-d", "31 days ago", first], check=True)
    assert snapshot.take(project.root) == second
    assert not first.exists()
