"""Which commit a result names, and when files count as changed: with real git."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from facts import missing_facts
from fairtrial.training import commits

IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "t"), ("EMAIL", "t@example.org"))
}


def git(*arguments: str, folder: Path | None = None) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def project_in(folder: Path) -> None:
    """The files of a project that count."""
    for name in ("Snakefile", "params.yaml", "dvc.lock", "README.md"):
        (folder / name).write_text(f"{name}\n")
    for name in ("workflow/code.py", "config/experiments/a.yaml"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text("committed\n")
    (folder / ".gitignore").write_text("__pycache__/\n")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in IDENTITY.items():
        monkeypatch.setenv(name, value)
    for name in (commits.VARIABLE, "DVC_EXP_BASELINE_REV"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    folder = tmp_path / "project"
    folder.mkdir()
    project_in(folder)
    monkeypatch.chdir(folder)
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "project")
    return folder


def the_commit() -> commits.Commit:
    """The last commit, as git itself tells of it."""
    sha, date, author = git("log", "-1", "--format=%H%n%as%n%cn").splitlines()
    return commits.Commit(sha=sha, date=date, author=author)


def test_a_clean_project_names_its_commit(project: Path) -> None:
    assert commits.present() == the_commit()


def test_a_project_whose_snakefile_lies_in_workflow_names_its_commit(project: Path) -> None:
    """As snakedeploy writes it."""
    git("mv", "Snakefile", "workflow/Snakefile")
    git("commit", "-qm", "moved")
    assert commits.present() == the_commit()


def _append(name: str) -> Callable[[Path], None]:
    def edit(project: Path) -> None:
        with (project / name).open("a") as file:
            file.write("more\n")

    return edit


def _new(name: str) -> Callable[[Path], None]:
    def make(project: Path) -> None:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("new\n")

    return make


CHANGES: dict[str, tuple[Callable[[Path], None], bool]] = {
    "tracked code": (_append("workflow/code.py"), True),
    "params.yaml": (_append("params.yaml"), True),
    "removed": (lambda project: (project / "workflow/code.py").unlink(), True),
    "a new module": (_new("workflow/new.py"), True),
    "a new experiment": (_new("config/experiments/b.yaml"), True),
    "an ignored file": (_new("workflow/__pycache__/code.pyc"), False),
    "a new note": (_new("notes.txt"), False),
    "dvc.lock": (_append("dvc.lock"), False),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_counts_as_a_change(name: str, project: Path) -> None:
    change, dirty = CHANGES[name]
    change(project)
    assert commits.present().dirty is dirty


def test_the_change_that_dvc_makes_is_none(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _append("params.yaml")(project)
    monkeypatch.setenv("DVC_EXP_BASELINE_REV", git("rev-parse", "HEAD"))
    assert not commits.present().dirty
    _append("workflow/code.py")(project)
    assert commits.present().dirty


def test_jobs_name_the_commit_of_their_driver(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = commits.present()
    monkeypatch.setenv(commits.VARIABLE, begun.model_dump_json())
    _append("workflow/code.py")(project)
    git("commit", "-qam", "during the training")
    assert commits.commit() == begun != commits.present()


def test_a_project_in_a_folder_of_a_larger_repository(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = project / "studies/inner"
    inner.mkdir(parents=True)
    project_in(inner)
    monkeypatch.chdir(inner)
    foreign = commits.present()
    assert foreign.sha is None, "the commit around it holds another project"
    assert not missing_facts(foreign.problem, "Snakefile", "no commit is recorded")
    git("add", "-A")
    git("commit", "-qm", "both")
    assert commits.present() == the_commit()
    _append("workflow/code.py")(project)
    assert not commits.present().dirty, "that is a file of the other"
    _new("workflow/new.py")(inner)
    assert commits.present().dirty


def test_without_a_repository_there_is_no_commit_and_no_complaint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, project: Path
) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    project_in(alone)
    monkeypatch.chdir(alone)
    assert commits.present() == commits.Commit(sha=None)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_told(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(project.parent))  # no list of safe folders
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    os.chown(project, 12345, 12345)
    os.chown(project / ".git", 12345, 12345)
    refused = commits.present()
    assert refused.sha is None
    assert not missing_facts(refused.problem, "another user", "safe.directory", str(project))


def test_without_git_that_is_said(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert not missing_facts(commits.present().problem, "git is not installed")
