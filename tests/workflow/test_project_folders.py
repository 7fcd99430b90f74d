"""A project below a bigger repository, in a worktree, in a submodule; its data on another disk.

The chain runs under DVC, records name the right commit, recorded results are found again, and what
is written in a folder of a group is open to the group.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from project import Project

pytestmark = pytest.mark.slow

ONE_RUN = "title: One run\nbase: {backend: quick}\nruns:\n  small: {imgsz: 96}\n"
LINKS = ("data", "results", "store")


def project_at(root: Path) -> Project:
    project = Project.new(root, quick_backend=True)
    project.write("config/experiments/compare.yaml", ONE_RUN)
    return project


def commit(project: Project, message: str) -> str:
    project.run("git", "add", "-A")
    project.run("git", "commit", "-qm", message)
    return project.run("git", "rev-parse", "HEAD").stdout.strip()


def subfolder_with_links(place: Path) -> Project:
    """A folder of a bigger repository; data, results and store are links to another disk."""
    project = project_at(place / "bigger/trials")
    for name in LINKS:
        (place / "scratch" / name).mkdir(parents=True)
        (place / "scratch" / name).chmod(0o2775)
        (project.root / name).symlink_to(place / "scratch" / name)
    project.run("git", "init", "-q", "..")
    (project.root / "../params.yaml").write_text("another: project\n")
    return project


def worktree(place: Path) -> Project:
    project = project_at(place / "main")
    project.run("git", "init", "-q")
    commit(project, "project")
    project.run("git", "worktree", "add", "-q", "../tree")
    return moved(project, place / "tree")


def submodule(place: Path) -> Project:
    project = project_at(place / "alone")
    project.run("git", "init", "-q")
    commit(project, "project")
    (place / "bigger").mkdir()
    outer = moved(project, place / "bigger")
    outer.run("git", "init", "-q")
    allowed = ("-c", "protocol.file.allow=always")
    outer.run("git", *allowed, "submodule", "--quiet", "add", "../alone", "trials")
    return moved(project, place / "bigger/trials")


def moved(project: Project, root: Path) -> Project:
    """The commands of a project, typed in another folder."""
    other = Project(root)
    other.env["STUB_STAGES"] = project.env["STUB_STAGES"]
    return other


@pytest.fixture
def umask_of_a_group() -> Iterator[None]:
    before = os.umask(0o002)
    yield
    os.umask(before)


def closed_to_the_group(folder: Path) -> list[str]:
    """Files that the group cannot write, and folders whose new files would not be the group's."""
    closed = []
    for path in folder.rglob("*"):
        needed = stat.S_IWGRP | (stat.S_ISGID if path.is_dir() else 0)
        if path.lstat().st_mode & needed != needed and not path.is_symlink():
            closed.append(str(path.relative_to(folder)))
    return closed


@pytest.mark.usefixtures("umask_of_a_group")
@pytest.mark.parametrize("place", [subfolder_with_links, worktree, submodule])
def test_the_chain_runs_and_its_records_are_right(
    place: Callable[[Path], Project], tmp_path: Path
) -> None:
    project = place(tmp_path)
    project.write("notes.txt", "so that there is something to commit\n")
    sha = commit(project, "beginning")
    project.run("dvc", "exp", "run")
    (path,) = (project.root / "results").glob("compare/runs/*/record.json")
    record = json.loads(path.read_text())
    assert (record["commit"], record["dirty"], record.get("commit_problem", "")) == (sha, False, "")
    assert project.run("git", "status", "--short", ".").stdout == "?? dvc.lock\n"
    commit(project, "one run")
    if place is subfolder_with_links:
        assert "c.pdf: 1 run of HEAD" in project.fairtrial("compare", "HEAD", "--to", "c.pdf")
        assert all((project.root / name).is_symlink() for name in LINKS)
        assert closed_to_the_group(tmp_path / "scratch/store") == []
