"""Questions that ship, run in small: with stand-ins for the stages, and one for real."""

from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path

import pytest
from pypdf import PdfReader

from project import CHECKOUT, Project

SHAPES = "source: shapes\nsplit: {method: grouped, seed: 0, val: 0.15, test: 0.25}\n"


def shipped(root: Path, name: str) -> Project:
    """The experiment as it is, on drawn images instead of its own."""
    project = Project.new(root)
    for path in (CHECKOUT / "config/datasets").glob("cadica_*.yaml"):
        project.write(f"config/datasets/{path.name}", SHAPES)
    project.edit("params.yaml", "experiment: compare", f"experiment: {name}")
    return project


@pytest.mark.slow
def test_a_question_runs_each_of_its_jobs_once(tmp_path: Path) -> None:
    """`classes`: two data sets, one checkpoint, two sources."""
    project = shipped(tmp_path / "project", "classes")
    project.snakemake("--cores", "2")
    ran = project.jobs()
    runs = [f"{data}-s{seed}" for data in ("all", "visible") for seed in (0, 1, 2)]
    assert {job for job in ran if job.startswith("train ")} == {f"train {run}" for run in runs}
    assert ran.pop("download") == len({"shapes", "weights"})
    assert set(ran.values()) == {1}
    assert (project.root / "results/classes/report.pdf").exists()
    assert project.plan() == Counter()


SEEDS = """\
title: How much is chance?
base: {epochs: 1, imgsz: 32, model: yolov8n, batch: 8}
seeds: [0]
replicate: 2
"""


@pytest.mark.slow
def test_equal_seeds_give_equal_weights_and_detections(tmp_path: Path) -> None:
    """The question `seeds`, in small: two trainings, neither adopted, equal to the last bit."""
    project = Project.new(tmp_path / "project", stubs=("none",)).preload()
    project.write("config/experiments/compare.yaml", SEEDS)
    project.edit("config/sources/shapes.yaml", "images: 400 ", "images: 60 ")
    project.edit("config/sources/shapes.yaml", "per_scene: 10", "per_scene: 3")
    project.snakemake("--cores", "2")
    folder = project.root / "results/compare"
    records = [
        json.loads((folder / f"runs/{run}/record.json").read_text())
        for run in ("base-s0", "base-s0r2")
    ]
    assert records[0]["key"] != records[1]["key"]
    assert [record["adopted"] for record in records] == [False, False]
    assert records[0]["weights_sha256"] is not None
    pages = PdfReader(io.BytesIO((folder / "report.pdf").read_bytes())).pages
    text = " ".join("".join(page.extract_text() for page in pages).replace("\u200b", "").split())
    assert "Equal seeds gave equal results: the detections of replicates are equal" in text
    assert "A 0 2 equal equal 0" in text
