"""Snakemake is stopped in the middle of a training, on one machine; the same command finishes."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from project import Project

pytestmark = pytest.mark.slow

COMMAND = ("snakemake", "--cores", "1")
TWO_RUNS = """\
title: An experiment of two runs, one after the other
base: {backend: quick}
runs:
  first: {imgsz: 32}
  second: {imgsz: 64}
"""


@pytest.fixture(scope="module")
def with_data(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project.new(tmp_path_factory.mktemp("interrupt") / "data", quick_backend=True)
    project.write("config/experiments/compare.yaml", TWO_RUNS)
    project.snakemake("data/sets/shapes/split.json")
    return project


def wait_for(true: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


def interrupted(project: Project, number: signal.Signals, to_all: bool) -> tuple[str, str]:
    """Stop Snakemake in its second training; returns the names of the two runs' trainings."""
    duration = project.root.parent / "seconds"
    duration.write_text("0")
    driver = project.start(*COMMAND, QUICK_SECONDS=str(duration))
    wait_for(lambda: project.trainings("begin").total() == 1)
    duration.write_text("30")  # an orphan outlives two calls of Snakemake on a busy machine
    wait_for(lambda: project.trainings("begin").total() == 2)
    (finished,) = project.trainings("end")
    (begun,) = project.trainings("begin") - project.trainings("end")
    (os.killpg if to_all else os.kill)(driver.pid, number)
    assert driver.wait(150) != 0
    duration.write_text("0")
    return finished, begun


def test_ctrl_c_and_the_same_command_again(with_data: Project, tmp_path: Path) -> None:
    project = with_data.copy(tmp_path / "project")
    finished, begun = interrupted(project, signal.SIGINT, to_all=True)
    assert project.trainings("end") == {finished: 1}, "the training was not stopped"
    assert not list(project.root.glob("store/runs/*.lock"))
    project.run(*COMMAND)
    assert project.trainings("begin") == {finished: 1, begun: 2}
    assert project.trainings("end") == {finished: 1, begun: 1}
    assert project.plan() == Counter()


def test_after_kill_the_orphaned_training_is_waited_for(with_data: Project, tmp_path: Path) -> None:
    """kill -9 ends Snakemake alone: its training goes on; its lock stays and holds nobody up."""
    project = with_data.copy(tmp_path / "project")
    finished, begun = interrupted(project, signal.SIGKILL, to_all=False)
    assert project.trainings("end") == {finished: 1}, "it ended before it could be waited for"
    project.run(*COMMAND)
    assert project.trainings("begin") == project.trainings("end") == {finished: 1, begun: 1}
    assert project.plan() == Counter()


def test_after_kill_of_everything_the_run_starts_afresh(with_data: Project, tmp_path: Path) -> None:
    """As when the machine goes down: the dead training's lock holds nobody up."""
    project = with_data.copy(tmp_path / "project")
    finished, begun = interrupted(project, signal.SIGKILL, to_all=True)
    project.run(*COMMAND)
    assert project.trainings("begin") == {finished: 1, begun: 2}
    assert project.trainings("end") == {finished: 1, begun: 1}


def test_a_second_driver_of_the_same_runs_is_told_who_works(
    with_data: Project, tmp_path: Path
) -> None:
    project = with_data.copy(tmp_path / "project")
    driver = project.start(*COMMAND, QUICK_SECONDS="60")
    wait_for(lambda: project.trainings("begin").total() == 1)
    refused = project.run(*COMMAND, check=False)
    assert refused.returncode != 0
    assert f"process {driver.pid} on " in refused.stderr
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()
    assert project.trainings("begin").total() == 1


def test_one_gpu_holds_one_training_at_a_time(with_data: Project, tmp_path: Path) -> None:
    project = with_data.copy(tmp_path / "project")
    project.run("snakemake", "--profile", "profiles/gpu", "--cores", "2", QUICK_SECONDS="2")
    events = [line.split()[0] for line in project.trained.read_text().splitlines()]
    assert [event for event in events if event != "epoch"] == ["begin", "end", "begin", "end"]
