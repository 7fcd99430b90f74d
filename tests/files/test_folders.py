import os
from pathlib import Path

import pytest

from fairtrial import DataError
from fairtrial.files import folders
from tests.facts import refused


def test_a_whole_folder_replaces_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "folder"
    for text in ("old", "new"):
        with folders.whole_folder(target) as part:
            assert list(part.iterdir()) == []
            (part / text).write_text(text)
    assert folders.files_below(target.parent) == ["folder/new"]


def test_a_failed_block_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    target.mkdir()
    (target / "old").write_text("old")
    with refused(ValueError, "stop"), folders.whole_folder(target) as part:
        (part / "new").write_text("new")
        raise ValueError("stop")
    assert folders.files_below(tmp_path) == ["folder/old"]


def test_a_copy_is_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    folders.copy_file(tmp_path / "a", tmp_path / "deep" / "b")
    (tmp_path / "deep" / "b").write_text("b")
    assert (tmp_path / "a").read_text() == "a"


def test_a_link_falls_back_to_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("another file system")

    (tmp_path / "a").write_text("a")
    folders.link_or_copy(tmp_path / "a", tmp_path / "new" / "linked")
    monkeypatch.setattr(os, "link", refuse)
    folders.link_or_copy(tmp_path / "a", tmp_path / "other" / "copied")
    assert [(tmp_path / n).stat().st_nlink for n in ("new/linked", "other/copied")] == [2, 1]


@pytest.mark.parametrize(
    "path",
    ["", ".", "/a", "../a", "a/..", "a\\b"],
    ids=["nothing", "the folder", "absolute", "above", "the folder by a detour", "a backslash"],
)
def test_paths_that_could_leave_are_refused(path: str) -> None:
    with refused(DataError, "here", repr(path), "not a path below its folder"):
        folders.checked_path(path, "here")


@pytest.mark.parametrize(
    "path",
    ["a\0", "a\nb", "a\u2028b", "a\udc80.jpg"],
    ids=["a zero", "a line break", "a line separator", "a surrogate"],
)
def test_names_that_a_manifest_cannot_hold_are_refused(path: str) -> None:
    with refused(DataError, "here", repr(path), "character"):
        folders.checked_path(path, "here")


@pytest.mark.parametrize(
    "path",
    ["Zoë Müller/é.jpg", "e\u0301.jpg", "a b/\u00a0.jpg", "写真.jpg"],
    ids=["umlauts", "an accent apart", "a fixed space", "Japanese"],
)
def test_spaces_and_letters_of_all_scripts_are_names(path: str) -> None:
    assert folders.checked_path(path, "here") == path


def test_paths_are_normalised() -> None:
    assert folders.checked_path("./a//b", "here") == "a/b"


def test_space_is_asked_for(tmp_path: Path) -> None:
    folders.require_space(tmp_path, 1, "x")
    with refused(DataError, "x: ", "1000000000000 MB", str(tmp_path), "free"):
        folders.require_space(tmp_path, 10**18, "x")
