"""What `doctor` says of DVC's remote before it is too late: with a real git, without DVC."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from facts import missing_facts
from fairtrial.commands import _remote_checks
from fairtrial.commands._remote_checks import remotes

ADDED = """\
[core]
    remote = lab
['remote "lab"']
    url = {url}
"""


def git(*arguments: str) -> None:
    author = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    subprocess.run(["git", *author, *arguments], check=True, capture_output=True)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A commit without a remote, and an experiment of DVC that began with it."""
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    write("[core]\n    analytics = false\n")
    git("add", ".")
    git("commit", "-qm", "project")
    git("update-ref", "refs/exps/12/34/early", "HEAD")
    git("update-ref", "refs/exps/exec/EXEC_HEAD", "HEAD")
    return tmp_path


def write(text: str, name: str = "config") -> None:
    Path(".dvc").mkdir(exist_ok=True)
    Path(".dvc", name).write_text(text)


def commit() -> None:
    git("add", ".dvc/config")
    git("commit", "-qm", "a remote")


def said() -> list[str]:
    return [str(finding) for finding in remotes()]


def forget_experiments() -> None:
    git("update-ref", "-d", "refs/exps/12/34/early")


def test_without_a_remote_nothing_is_said() -> None:
    assert said() == []


def test_a_remote_that_is_committed_before_any_experiment_is_right() -> None:
    forget_experiments()
    write(ADDED.format(url="/data/lab"))
    commit()
    git("update-ref", "refs/exps/12/34/late", "HEAD")
    assert said() == ["ok       remote: lab: /data/lab"]


@pytest.mark.parametrize("before", ["", "/data/other"], ids=["absent", "another address"])
def test_a_remote_that_the_last_commit_lacks(before: str) -> None:
    forget_experiments()
    if before:
        write(ADDED.format(url=before))
        commit()
    write(ADDED.format(url="/data/lab"))
    (line,) = said()
    assert not missing_facts(line, "warning", "lab", "git add .dvc/config", "exp push")


def test_experiments_that_began_before_the_remote_are_named() -> None:
    """The push of these says Pushed, and no data leave this machine."""
    write(ADDED.format(url="/data/lab"))
    commit()
    git("update-ref", "refs/exps/56/78/late", "HEAD")
    (line,) = said()
    assert not missing_facts(line, "warning", "early.", "dvc exp apply", "git checkout .dvc/config")
    assert "late" not in line and "EXEC" not in line


def test_a_relative_address_is_another_one_to_exp_push() -> None:
    forget_experiments()
    write(ADDED.format(url="../shelf"))
    commit()
    (line,) = said()
    assert not missing_facts(line, "warning", "../shelf", "whole path")


def test_a_kind_of_remote_whose_package_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_experiments()
    monkeypatch.setitem(_remote_checks.PLUGINS, "s3", "no_such_package")
    write(ADDED.format(url="s3://bucket/project"))
    commit()
    (line,) = said()
    assert not missing_facts(line, "missing", "make venv EXTRAS=s3")


def test_a_secret_belongs_into_the_file_that_git_does_not_have() -> None:
    forget_experiments()
    write(ADDED.format(url="/data/lab") + "    secret_access_key = hush\n")
    commit()
    (line,) = said()
    assert not missing_facts(line, "warning", "secret_access_key", "--local")
    assert "hush" not in line
    write(ADDED.format(url="/data/lab"))
    commit()
    write("['remote \"lab\"']\n    secret_access_key = hush\n", "config.local")
    assert said() == ["ok       remote: lab: /data/lab"]
