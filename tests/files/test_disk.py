"""A full disk is named also where the error does not."""

from __future__ import annotations

import errno
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from fairtrial.files.disk import place_of

NO_SPACE = OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of the folders that are full; `other` and `tmp` are there, too."""
    names: set[str] = set()
    for name in ("results", "other", "tmp"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", "tmp")
    monkeypatch.setattr(
        shutil, "disk_usage", lambda p: SimpleNamespace(free=0 if str(p) in names else 10**9)
    )
    return names


@pytest.mark.parametrize(
    ("on", "expected"),
    [({"results"}, "results"), ({"tmp"}, "tmp"), ({"results", "tmp"}, "results, tmp"), (set(), "")],
    ids=["results", "temporary folder", "both", "no longer"],
)
def test_the_full_folders_are_named(full: set[str], on: set[str], expected: str) -> None:
    full |= on
    assert place_of(NO_SPACE, [Path("results"), Path("other"), Path("absent")]) == expected


def test_what_the_error_names_itself_is_kept(full: set[str]) -> None:
    full.add("results")
    error = OSError(errno.ENOSPC, "No space left on device", "data/a.jpg")
    assert place_of(error, [Path("results")]) == "data/a.jpg"


def test_another_error_is_about_no_full_disk(full: set[str]) -> None:
    full.add("results")
    assert place_of(OSError(errno.EIO, "Input/output error"), [Path("results")]) == ""
