"""Experiments that begin with the results of others: what runs, and what does not.

`predict` and what follows are stand-ins; that of `choose` takes the run with the highest lr0.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest

from project import Project

pytestmark = pytest.mark.slow

CORES = ("--cores", "1")
FIRST = """\
title: Which learning rate?
base: {backend: quick, epochs: 2}
sweep: {lr0: [0.1, 0.01]}
"""
SECOND = """\
title: Which momentum, with the winner's learning rate?
base: {from: first}
sweep: {momentum: [0.5, 0.9]}
"""
OF_SECOND = Counter(
    f"{stage} momentum={value}-s0"
    for stage in ("train", "predict", "validate")
    for value in ("0.5", "0.9")
)
RESULTS = Counter({"plot": 1, "report": 1})


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two experiments, of which the second one was asked for, with nothing there before."""
    project = Project.new(
        tmp_path_factory.mktemp("from") / "finished", quick_backend=True
    ).preload()
    project.env["STUB_STAGES"] += ",choose"
    project.write("config/experiments/first.yaml", FIRST)
    project.write("config/experiments/compare.yaml", SECOND)
    planned = project.plan()
    assert planned["train lr0=0.1-s0"] == planned["train momentum=0.5-s0"] == 1
    assert planned["choose"] == 1, planned
    project.snakemake(*CORES)
    return project


THIRD = """\
title: Do its weights help?
base: {backend: quick, epochs: 3}
runs:
  anew: {}
  on: {pretrained: {from: first}}
seeds: [0, 1]
"""


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Project:
    project = finished.copy(tmp_path / "project")
    project.jobs()
    return project


def rates(project: Project) -> set[float]:
    records = project.root.glob("results/compare/runs/*/record.json")
    return {json.loads(path.read_text())["settings"]["lr0"] for path in records}


def test_one_call_runs_both(finished: Project) -> None:
    assert rates(finished) == {0.1}
    run = finished.root / "results/compare/runs/momentum=0.5-s0/record.json"
    record = json.loads(run.read_text())
    assert record["settings"]["momentum"] == 0.5
    assert record["started_from"] == [{"experiment": "first", "name": "lr0=0.1", "trial": None}]
    assert not (finished.root / "results/first/report.pdf").exists()
    assert finished.plan() == Counter()


def test_an_equal_winner_runs_nothing_that_begins_with_it(project: Project) -> None:
    project.edit("config/experiments/first.yaml", "[0.1, 0.01]", "[0.1, 0.01, 0.001]")
    project.snakemake(*CORES)
    assert project.jobs() == Counter(
        ["train lr0=0.001-s0", "predict lr0=0.001-s0", "validate lr0=0.001-s0", "choose"]
    )
    assert project.plan() == Counter()


def test_another_winner_runs_only_what_begins_with_it(project: Project) -> None:
    project.edit("config/experiments/first.yaml", "[0.1, 0.01]", "[0.1, 0.01, 0.2]")
    project.snakemake(*CORES)
    assert rates(project) == {0.2}
    assert project.jobs() == OF_SECOND + RESULTS + Counter(
        ["train lr0=0.2-s0", "predict lr0=0.2-s0", "validate lr0=0.2-s0", "choose"]
    )
    assert project.plan() == Counter()


def test_a_run_begins_with_the_weights_of_the_winner(project: Project) -> None:
    project.write("config/experiments/compare.yaml", THIRD)
    project.snakemake(*CORES)
    records = {
        path.parent.name: json.loads(path.read_text())
        for path in project.root.glob("results/compare/runs/*/record.json")
    }
    began = {name: record["settings"]["pretrained"] for name, record in records.items()}
    weights = "results/first/runs/lr0=0.1-s0/weights.pt"
    assert {name: began[name] for name in ("anew-s0", "on-s0", "on-s1")} == {
        "anew-s0": None,
        "on-s0": weights,
        "on-s1": weights,  # there is none with seed 1
    }
    total = hashlib.sha256((project.root / weights).read_bytes()).hexdigest()
    assert records["on-s0"]["inputs"]["pretrained"]["sha256"] == total
    assert records["on-s0"]["settings"]["lr0"] == records["anew-s0"]["settings"]["lr0"]
    (origin,) = records["on-s0"]["started_from"]
    assert (origin["name"], origin["weights_of"]) == ("lr0=0.1-s0", "shapes")
    assert project.plan() == Counter()
    project.jobs()
    project.edit("config/experiments/first.yaml", "[0.1, 0.01]", "[0.1, 0.01, 0.2]")
    project.snakemake(*CORES)
    trained = [job for job in project.jobs() if job.startswith("train ")]
    assert sorted(trained) == ["train lr0=0.2-s0", "train on-s0", "train on-s1"]
