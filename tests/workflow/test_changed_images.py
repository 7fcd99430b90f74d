"""Images that were changed after `convert`: nothing is trained on them, and the message's commands
mend them."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from project import Project

pytestmark = pytest.mark.slow

ONE_RUN = """\
title: An experiment of one run
base: {backend: quick, epochs: 2}
runs: {only: {imgsz: 32}}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project.new(tmp_path / "project", quick_backend=True).preload()
    project.write("config/experiments/compare.yaml", ONE_RUN)
    project.snakemake("--cores", "1")
    assert project.trainings() == Counter({"32 s0": 1})
    return project


def refused(project: Project, name: str) -> list[str]:
    """The commands that mend the images, by the log of a training that is refused."""
    project.snakemake("--cores", "1", "trained", check=False)
    log = (project.root / "logs/compare/train/only-s0.log").read_text()
    assert f"{name}: changed" in log and "Traceback" not in log
    return re.findall(r"`snakemake (--forcerun \S+)`", log)


def test_what_is_said_to_mend_changed_images_mends_them(project: Project) -> None:
    images = project.root / "data/clean/shapes/images"
    path = sorted(path for path in images.rglob("*.*") if path.is_file())[3]
    before, name = path.read_bytes(), path.relative_to(images).as_posix()

    path.unlink()  # the clean file alone: another one in its place
    path.write_bytes(b"x" * len(before))
    project.snakemake("--cores", "1")
    assert project.trainings().total() == 1, "nothing is to be trained, so nothing is looked at"
    project.edit("params.yaml", "lr0: 0.002", "lr0: 0.003")
    clean, raw = refused(project, name)
    project.snakemake("--cores", "1", *clean.split())
    assert path.read_bytes() == before
    project.snakemake("--cores", "1", "trained")
    assert project.trainings("end").total() == 2

    with path.open("r+b") as file:  # the raw file as well, of which the clean one is a link
        file.write(b"x")
    assert path.stat().st_nlink > 1
    project.edit("params.yaml", "lr0: 0.003", "lr0: 0.004")
    assert refused(project, name) == [clean, raw]
    project.snakemake("--cores", "1", *clean.split(), check=False)
    assert f"{name}: changed" in (project.root / "logs/convert/shapes.log").read_text()
    project.snakemake("--cores", "1", *raw.split())
    assert path.read_bytes() == before
    project.snakemake("--cores", "1", "trained")
    assert project.trainings("end").total() == 3
