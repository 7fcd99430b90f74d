"""From one machine to another as docs/remotes.md writes it, by each kind of remote that can be had
on one machine; and what DVC does with experiments that began before the remote."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from facts import missing_facts
from project import Project
from remotes import s3_server, ssh_server

pytestmark = pytest.mark.use

PAGE = Path(__file__).parents[2] / "docs/remotes.md"
DOCUMENTED, REPOSITORY = "/data/lab/project", "git@host:lab/project.git"


def documented(machine: str) -> str:
    """The commands of the page for one machine."""
    found = re.search(rf"<!-- {machine} -->\n```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found, machine
    return found[1]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project under git and DVC in which Snakemake has finished an experiment."""
    project = Project.new(tmp_path_factory.mktemp("lab") / "project", quick_backend=True)
    project.run("git", "init", "-q", "-b", "main")
    project.run("git", "add", "-A")
    project.run("git", "commit", "-qm", "project")
    project.snakemake("--cores", "2")
    return project


@pytest.fixture
def first(finished: Project, tmp_path: Path) -> Project:
    """The same on the first machine, with an empty repository that both machines reach."""
    (tmp_path / "first").mkdir()
    project = finished.copy(tmp_path / "first/project")
    project.run("git", "init", "-q", "--bare", "-b", "main", str(tmp_path / "hub.git"))
    project.run("git", "remote", "add", "origin", str(tmp_path / "hub.git"))
    project.run("git", "push", "-q", "-u", "origin", "main")
    project.trained.unlink(missing_ok=True)
    return project


@pytest.fixture(params=["folder", "ssh", "s3"])
def remote(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Its address, and what DVC is told of it beside."""
    folder = tmp_path / "remote"
    folder.mkdir()
    kinds = {
        "folder": lambda: nullcontext((str(folder), {})),
        "ssh": lambda: ssh_server(folder),
        "s3": s3_server,
    }
    with kinds[request.param]() as found:
        yield found


def type_in(project: Project, commands: str, folder: Path | None = None) -> str:
    """What a shell prints that is given these commands, one after the other."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=folder or project.root,
        env=project.env,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def told(settings: dict[str, str]) -> str:
    """What makes DVC know the rest of the remote, before it is used."""
    return "".join(f"dvc remote modify --local lab {k} '{v}'\n" for k, v in settings.items())


def test_push_clone_pull_nothing_to_be_done_and_go_on(
    first: Project, remote: tuple[str, dict[str, str]], tmp_path: Path
) -> None:
    address, settings = remote
    add, rest = documented("first machine").split("\n", 1)
    type_in(first, f"{add.replace(DOCUMENTED, address)}\n{told(settings)}{rest}")
    assert not first.trainings(), "to record is not to train"

    second = Project(tmp_path / "second/project")
    second.env["STUB_STAGES"] = first.env["STUB_STAGES"]
    commands = documented("second machine").replace("fairtrial verify", "true")  # of stand-ins
    clone, rest = commands.replace(REPOSITORY, str(tmp_path / "hub.git")).split("\n", 1)
    printed = type_in(second, f"{clone}\n{told(settings)}{rest}", second.root.parent)
    assert "Nothing to be done" in printed
    assert second.trainings().total() == 2, "of four runs, two have the changed learning rate"

    printed = type_in(first, documented("first machine again"))
    assert "Nothing to be done" in printed
    weights = "results/compare/runs/small-s0/weights.pt"
    assert "0.0001" in (first.root / weights).read_text()
    assert (first.root / weights).read_bytes() == (second.root / weights).read_bytes()


def test_an_experiment_that_began_before_the_remote_is_pushed_without_data(
    first: Project, tmp_path: Path
) -> None:
    """DVC says Pushed; `doctor` names it, and what it advises sends the data."""
    shelf = tmp_path / "shelf"
    type_in(first, "dvc repro -q && git add dvc.lock && git commit -qm recorded")
    type_in(first, "dvc exp run -q --name early -S lr0=1e-4")
    type_in(first, "git checkout -q . && git clean -qf")
    type_in(first, f"dvc remote add -q --default lab {shelf} && git commit -qam 'a remote'")
    assert "Pushed experiment early" in type_in(first, "dvc exp push origin early")
    assert not list(shelf.rglob("*.*")), "DVC sends them now; the check of doctor is needless"
    found = first.fairtrial("doctor", check=False)
    assert not missing_facts(found, "made before lab was committed: early.", "dvc exp apply")
    type_in(first, "dvc exp apply -q early && git checkout -q .dvc/config && dvc push -q")
    assert list(shelf.rglob("*.dir"))
