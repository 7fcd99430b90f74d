"""Real Snakemake on fake cards: as many trainings as there are cards, one on each."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from facts import missing_facts
from fairtrial.devices import cards, claims
from project import Project

pytestmark = pytest.mark.slow

EIGHT_RUNS = """\
title: An experiment of eight runs
base: {backend: quick, epochs: 1, imgsz: 32}
runs: {one: {}}
seeds: [0, 1, 2, 3, 4, 5, 6, 7]
"""
COMMAND = ("snakemake", "--profile", "profiles/gpu", "--cores", "12", "trained")


@pytest.fixture(scope="module")
def with_data(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project.new(tmp_path_factory.mktemp("gpus") / "data", quick_backend=True)
    project.write("config/experiments/compare.yaml", EIGHT_RUNS)
    project.snakemake("data/sets/shapes/split.json")
    return project


@pytest.fixture
def project(with_data: Project, tmp_path: Path) -> Iterator[Project]:
    """On a machine with four cards."""
    copied = with_data.copy(tmp_path / "project")
    have = [{"uuid": f"GPU-{n}", "index": n, "total": 1000, "free": 1000} for n in range(4)]
    (tmp_path / "cards.json").write_text(json.dumps(have))
    copied.env |= {
        cards.FAKE: str(tmp_path / "cards.json"),
        claims.VARIABLE: str(tmp_path / "claims"),
        "QUICK_SECONDS": "1.5",
    }
    copied.env.pop("CUDA_VISIBLE_DEVICES", None)
    yield copied
    copied.run("fairtrial", "stop")


def wait_for(true: Callable[[], object]) -> None:
    end = time.monotonic() + 120
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


def held(project: Project, name: str = "hold") -> Path:
    """A file that holds trainings as long as it exists."""
    path = project.root.parent / name
    path.touch()
    return path


def most_at_once(lines: list[str]) -> dict[str, int]:
    """For each card the most trainings that used it at the same time."""
    present, most = Counter[str](), Counter[str]()
    for line in lines:
        event = line.split()[0]
        (card,) = re.findall(r"gpus=(\S*)", line)
        present[card] += {"begin": 1, "end": -1}.get(event, 0)
        most[card] = max(most[card], present[card])
    return dict(most)


def test_it_is_started_seen_stopped_and_goes_on_with_a_training_on_each_card(
    project: Project,
) -> None:
    hold = held(project)
    said = project.run("fairtrial", "start", *COMMAND[1:], QUICK_HOLD=str(hold)).stdout
    wait_for(lambda: project.trainings("begin").total() == 4)
    status = project.status()
    (driver,) = status["drivers"]
    process = re.findall(r"process \d+ on ", said)[0]
    assert process in driver
    running = [row for row in status["runs"] if row["state"] == "running"]
    assert {row["gpu"] for row in running} == {f"GPU {n}" for n in range(4)}
    assert {row["node"] for row in running} == {socket.gethostname()}
    again = project.run("fairtrial", "start", check=False)
    assert again.returncode == 1
    assert missing_facts(again.stderr, process, "fairtrial stop") == []

    stopped = project.run("fairtrial", "stop").stdout
    assert missing_facts(stopped, "waiting for ", "train compare/one-s") == []
    assert (project.status()["drivers"], project.trainings("end").total()) == ([], 0)
    assert not [*project.root.glob("store/runs/*.lock"), *claim_files(project)]
    assert "no Snakemake works here" in project.run("fairtrial", "stop").stdout

    before = len(project.trained.read_text().splitlines())
    project.run(*COMMAND)
    after = project.trained.read_text().splitlines()[before:]
    assert set(most_at_once(after).values()) == {1}
    assert project.trainings("end").total() == 8
    assert not claim_files(project)
    record = next(project.root.glob("results/compare/runs/*/record.json")).read_text()
    assert "GPU" not in record.replace('"gpu', "")
    assert project.plan("--profile", "profiles/gpu", "trained") == Counter()
    assert project.plan("trained") == Counter(), "the profile is part of a result"


def claim_files(project: Project) -> list[Path]:
    return list(Path(project.env[claims.VARIABLE]).glob("*.json"))


def test_a_failed_start_says_why(project: Project) -> None:
    failed = project.run("fairtrial", "start", "--config", "experiment=nothing", check=False)
    assert failed.returncode == 1
    assert missing_facts(failed.stderr, "nothing", "logs/snakemake/") == []


def test_another_machine_takes_runs_and_none_is_trained_twice(project: Project) -> None:
    """Two machines with a card each, and a third with two, which is not killed."""
    project.edit("config/experiments/compare.yaml", ", 4, 5, 6, 7", "")
    holds = [held(project, name) for name in ("first", "second")]
    first, second = (
        {"QUICK_HOLD": str(hold), "CUDA_VISIBLE_DEVICES": str(n)} for n, hold in enumerate(holds)
    )
    third = {"QUICK_SECONDS": "0", "CUDA_VISIBLE_DEVICES": "2,3"}
    assert project.run("fairtrial", "join", check=False, **second).returncode == 1
    driver = project.start(*COMMAND, **first)
    wait_for(lambda: project.trainings("begin").total() == 1)
    helper = project.start("fairtrial", "join", **second)
    wait_for(lambda: project.trainings("begin").total() == 2)
    assert project.status()["helpers"] == [socket.gethostname()]
    training = int(re.findall(r"process=(\d+) gpus=GPU-1", project.trained.read_text())[0])
    for process in (helper.pid, training):
        os.kill(process, signal.SIGKILL)
    helper.wait()

    helper = project.start("fairtrial", "join", **third)
    wait_for(lambda: project.trainings("end").total() == 3)
    holds[0].unlink()
    assert (driver.wait(120), helper.wait(120)) == (0, 0)
    runs = Counter(f"32 s{seed}" for seed in range(4))
    assert project.trainings("end") == runs
    assert project.trainings("begin").total() == 5, "one was killed"
    records = [path.read_text() for path in project.root.glob("results/compare/runs/*/record.json")]
    assert Counter('"adopted": true' in record for record in records) == {True: 3, False: 1}
    assert project.plan("--profile", "profiles/gpu", "trained") == Counter()


SEARCHED = """\
title: Runs and a search
base: {backend: quick, epochs: 1, imgsz: 32}
runs: {one: {}}
seeds: [0, 1]
search: {space: {lr0: {min: 0.001, max: 0.1, log: true}}, trials: 4, workers: 2}
"""


def test_two_share_a_card_where_asked_and_hidden_cards_are_not_used(project: Project) -> None:
    """Trainings, and workers of a search, which hold half a card for all of their trials."""
    project.write("config/experiments/compare.yaml", SEARCHED)
    hold = held(project)
    table = "results/compare/search/tpe-seed0/trials.csv"
    asked = (*COMMAND, table, "--resources", "gpu_share=2")
    driver = project.start(*asked, CUDA_VISIBLE_DEVICES="1,3", QUICK_HOLD=str(hold))
    wait_for(lambda: project.trainings("begin").total() == 4)
    hold.unlink()
    assert driver.wait(120) == 0
    lines = project.trained.read_text().splitlines()
    assert most_at_once(lines) == {"GPU-1": 2, "GPU-3": 2}
    assert project.trainings("end").total() == 6
