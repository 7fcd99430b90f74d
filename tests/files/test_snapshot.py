"""A snapshot that is there already is not copied again; any other file is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fairtrial.files import snapshot

FILES = ("fairtrial/a.py", "fairtrial/sub/b.py", "rules/r.smk", "Snakefile")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in (*(f"workflow/{name}" for name in FILES), "config/x/y.yaml", "params.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "requirements.lock").write_text("lock")
    return tmp_path


@pytest.fixture
def installed(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installed package, which holds its rules."""
    site = tmp_path_factory.mktemp("site")
    shutil.copytree(project / "workflow/fairtrial", site / "fairtrial")
    shutil.copytree(project / "workflow/rules", site / "fairtrial/project/workflow/rules")
    shutil.copy(project / "requirements.lock", site / "fairtrial/project/requirements.lock")
    (site / "fairtrial_command.py").write_text("command")
    return site / "fairtrial"


@pytest.fixture(params=["checkout", "installed"])
def package(request: pytest.FixtureRequest, project: Path, installed: Path) -> Path | None:
    return installed if request.param == "installed" else None


def test_an_equal_snapshot_is_not_copied(
    project: Path, package: Path | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = snapshot.take(project, package)
    monkeypatch.setattr(snapshot, "_copied", lambda *_: pytest.fail("was copied again"))
    assert snapshot.take(project, package) == first
    code = (package or project / "workflow/fairtrial") / "__pycache__/a.cpython-311.pyc"
    code.parent.mkdir()
    code.write_bytes(b"compiled")
    assert snapshot.take(project, package) == first


@pytest.mark.parametrize("name", ["sub/b.py", "new.py"])
def test_other_code_is_another_snapshot(project: Path, package: Path | None, name: str) -> None:
    first = snapshot.take(project, package)
    with ((package or project / "workflow/fairtrial") / name).open("a") as file:
        file.write("more")
    second = snapshot.take(project, package)
    assert second != first
    assert (second / "workflow/fairtrial" / name).read_text().endswith("more")


@pytest.mark.parametrize("name", ["config/x/y.yaml", "params.yaml", "requirements.lock"])
def test_other_settings_are_another_snapshot(project: Path, name: str) -> None:
    first = snapshot.take(project)
    (project / name).write_text("other")
    second = snapshot.take(project)
    assert second != first and (second / name).read_text() == "other"


def test_a_changed_snapshot_is_made_again(project: Path, package: Path | None) -> None:
    first = snapshot.take(project, package)
    (first / "params.yaml").write_text("changed")
    assert snapshot.take(project, package) == first
    assert not snapshot.problem(first)
    assert (first / "params.yaml").read_text() == "params.yaml"


def test_a_link_to_a_folder_is_copied_as_a_folder(project: Path, tmp_path: Path) -> None:
    other = project / "other"
    other.mkdir()
    (other / "e.yaml").write_text("e")
    (project / "config/linked").symlink_to(other)
    first = snapshot.take(project)
    assert (first / "config/linked/e.yaml").read_text() == "e"
    assert snapshot.take(project) == first
