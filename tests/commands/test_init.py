"""A new project from an installed package: from a wheel that is built here, and in its parts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from tests.facts import refused
from tests.workflow.project import STAGES, STUBS, planned

from fairtrial import SettingsError
from fairtrial.commands.init import dvc_yaml, init
from fairtrial.files import snapshot
from fairtrial.files.yamlfile import read_yaml

ROOT = Path(__file__).parents[2]
BUILT = ("setup.py", "pyproject.toml", "README.md", "LICENSE", "params.yaml", "dvc.yaml")
BUILT += ("requirements.lock", ".gitignore", ".dvcignore", ".dvc/config", ".dvc/.gitignore")
BUILT += (".dvc/plots/runs.json",)
PROJECT = ("workflow/rules", "workflow/schemas", "workflow/envs", "workflow/report", "config")
PROJECT += ("profiles",)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which `pip install .` has installed, with the command in `bin`."""
    folder = tmp_path_factory.mktemp("wheel")
    source, site = folder / "source", folder / "site"
    for name in ("workflow", "config", "profiles"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    for name in BUILT:
        (source / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(ROOT / name, source / name)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    pip += ["--no-build-isolation", "--disable-pip-version-check", "--target", str(site)]
    subprocess.run([*pip, "."], cwd=source, check=True, capture_output=True)
    return site


@pytest.mark.slow
def test_a_wheel_holds_all_that_a_checkout_has(site: Path) -> None:
    """Else a template is missing months later."""
    ignored = ("__pycache__", ".mypy_cache")
    for kept, here in (("", "workflow/fairtrial"), *((f"project/{n}", n) for n in PROJECT)):
        theirs, ours = (
            {
                path.relative_to(folder).as_posix()
                for path in folder.rglob("*")
                if path.is_file() and not set(path.parts) & set(ignored)
            }
            for folder in (site / "fairtrial" / kept, ROOT / here)
        )
        inside = {name for name in theirs if kept or not name.startswith("project/")}
        assert ours <= inside, here


@pytest.mark.slow
def test_a_wheel_is_enough_for_a_project(site: Path, tmp_path: Path) -> None:
    """`quickstart` is planned there; its jobs run the code that the driver copied."""
    bin, python = site / "bin", Path(sys.executable).parent
    env = os.environ | {"PATH": f"{bin}:{python}:{os.environ['PATH']}", "PYTHONPATH": str(site)}

    def run(folder: Path, *command: str) -> str:
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    run(tmp_path, "fairtrial", "init", "new")
    new = tmp_path / "new"
    jobs = Counter(job.split()[0] for job in planned(run(new, "snakemake", "-n")).elements())
    assert jobs == dict.fromkeys(STAGES, 1) | dict.fromkeys(("train", "predict", "validate"), 6)
    env |= {"STUB_STAGES": ",".join(STAGES), "STUB_LOG": str(tmp_path / "jobs")}
    env["PYTHONPATH"] = f"{STUBS}:{site}"
    run(new, "snakemake", "--cores", "1", "datasets")
    ran = (tmp_path / "jobs").read_text().splitlines()
    assert [job.split()[0] for job in ran] == ["download", "convert", "split"]
    (copy,) = new.glob(".snakemake/fairtrial/snapshots/*/workflow")
    assert snapshot.digest(copy / "fairtrial") == snapshot.digest(ROOT / "workflow/fairtrial")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that looks like the installed package."""
    package = tmp_path / "site/fairtrial"
    names = ("params.yaml", "dvc.yaml", "requirements.lock", "config/README.md")
    for name in (*names, "config/config.yaml", "workflow/rules/data.smk"):
        (package / "project" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, package / "project" / name)
    (package / "__init__.py").touch()
    (package.parent / "fairtrial_command.py").touch()
    monkeypatch.setattr("fairtrial.__file__", str(package / "__init__.py"))
    return package


def test_nothing_is_overwritten(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new/params.yaml").write_text("mine")
    with refused(SettingsError, "params.yaml", "overwritten"):
        init(tmp_path / "new")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["params.yaml"]
    assert (tmp_path / "new/params.yaml").read_text() == "mine"


def test_a_project_holds_settings_and_no_code(installed: Path, tmp_path: Path) -> None:
    init(tmp_path / "new")
    names = {path.name for path in (tmp_path / "new").iterdir()}
    assert names == {"params.yaml", "dvc.yaml", "config", "Snakefile", "slurm", ".git"}


def test_a_project_within_a_repository_gets_none_of_its_own(
    installed: Path, tmp_path: Path
) -> None:
    (tmp_path / ".git").mkdir()
    init(tmp_path / "new")
    assert not (tmp_path / "new/.git").exists()


def test_a_checkout_is_a_project_already(tmp_path: Path) -> None:
    with refused(SettingsError, "checkout"):
        init(tmp_path / "new")


def test_dvc_always_asks_snakemake(tmp_path: Path) -> None:
    """The package is no dependency that DVC could see."""
    text = dvc_yaml((ROOT / "dvc.yaml").read_text())
    (tmp_path / "dvc.yaml").write_text(text)
    mine = read_yaml(tmp_path / "dvc.yaml", "dvc")["stages"]["workflow"]
    shipped = read_yaml(ROOT / "dvc.yaml", "dvc")["stages"]["workflow"]
    assert mine.pop("always_changed") is True
    assert mine.pop("deps") == ["Snakefile", "config"]
    assert mine == {key: value for key, value in shipped.items() if key != "deps"}


def test_the_copy_of_an_installed_package_lies_as_in_a_checkout(
    installed: Path, tmp_path: Path
) -> None:
    (installed / "report/project").mkdir(parents=True)
    (installed / "report/project/page.typ").touch()
    project = tmp_path / "new"
    init(project)
    copy = snapshot.take(project, installed)
    files = {str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file()}
    assert files == {
        *("params.yaml", "config/README.md", "workflow/rules/data.smk", "requirements.lock"),
        "workflow/fairtrial_command.py",
        *("workflow/fairtrial/__init__.py", "workflow/fairtrial/report/project/page.typ"),
    }
