"""What a first `snakemake` writes, and that it overwrites nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairtrial.files.first_files import SCHEMAS, SETTINGS, write_missing

FILES = ("params.yaml", "config/sources/a.yaml", "config/datasets/a.yaml", f"{SCHEMAS}/a.json")
FILES += ("config/experiments/a.yaml", "config/README.md", "profiles/slurm/config.yaml")


def shipped(folder: Path) -> None:
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("shipped")


@pytest.fixture(params=["installed", "checkout"])
def package(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    folder = tmp_path / "here/workflow/fairtrial"
    shipped(folder / "project" if request.param == "installed" else folder.parents[1])
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "new").mkdir()
    return tmp_path / "new"


def test_an_empty_folder_gets_everything(package: Path, project: Path) -> None:
    written = write_missing(project, package, profile_acts=False)
    assert written == [*SETTINGS, SCHEMAS, "profiles", "slurm"]
    files = {str(path.relative_to(project)) for path in project.rglob("*") if path.is_file()}
    assert files == {*FILES} - {"config/README.md"}
    assert (project / "slurm/config.yaml").read_text() == "shipped"
    assert not (project / "slurm").readlink().is_absolute()


def test_what_is_there_stays(package: Path, project: Path) -> None:
    (project / "params.yaml").write_text("mine")
    (project / "config/sources").mkdir(parents=True)
    (project / "slurm").symlink_to("elsewhere")  # which is not there
    written = write_missing(project, package, profile_acts=False)
    assert written == ["config/datasets", "config/experiments", SCHEMAS, "profiles"]
    assert (project / "params.yaml").read_text() == "mine"
    assert [*(project / "config/sources").iterdir()] == []
    assert str((project / "slurm").readlink()) == "elsewhere"


def test_a_profile_that_acts_is_enough(package: Path, project: Path) -> None:
    written = write_missing(project, package, profile_acts=True)
    assert written == [*SETTINGS, SCHEMAS]
    assert not (project / "profiles").exists() and not (project / "slurm").exists()


def test_later_a_missing_file_is_an_error_and_is_not_made_up(package: Path, project: Path) -> None:
    """A params.yaml that was removed by mistake would come back with other settings."""
    (project / ".snakemake/fairtrial").mkdir(parents=True)
    assert write_missing(project, package, profile_acts=False) == []
    assert not (project / "params.yaml").exists()


def test_a_checkout_writes_nothing_into_itself(tmp_path: Path) -> None:
    (tmp_path / "workflow/fairtrial").mkdir(parents=True)
    assert write_missing(tmp_path, tmp_path / "workflow/fairtrial", profile_acts=False) == []
