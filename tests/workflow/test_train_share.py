"""Would more data help? A sweep over shares of train, through the real stages up to `train`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from project import Project

pytestmark = pytest.mark.slow

SHARES = """\
title: Would more data help?
base: {backend: quick, epochs: 1}
sweep: {train_share: [0.25, 0.5, 1.0]}
"""


def test_each_share_trains_on_its_images(tmp_path: Path) -> None:
    project = Project.new(tmp_path / "project", quick_backend=True).preload()
    project.write("config/experiments/compare.yaml", SHARES)
    project.snakemake("--cores", "1")

    def record(share: str) -> Any:
        run = project.root / f"results/compare/runs/train_share={share}-s0/record.json"
        return json.loads(run.read_text())

    train = len(json.loads((project.root / "data/sets/shapes/split.json").read_text())["train"])
    records = {share: record(share) for share in ("0.25", "0.5", "1")}
    images = [content["train_images"] for content in records.values()]
    assert images[0] < images[1] < images[2] == train
    assert len({content["inputs"]["split"] for content in records.values()}) == 3
    assert records["0.5"]["settings"]["train_share"] == 0.5
    assert "train_share" not in records["1"]["settings"]
    assert project.plan() == {}
    states = {run["run"]: run["state"] for run in project.status()["runs"]}
    assert set(states.values()) == {"done"}, states
