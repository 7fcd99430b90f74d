"""The whole chain for real: images drawn, models trained, a report set; offline, twice alike."""

from __future__ import annotations

import filecmp
import json
import re
from pathlib import Path

import pytest

from project import Project

pytestmark = pytest.mark.slow

TINY = """\
title: A tiny experiment
base: {epochs: 1, model: yolov8n, batch: 8}
runs:
  small: {imgsz: 32}
  large: {imgsz: 64}
"""


def tiny(root: Path) -> Project:
    """The smallest experiment with which every stage has something to do."""
    project = Project.new(root, stubs=("none",))
    project.write("config/experiments/compare.yaml", TINY)
    project.edit("config/sources/shapes.yaml", "images: 400 ", "images: 60 ")
    project.edit("config/sources/shapes.yaml", "per_scene: 10", "per_scene: 3")
    project.edit("params.yaml", "timings: true", "timings: false")
    (root.parent / f"{root.name}-home").mkdir()
    project.env |= {
        "HOME": str(root.parent / f"{root.name}-home"),
        "STUB_OFFLINE": str(root.parent / f"{root.name}.network"),
    }
    return project


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Project]:
    """Commands are processes of their own in the first, and forks in the second."""
    folder = tmp_path_factory.mktemp("chain")
    first, second = tiny(folder / "first"), tiny(folder / "second").preload()
    for project in (first, second):
        project.snakemake("--cores", "2")
    return first, second


def files(project: Project) -> set[str]:
    return {
        path.relative_to(project.root).as_posix()
        for top in ("data", "results")
        for path in (project.root / top).rglob("*")
        if path.is_file() and path.name != ".snakemake_timestamp"
    }


OF_THE_MACHINE = ("record.json", "speed.json", "weights.pt", "runs.csv", "comparison.csv")
WITH_SUMS_OF_THEM = r"/made/((train|predict)/|plot|report)"


def test_two_folders_give_the_same_bytes(copies: tuple[Project, Project]) -> None:
    """Every file but those that hold times; the report has none, since they are switched off."""
    first, second = copies
    assert files(first) == files(second)
    names = (name for name in files(first) if not name.endswith(OF_THE_MACHINE[:3]))
    same = [name for name in names if not re.search(WITH_SUMS_OF_THEM, name)]
    differing = [
        name
        for name in sorted(same)
        if not filecmp.cmp(first.root / name, second.root / name, shallow=False)
    ]
    assert not differing


def test_two_trainings_give_the_same_weights(copies: tuple[Project, Project]) -> None:
    import torch

    for run in ("small-s0", "large-s0"):
        states = [
            torch.load(project.root / f"results/compare/runs/{run}/weights.pt", weights_only=False)[
                "model"
            ].state_dict()
            for project in copies
        ]
        assert states[0].keys() == states[1].keys()
        assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_no_path_of_the_machine_is_in_a_result(copies: tuple[Project, Project]) -> None:
    root = str(copies[0].root.parent).encode()
    holding = [name for name in files(copies[0]) if root in (copies[0].root / name).read_bytes()]
    assert not holding


def test_nothing_asks_the_network_and_nothing_is_written_elsewhere(
    copies: tuple[Project, Project],
) -> None:
    for project in copies:
        network_log = Path(project.env["STUB_OFFLINE"])
        assert not network_log.exists(), network_log.read_text()
        home = [path for path in Path(project.env["HOME"]).rglob("*") if path.is_file()]
        # Snakemake keeps its copies of the rule files there; in the project it would take them
        # for the rules themselves and never see an edit.
        assert not [path for path in home if ".cache/snakemake" not in str(path)]
        expected = {"data", "results", "store", "logs", "config", "profiles", "workflow"}
        folders = {path.name for path in project.root.iterdir() if path.is_dir()}
        assert {name for name in folders if not name.startswith(".")} == expected | {"slurm"}


def test_a_run_deleted_by_hand_is_taken_from_the_store(copies: tuple[Project, Project]) -> None:
    project = copies[1]
    weights = project.root / "results/compare/runs/small-s0/weights.pt"
    before = weights.read_bytes()
    weights.unlink()
    project.snakemake("--cores", "2", "results/compare/runs/small-s0/weights.pt")
    assert weights.read_bytes() == before
    record = json.loads(weights.with_name("record.json").read_text())
    assert record["adopted"] is True


TARGETS = {
    "downloaded": {"download"},
    "datasets": {"download", "convert", "split"},
    "trained": {"download", "convert", "split", "train"},
    "predicted": {"download", "convert", "split", "train", "predict"},
    "scored": {"download", "convert", "split", "train", "predict", "validate"},
}


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_by_name_ends_with_its_stage(target: str, tmp_path: Path) -> None:
    """Also behind the checkpoint, where `--until` would end before it."""
    project = Project.new(tmp_path / "project")
    project.snakemake("--cores", "2", target)
    assert {job.partition(" ")[0] for job in project.jobs()} == TARGETS[target]
    runs = [job for job in project.jobs() if job.startswith("train ")]
    assert len(runs) in (0, 4)
    assert not project.plan(target)
