"""The command `fairtrial`: which code it runs, whatever is installed and wherever it is called."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAUNCHER = ROOT / "workflow/fairtrial_command.py"
SCRIPT = ROOT / "workflow/envs/command.sh"
PACKAGE = """\
import subprocess
import sys

if __name__ == "__main__":
    print({name!r}, *sys.argv[1:], flush=True)
    child = "import fairtrial.__main__ as m; print('child', m.__file__)"
    subprocess.run([sys.executable, "-c", child], check=True)
    sys.exit(3)
"""


def package(folder: Path, name: str) -> Path:
    """A package `fairtrial` in `folder` that prints `name`; its main module."""
    main = folder / "fairtrial/__main__.py"
    main.parent.mkdir(parents=True)
    (main.parent / "__init__.py").touch()
    main.write_text(PACKAGE.format(name=name))
    return main


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the command alone, in a folder whose name has a space."""
    folder = tmp_path_factory.mktemp("an environment") / ".venv"
    venv.create(folder, symlinks=True)
    subprocess.run(["sh", SCRIPT, folder], cwd=ROOT, check=True)
    return folder


def call(
    environment: Path, folder: Path, *arguments: str, path: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Call the command of an environment in a folder, with `path` as PYTHONPATH."""
    env = {"PATH": os.environ["PATH"]} | ({"PYTHONPATH": str(path)} if path else {})
    command = [environment / "bin/fairtrial", *arguments]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)


def ran(done: subprocess.CompletedProcess[str], name: str, main: Path) -> None:
    """The code `name` in the file `main` ran, also in a process that it started."""
    assert done.stdout.splitlines() == [name, f"child {main}"], done.stderr
    assert done.returncode == 3


def test_the_project_around_the_folder_is_run(environment: Path, tmp_path: Path) -> None:
    main = package(tmp_path / "project/workflow", "project")
    inside = tmp_path / "project/results/deep"
    inside.mkdir(parents=True)
    ran(call(environment, inside), "project", main)
    assert call(environment, inside, "a b", "--x").stdout.startswith("project a b --x\n")


def test_the_nearest_project_is_run(environment: Path, tmp_path: Path) -> None:
    """DVC's temporary copies lie within the project, in .dvc/tmp/exps."""
    main = package(tmp_path / "project/workflow", "project")
    copy = tmp_path / "project/.dvc/tmp/exps/copy"
    copy.mkdir(parents=True)
    ran(call(environment, copy), "project", main)
    main = package(copy / "workflow", "copy")
    ran(call(environment, copy), "copy", main)


def test_copies_with_one_linked_environment_run_their_own_code(
    environment: Path, tmp_path: Path
) -> None:
    for name in ("first", "second"):
        main = package(tmp_path / name / "workflow", name)
        (tmp_path / name / ".venv").symlink_to(environment)
        ran(call(tmp_path / name / ".venv", tmp_path / name), name, main)
    # The environment of the first, called in the second: the folder decides.
    ran(call(tmp_path / "first/.venv", tmp_path / "second"), "second", main)


def test_a_command_written_through_a_link_outlives_the_link(
    environment: Path, tmp_path: Path
) -> None:
    main = package(tmp_path / "project/workflow", "project")
    link = tmp_path / ".venv"
    link.symlink_to(environment)
    subprocess.run(["sh", SCRIPT, link], cwd=ROOT, check=True)
    link.unlink()
    ran(call(environment, tmp_path / "project"), "project", main)


@pytest.mark.parametrize("installed", ["on PYTHONPATH", "in site-packages"])
def test_an_older_installation_does_not_win(
    installed: str, environment: Path, tmp_path: Path
) -> None:
    main = package(tmp_path / "project/workflow", "project")
    if installed == "on PYTHONPATH":
        folder = tmp_path / "elsewhere"
    else:
        (folder,) = environment.glob("lib/python3*/site-packages")
    older = package(folder, "older")
    try:
        ran(call(environment, tmp_path / "project", path=folder), "project", main)
        ran(call(environment, tmp_path, path=folder), "older", older)
    finally:
        shutil.rmtree(folder / "fairtrial")


def test_without_a_project_and_an_installation_it_says_where_to_call_it(
    environment: Path, tmp_path: Path
) -> None:
    done = call(environment, tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"fairtrial: {tmp_path} is not in a project")
    assert len(done.stderr.splitlines()) == 1


def test_the_launcher_imports_nothing_but_the_standard_library() -> None:
    """It must choose before anything of fairtrial is imported."""
    code = "import sys, fairtrial_command; print('fairtrial' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=LAUNCHER.parent, capture_output=True, text=True
    )
    assert done.stdout == "False\n", done.stderr


def test_help_starts_at_once() -> None:
    """The fastest of a few calls, since other processes may hold the machine."""
    seconds = []
    for _ in range(5):
        start = time.monotonic()
        subprocess.run([sys.executable, LAUNCHER, "--help"], cwd=ROOT, check=True, text=True)
        seconds.append(time.monotonic() - start)
    assert min(seconds) < 0.3
