import hashlib
import os
import threading
from pathlib import Path

import pytest
from tests.facts import refused

from fairtrial import ChecksumError, DataError
from fairtrial.files import folders
from fairtrial.sources import local


@pytest.fixture
def user_folder(tmp_path: Path) -> Path:
    """A user's folder with three files."""
    for name in ("a.jpg", "deep/er/b.jpg", "deep/notes.txt"):
        path = tmp_path / "own" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "own"


def take(folder: Path, tmp_path: Path, **settings: object) -> list[str]:
    target = tmp_path / "raw"
    target.mkdir()
    options = local.Settings.model_validate({"path": str(folder), **settings})
    local.fetch(options, "mine", target, tmp_path)
    return folders.files_below(target)


def listed(path: Path, files: dict[str, bytes]) -> str:
    lines = [f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items()]
    path.write_text("".join(lines))
    return str(path)


def test_everything_is_copied_and_the_folder_is_left_alone(
    user_folder: Path, tmp_path: Path
) -> None:
    before = {p: (p.stat().st_mtime_ns, p.stat().st_nlink) for p in user_folder.rglob("*")}
    assert take(user_folder, tmp_path) == ["a.jpg", "deep/er/b.jpg", "deep/notes.txt"]
    assert {p: (p.stat().st_mtime_ns, p.stat().st_nlink) for p in user_folder.rglob("*")} == before
    (tmp_path / "raw" / "a.jpg").write_text("changed")
    assert (user_folder / "a.jpg").read_text() == "a.jpg"


def test_only_what_is_included(user_folder: Path, tmp_path: Path) -> None:
    assert take(user_folder, tmp_path, include=["*.jpg"]) == ["a.jpg", "deep/er/b.jpg"]


def test_what_is_excluded_is_not_copied(user_folder: Path, tmp_path: Path) -> None:
    assert take(user_folder, tmp_path, include=["*.jpg"], exclude=["deep/er/*"]) == ["a.jpg"]


def test_only_what_the_manifest_names(user_folder: Path, tmp_path: Path) -> None:
    manifest = listed(tmp_path / "m", {"deep/er/b.jpg": b"deep/er/b.jpg"})
    assert take(user_folder, tmp_path, manifest=manifest) == ["deep/er/b.jpg"]


def test_a_file_that_is_not_as_the_manifest_says(user_folder: Path, tmp_path: Path) -> None:
    manifest = listed(tmp_path / "m", {"a.jpg": b"other", "gone.jpg": b"", "deep/notes.txt": b""})
    with refused(ChecksumError, manifest, "gone.jpg: missing", "a.jpg: changed"):
        take(user_folder, tmp_path, manifest=manifest)


def test_a_missing_folder(tmp_path: Path) -> None:
    with refused(DataError, "mine", "no folder", "nowhere", "(path)"):
        take(tmp_path / "nowhere", tmp_path)


def test_a_link_within_the_folder_is_copied_as_a_file(user_folder: Path, tmp_path: Path) -> None:
    (user_folder / "link.jpg").symlink_to("deep/er/b.jpg")
    assert "link.jpg" in take(user_folder, tmp_path)
    copy = tmp_path / "raw" / "link.jpg"
    assert not copy.is_symlink()
    assert copy.read_text() == "deep/er/b.jpg"


@pytest.mark.parametrize(
    ("target", "fact"),
    [
        pytest.param("../secret", "leaves", id="to a file above"),
        pytest.param("/etc/hostname", "leaves", id="to a file elsewhere"),
        pytest.param("deep", "no file", id="to a folder"),
        pytest.param("gone", "no file", id="to nothing"),
    ],
)
def test_other_links_are_refused(user_folder: Path, tmp_path: Path, target: str, fact: str) -> None:
    (tmp_path / "secret").write_text("secret")
    (user_folder / "deep" / "er" / "link").symlink_to(
        user_folder.parent / "secret" if target == "../secret" else user_folder / target
    )
    with refused(DataError, "mine", "deep/er/link is a link", fact):
        take(user_folder, tmp_path)


def test_a_pipe_is_refused_and_not_waited_for(user_folder: Path, tmp_path: Path) -> None:
    pipe = user_folder / "deep/pipe.jpg"
    os.mkfifo(pipe)
    threading.Thread(target=pipe.write_bytes, args=(b"end",), daemon=True).start()
    with refused(DataError, "mine", "deep/pipe.jpg", "neither a file nor a folder"):
        take(user_folder, tmp_path)


def test_the_folder_itself_may_be_a_link(user_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(user_folder)
    assert len(take(tmp_path / "link", tmp_path)) == 3


def test_a_folder_that_cannot_be_read_is_named(
    user_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Simulated, since the superuser may read everything."""
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("er"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with refused(DataError, "own/deep/er", "cannot be read", "Permission denied"):
        take(user_folder, tmp_path)


def test_a_relative_path_is_that_of_the_project_in_a_temporary_copy_of_dvc_too(
    user_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "copy").mkdir()
    monkeypatch.chdir(tmp_path / "copy")
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    assert len(take(Path("own"), tmp_path)) == 3
    assert local.needs(local.Settings(path="own")).places == [user_folder]
    (tmp_path / "raw").rename(tmp_path / "first")
    (tmp_path / "copy/own").mkdir()
    assert take(Path("own"), tmp_path) == [], "what the copy has is its own"
