"""Work that was done by hand, from the files that ship, in small: fewer and smaller pictures, two
configurations a question, an epoch each."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from fairtrial.files.yamlfile import read_yaml
from project import Project
from small_cifar10 import use_small_cifar10

pytestmark = pytest.mark.slow


def shorten(project: Project, name: str) -> None:
    """Two configurations of a question, one seed, one epoch."""
    path = project.root / f"config/experiments/{name}.yaml"
    question = read_yaml(path)
    question["seeds"] = [0]
    if "runs" in question:
        question["runs"] = dict(list(question["runs"].items())[:2])
    for key, values in question.get("sweep", {}).items():
        question["sweep"][key] = values[:2]
    if "epochs" in question["base"]:
        question["base"] |= {"epochs": 1, "batch": 8}
    path.write_text(json.dumps(question))


def test_each_question_on_cifar10_begins_with_the_winner_of_the_last(tmp_path: Path) -> None:
    project = Project.new(tmp_path / "project", stubs=("none",))
    use_small_cifar10(project)
    chain = ("cifar10_architectures", "cifar10_cnn", "cifar10_activations")
    for name in chain:
        shorten(project, name)
    project.snakemake("--cores", "2", "scored", "--config", f"experiment={chain[-1]}")
    for name, following in itertools.pairwise(chain):
        folder = project.root / "results" / name
        won = json.loads((folder / "choices/@best/start.json").read_text())["settings"]
        records = [
            json.loads(path.read_text())
            for path in sorted((project.root / "results" / following).glob("runs/*/record.json"))
        ]
        assert len(records) == 2
        for record in records:
            (origin,) = record["started_from"]
            assert origin["experiment"] == name
            assert record["settings"]["optimizer"] == won["optimizer"] == "SGD"
        assert any(record["settings"]["widths"] == won["widths"] for record in records)
