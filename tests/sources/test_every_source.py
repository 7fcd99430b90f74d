"""What every kind of source promises; the kinds are found by listing the folder."""

import inspect
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import coco_server
import pytest
from pydantic import ValidationError
from tests.facts import refused
from web import Web

from fairtrial import SettingsError
from fairtrial.files import folders
from fairtrial.plugins import plugin, plugins

HEAVY = {"torch", "ultralytics", "numpy", "pandas", "PIL", "httpx", "tqdm", "defusedxml"}


@pytest.fixture
def example(kind: str, tmp_path: Path, web: Web, manifest: Path) -> dict[str, Any]:
    """Settings with which a kind works here. A new kind needs a line of its own."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "a.txt").write_text("a")
    if kind == "coco_subset":
        return coco_server.serve(web)
    with zipfile.ZipFile(tmp_path / "some.zip", "w") as file:
        file.writestr("some/a.txt", "a")
    return {
        "archive": {"archive": str(tmp_path / "some.zip")},
        "http": {"base": web.address, "manifest": str(manifest), "wait": 0},
        "local": {"path": str(tmp_path / "own")},
        "shapes": {"images": 3, "size": 48},
    }[kind]


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in folders.files_below(folder)}


@pytest.mark.parametrize("kind", plugins("sources"))
class TestEverySource:
    def test_gives_the_same_files_twice(
        self, kind: str, example: dict[str, Any], tmp_path: Path
    ) -> None:
        module = plugin("sources", kind)
        for number in (1, 2):
            (tmp_path / f"raw{number}").mkdir()
            module.fetch(
                module.Settings(**example),
                "demo",
                tmp_path / f"raw{number}",
                tmp_path / "downloads",
            )
        first = contents(tmp_path / "raw1")
        assert first
        assert contents(tmp_path / "raw2") == first

    def test_says_beforehand_what_it_needs_and_fetches_nothing(
        self, kind: str, example: dict[str, Any], web: Web
    ) -> None:
        module = plugin("sources", kind)
        needs = module.needs(module.Settings(**example))
        assert needs.fetched or needs.places or needs.size
        assert all(file.address.startswith("http://127.0.0.1") for file in needs.fetched)
        assert all(place.exists() for place in needs.places)
        assert not web.log

    def test_settings_are_closed_and_fixed(self, kind: str, example: dict[str, Any]) -> None:
        model = plugin("sources", kind).Settings
        with refused(ValidationError, "no_such_key"):
            model(**example, no_such_key=1)
        with pytest.raises(ValidationError):
            setattr(model(**example), next(iter(model.model_fields)), None)

    def test_settings_survive_json(self, kind: str, example: dict[str, Any]) -> None:
        settings = plugin("sources", kind).Settings(**example)
        again = type(settings)(**json.loads(settings.model_dump_json()))
        assert again == settings

    def test_says_what_it_is(self, kind: str) -> None:
        module = plugin("sources", kind)
        assert module.__doc__ and module.fetch.__doc__ and module.Settings.__doc__
        assert list(inspect.signature(module.fetch).parameters) == [
            "settings",
            "name",
            "folder",
            "downloads",
        ]

    def test_is_imported_without_anything_heavy(self, kind: str) -> None:
        code = f"import sys, fairtrial.sources.{kind}; print(*sys.modules)"
        path = ":".join(sys.path)
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=True,
        )
        assert not HEAVY & set(done.stdout.split())


def test_an_unknown_kind_is_refused_with_the_kinds_there_are() -> None:
    with refused(SettingsError, "source", "`ftp`", *plugins("sources")):
        plugin("sources", "ftp")
