"""Real Snakemake on fake cards: as many trainings as there are cards, one on each."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

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
def project(with_data: Project, tmp_path: Path) -> Project:
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
    return copied


def most_at_once(project: Project) -> dict[str, int]:
    """For each card the most trainings that used it at the same time."""
    present, most = Counter[str](), Counter[str]()
    for line in project.trained.read_text().splitlines():
        event = line.split()[0]
        (card,) = re.findall(r"gpus=(\S*)", line)
        present[card] += {"begin": 1, "end": -1}.get(event, 0)
        most[card] = max(most[card], present[card])
    return dict(most)


def test_every_card_has_one_training_at_a_time(project: Project) -> None:
    project.run(*COMMAND)
    assert most_at_once(project) == {f"GPU-{n}": 1 for n in range(4)}
    assert project.trainings("end").total() == 8
    assert not list(Path(project.env[claims.VARIABLE]).glob("*.json"))
    record = next(project.root.glob("results/compare/runs/*/record.json")).read_text()
    assert "GPU-" not in record
    assert project.plan("--profile", "profiles/gpu", "trained") == Counter()
    assert project.plan("trained") == Counter(), "the profile is part of a result"


def test_two_share_a_card_where_asked_and_hidden_cards_are_not_used(project: Project) -> None:
    project.run(*COMMAND, "--resources", "gpu_share=2", CUDA_VISIBLE_DEVICES="1,3")
    assert most_at_once(project) == {"GPU-1": 2, "GPU-3": 2}
