"""The board beside a real Snakemake: from another terminal, and after everything was killed."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import pytest

from facts import missing_facts
from project import Project

pytestmark = pytest.mark.slow

TWO_RUNS = """\
title: An experiment of two runs, one after the other
base: {backend: quick}
runs:
  first: {imgsz: 32}
  second: {imgsz: 64}
"""


def states(project: Project) -> dict[str, str]:
    return {row["run"]: row["state"] for row in project.status()["runs"]}


def log_file(said: str) -> str:
    """The file with all that Snakemake says, as it is named."""
    (name,) = re.findall(r"All that Snakemake says: (\S+)$", said, re.M)
    return name


def test_it_follows_runs_that_are_killed_and_go_on(tmp_path: Path) -> None:
    project = Project.new(tmp_path / "project", quick_backend=True)
    project.write("config/experiments/compare.yaml", TWO_RUNS)
    driver = project.start("snakemake", "--cores", "1", QUICK_SECONDS="60")
    end = time.monotonic() + 60
    while not project.trainings():
        assert time.monotonic() < end, project.output.read_text()
        time.sleep(0.1)
    assert sorted(states(project).values()) == ["running", "waiting"]
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()
    assert sorted(states(project).values()) == ["failed", "waiting"]
    said = project.snakemake("--cores", "1")
    assert (
        missing_facts(said, "train first-s0 done", "jobs done", "results/compare/report.pdf") == []
    )
    assert "rule train" not in said, "Snakemake's own messages are in its log file"
    assert "rule train" in (project.root / log_file(said)).read_text()
    assert states(project) == {"first-s0": "done", "second-s0": "done"}
    assert not list(project.root.glob("logs/compare/train/*.json"))
    assert [(row["epoch"], row["left"]) for row in project.status()["runs"]] == [(12, None)] * 2
