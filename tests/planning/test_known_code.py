"""Fingerprints are looked up for exactly the code for which they were found, and for no other."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fairtrial.planning import definitions, known_code
from fairtrial.planning.known_code import FILE, known_fingerprint

ENTRY = "stages.split:split"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package in a folder where a driver was."""
    copy = tmp_path / "workflow/fairtrial"
    shutil.copytree(definitions.PACKAGE, copy)
    monkeypatch.setattr(definitions, "PACKAGE", copy)
    monkeypatch.chdir(tmp_path)
    FILE.parent.mkdir(parents=True)
    return copy


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The entries whose code was searched; the fingerprint is how often that happened."""
    calls: list[tuple[str, ...]] = []

    def search(*entries: str) -> str:
        calls.append(entries)
        return str(len(calls))

    monkeypatch.setattr(known_code, "fingerprint", search)
    return calls


@pytest.fixture(autouse=True)
def no_memory() -> Iterator[None]:
    next_process()
    yield
    next_process()


def next_process() -> None:
    known_fingerprint.cache_clear()
    known_code._package_sha256.cache_clear()


def test_what_was_found_is_not_searched_again(
    package: Path, searched: list[tuple[str, ...]]
) -> None:
    for _ in range(2):
        assert [known_fingerprint(ENTRY), known_fingerprint(ENTRY, "figures/")] == ["1", "2"]
        next_process()
    assert searched == [(ENTRY,), (ENTRY, "figures/")]


def _edit(package: Path) -> None:
    with (package / "stages/split.py").open("a") as file:
        file.write("#")


def _edit_template(package: Path) -> None:
    template = next((package / "report/template").glob("*.*"))
    template.write_bytes(template.read_bytes() + b" ")


def _add(package: Path) -> None:
    (package / "figures/zzz.py").write_text("")


def _remove(package: Path) -> None:
    (package / "figures/batches.py").unlink()


def _damage(package: Path) -> None:
    FILE.write_text("{")


@pytest.mark.parametrize("change", [_edit, _edit_template, _add, _remove, _damage])
def test_other_code_is_searched(
    package: Path, searched: list[tuple[str, ...]], change: Callable[[Path], None]
) -> None:
    assert known_fingerprint(ENTRY) == "1"
    change(package)
    next_process()
    assert known_fingerprint(ENTRY) == "2"


def test_another_python_searches_again(
    package: Path, searched: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    known_fingerprint(ENTRY)
    next_process()
    monkeypatch.setattr("sys.version", "4.0")
    assert known_fingerprint(ENTRY) == "2"


def test_what_python_compiles_is_no_other_code(
    package: Path, searched: list[tuple[str, ...]]
) -> None:
    known_fingerprint(ENTRY)
    (package / "stages/__pycache__").mkdir(exist_ok=True)
    (package / "stages/__pycache__/split.cpython-311.pyc").write_bytes(b"x")
    next_process()
    assert known_fingerprint(ENTRY) == "1"


def test_nothing_is_written_where_no_driver_was(
    package: Path, searched: list[tuple[str, ...]]
) -> None:
    shutil.rmtree(FILE.parents[1])
    known_fingerprint(ENTRY)
    assert not FILE.parents[1].exists()


def test_the_file_holds_the_fingerprints_of_one_state_of_the_code(
    package: Path, searched: list[tuple[str, ...]]
) -> None:
    known_fingerprint(ENTRY)
    _edit(package)
    next_process()
    known_fingerprint("figures/")
    assert json.loads(FILE.read_text())["fingerprints"] == {"figures/": "2"}


def test_code_that_was_edited_during_the_search_is_not_kept(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def search(*entries: str) -> str:
        _edit(package)
        return "of either"

    monkeypatch.setattr(known_code, "fingerprint", search)
    known_fingerprint(ENTRY)
    assert not FILE.exists()
