"""What `fairtrial init` lays out; tests/workflow/test_ways.py runs it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.facts import refused

from fairtrial import SettingsError
from fairtrial.commands.init import dvc_yaml, init
from fairtrial.files import snapshot
from fairtrial.files.yamlfile import read_yaml

ROOT = Path(__file__).parents[2]


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
