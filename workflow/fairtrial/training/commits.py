"""The git commit that a result was made from, and whether the code and settings differ from it.

A driver looks when it begins, and its jobs are told by the environment: what runs is what was there
then, whatever is committed or checked out while a job waits or trains.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from pydantic import Field, ValidationError

from fairtrial.files.modelfile import FileModel

VARIABLE = "FAIRTRIAL_COMMIT"  # a Commit as JSON
SNAKEFILES = ("Snakefile", "workflow/Snakefile")  # one of them is a project's
CODE = ("config", "workflow")  # folders in which a file counts that git does not know
RECORDS = "dvc.lock"  # what DVC writes on results; no part of what made them
REFUSED = "dubious ownership"  # in git's message on a folder of another user


class Commit(FileModel):
    """The commit of the project, its date (2026-11-29) and author; `sha` is None where none holds
    it, and `problem` says why that is unexpected. `dirty`: files differ from it."""

    sha: str | None
    date: str = ""
    author: str = ""
    dirty: bool = False
    problem: str = Field(default="")


def commit() -> Commit:
    """The commit that the driver of this job began with; without a driver, the present one."""
    try:
        return Commit.model_validate_json(os.environ.get(VARIABLE, ""))
    except ValidationError:
        return present()


def present() -> Commit:
    """The project's commit now. The working directory is the project."""
    try:
        head = _git("rev-parse", "HEAD")
    except OSError:
        return Commit(sha=None, problem="git is not installed, so no commit is recorded")
    if head.returncode:
        return Commit(sha=None, problem=_refusal(head.stderr))
    if all(_git("cat-file", "-e", f"HEAD:./{name}").returncode for name in SNAKEFILES):
        return Commit(
            sha=None,
            problem="the git repository around the project does not hold its Snakefile, so no "
            "commit is recorded",
        )
    date, _, author = _git("show", "-s", "--format=%cs %an", "HEAD").stdout.strip().partition(" ")
    dirty = any(map(_counts, _changed()))
    return Commit(sha=head.stdout.strip(), date=date, author=author, dirty=dirty)


def _refusal(message: str) -> str:
    if REFUSED not in message:
        return ""
    return (
        "git refuses the project's folder, which belongs to another user, so no commit is "
        f"recorded; `git config --global --add safe.directory {Path.cwd()}` allows it"
    )


def _changed() -> Iterator[tuple[str, str]]:
    """Git's two letters and the path, relative to the project, of each file that differs."""
    options = ("--porcelain", "-z", "--untracked-files=all", "--no-renames")
    prefix = _git("rev-parse", "--show-prefix").stdout.strip()
    for line in _git("status", *options, "--", ".").stdout.split("\0"):
        if line:
            yield line[:2], line[3:].removeprefix(prefix)


def _counts(change: tuple[str, str]) -> bool:
    """Whether a changed file can have a part in results, or is another change than DVC's own."""
    letters, path = change
    if letters == "??":
        return path.partition("/")[0] in CODE
    if path == "params.yaml" and "DVC_EXP_BASELINE_REV" in os.environ:
        return False  # `dvc exp run -S` writes it, and records it with the experiment
    return path != RECORDS


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"LC_ALL": "C"}
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=False, env=env)
