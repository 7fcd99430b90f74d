"""One training, struck down again and again: it goes on each time, and repeats no epoch."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from cluster import Cluster, wait_for

from project import Project

pytestmark = pytest.mark.slurm

EPOCHS = 200
LONG = f"title: A long training\nbase: {{backend: quick}}\nruns: {{long: {{epochs: {EPOCHS}}}}}\n"
RECORD = "results/compare/runs/long-s0/record.json"
Strike = Callable[[Cluster, str, int], None]


def time_limit(cluster: Cluster, job: str, process: int) -> None:
    """A training longer than its partition's limit: chained jobs."""
    cluster.tell("scontrol", "update", f"JobId={job}", "EndTime=now+1")


def cancelled(cluster: Cluster, job: str, process: int) -> None:
    cluster.tell("scancel", job)


def killed(cluster: Cluster, job: str, process: int) -> None:
    """As by the kernel when memory runs out."""
    os.kill(process, signal.SIGKILL)


def signalled(number: str) -> Strike:
    """A warning with little time: preemption sends SIGTERM, `--signal=USR1@60` the other."""

    def strike(cluster: Cluster, job: str, process: int) -> None:
        cluster.tell("scancel", f"--signal={number}", "--full", job)

    return strike


def node_dead(cluster: Cluster, job: str, process: int) -> None:
    """Nothing on it has time for a word; SLURM finds out."""
    os.kill(process, signal.SIGSTOP)  # it neither writes nor ends by itself
    node = next(j["NodeList"] for j in cluster.jobs(JobId=job))
    cluster.tell("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=test")
    os.kill(process, signal.SIGKILL)
    cluster.tell("scontrol", "update", f"NodeName={node}", "State=RESUME")


STRIKES: list[tuple[Strike, str]] = [
    (time_limit, "TIMEOUT"),
    (time_limit, "TIMEOUT"),
    (cancelled, "CANCELLED"),
    (killed, "FAILED"),
    (signalled("TERM"), "FAILED"),
    (signalled("USR1"), "FAILED"),
    (node_dead, "NODE_FAIL"),
]


def epochs(project: Project) -> list[tuple[str, int]]:
    """Job and process of every epoch that was trained, in order."""
    text = project.trained.read_text() if project.trained.exists() else ""
    processes = re.findall(r"^epoch .*process=(\d+).* job=(\d+)$", text, re.MULTILINE)
    return [(job, int(process)) for process, job in processes]


def test_a_training_survives_whatever_befalls_it(cluster: Cluster, project: Project) -> None:
    project.write("config/experiments/compare.yaml", LONG)
    duration = project.root.parent / "seconds"
    duration.write_text(str(EPOCHS))  # SLURM looks at its time limits only twice a minute
    command = ("snakemake", "--profile", "slurm", RECORD)
    driver = project.start(*command, QUICK_SECONDS=str(duration))
    for number, (strike, _) in enumerate(STRIKES):
        wait_for(
            lambda goal=number + 1: len({job for job, _ in epochs(project)}) == goal,
            60,
            f"no epoch in attempt {number + 1}: {project.output.read_text()[-3000:]}",
        )
        if number == len(STRIKES) - 1:
            duration.write_text("0")  # for the attempt that comes after it
        strike(cluster, *epochs(project)[-1])
    assert driver.wait(300) == 0, project.output.read_text()

    record = json.loads((project.root / RECORD).read_text())
    attempts = record["attempts"]
    assert record["resumed"] is True
    jobs = cluster.jobs(WorkDir=str(project.root))
    assert [job["JobState"] for job in jobs] == [*(state for _, state in STRIKES), "COMPLETED"]
    assert [attempt["slurm"]["job"] for attempt in attempts] == [job["JobId"] for job in jobs]
    assert len(epochs(project)) == EPOCHS, "an epoch that was finished was trained again, or lost"
    assert sum(attempt["epochs"] for attempt in attempts) == EPOCHS
    assert all(attempt["epochs"] > 0 for attempt in attempts)
    firsts = [attempt["from_epoch"] for attempt in attempts]
    assert firsts == [1 + sum(a["epochs"] for a in attempts[:n]) for n in range(len(attempts))]
    rows = (project.root / "results/compare/history/long-s0.csv").read_text().splitlines()
    assert [row.partition(",")[0] for row in rows[1:]] == [str(n + 1) for n in range(EPOCHS)]
    assert project.trainings("end").total() == 1
    assert not [
        *Path(project.root, "store/runs").glob("*.part"),
        *project.root.glob("store/runs/*.lock"),
    ]
