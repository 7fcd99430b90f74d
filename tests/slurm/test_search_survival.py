"""A search whose workers are struck down: no finished trial is lost, and none is repeated."""

from __future__ import annotations

import csv
import re
from collections import Counter

import pytest
from cluster import Cluster, wait_for
from test_survival import Strike, cancelled, epochs, killed, time_limit

from project import Project

pytestmark = pytest.mark.slurm

TRIALS, EPOCHS = 10, 40
SEARCHED = f"""\
title: A search
base: {{backend: quick, epochs: {EPOCHS}}}
search:
  space: {{lr0: {{min: 1e-4, max: 1, log: true}}, momentum: {{min: 0.5, max: 0.99}}}}
  trials: {TRIALS}
  workers: 2
  engine: random
  pruning: off
"""
PLACE = "results/compare/search/random-seed0"
STRIKES: list[Strike] = [killed, cancelled, time_limit]


def test_workers_that_die_cost_no_trial(cluster: Cluster, project: Project) -> None:
    project.write("config/experiments/compare.yaml", SEARCHED)
    duration = project.root.parent / "seconds"
    duration.write_text("30")  # a trial; SLURM looks at its time limits twice a minute
    command = ("snakemake", "--profile", "slurm", f"{PLACE}/trials.csv")
    driver = project.start(*command, QUICK_SECONDS=str(duration))
    struck: set[str] = set()
    for number, strike in enumerate(STRIKES):
        wait_for(
            lambda: {job for job, _ in epochs(project)} - struck,
            60,
            f"no worker that could be struck: {project.output.read_text()[-3000:]}",
        )
        job, process = next(epoch for epoch in reversed(epochs(project)) if epoch[0] not in struck)
        struck.add(job)
        if number == len(STRIKES) - 1:
            duration.write_text("0")  # for the trials that begin from now on
        strike(cluster, job, process)
    assert driver.wait(300) == 0, project.output.read_text()

    states = {job["JobId"]: job["JobState"] for job in cluster.jobs()}
    assert sorted(states[job] for job in struck) == ["CANCELLED", "FAILED", "TIMEOUT"]
    with (project.root / PLACE / "trials.csv").open() as file:
        assert [row["state"] for row in csv.DictReader(file)] == ["finished"] * TRIALS
    text = project.trained.read_text()
    ended = Counter(re.findall(r"^end .*?lr0=(\S+)", text, re.M))
    assert sorted(ended.values()) == [1] * TRIALS, "a trial was trained twice, or lost"
    trained = Counter(re.findall(r"^epoch .*?lr0=(\S+)", text, re.M))
    assert set(trained.values()) == {EPOCHS}, "an epoch was trained twice, or lost"
