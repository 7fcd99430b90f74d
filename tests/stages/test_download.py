import inspect
from pathlib import Path

import pytest
from tests.facts import refused

from fairtrial import DataError, SettingsError
from fairtrial.files import checksums, folders
from fairtrial.settings.stages import DownloadSettings
from fairtrial.sources import shapes
from fairtrial.stages.download import download

SHAPES = DownloadSettings(name="shapes", kind="shapes", settings={"images": 2, "size": 48})


@pytest.fixture(autouse=True)
def _in_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


RAW, MANIFEST = Path("data/raw/shapes"), Path("data/raw/shapes.sha256")


def run(settings: DownloadSettings = SHAPES) -> None:
    download(settings=settings, raw=RAW, manifest=MANIFEST)


def test_the_folder_and_a_manifest_that_describes_it() -> None:
    run()
    assert list(checksums.verify(RAW, MANIFEST)) == folders.files_below(RAW)
    assert MANIFEST.read_text().splitlines()[0].endswith("  annotations.json")
    assert sorted(path.name for path in RAW.parent.iterdir()) == ["shapes", "shapes.sha256"]


def test_twice_is_the_same() -> None:
    run()
    first = MANIFEST.read_bytes()
    run()
    assert MANIFEST.read_bytes() == first


@pytest.mark.parametrize(
    "error", [DataError("no"), KeyboardInterrupt()], ids=["an error", "Ctrl-C"]
)
def test_a_stop_in_the_middle_leaves_nothing_half(
    monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def stop(settings: object, name: str, folder: Path, downloads: Path) -> None:
        (folder / "half.jpg").write_text("half")
        raise error

    monkeypatch.setattr(shapes, "fetch", stop)
    with pytest.raises(type(error)):
        run()
    assert list(RAW.parent.iterdir()) == []


def test_a_stop_in_the_middle_leaves_the_old_files_as_they_were(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run()
    before = MANIFEST.read_bytes()
    monkeypatch.setattr(shapes, "fetch", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(SHAPES.model_copy(update={"settings": SHAPES.settings | {"seed": 1}}))
    assert MANIFEST.read_bytes() == before
    checksums.verify(RAW, MANIFEST)


def test_what_a_killed_process_left_is_no_obstacle() -> None:
    (RAW.parent / ".shapes.part").mkdir(parents=True)
    (RAW.parent / ".shapes.part" / "half.jpg").write_text("half")
    RAW.mkdir()
    run()
    assert "half.jpg" not in folders.files_below(RAW)
    checksums.verify(RAW, MANIFEST)


def test_no_file_at_all(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with refused(DataError, "mine: ", "no file"):
        run(DownloadSettings(name="mine", kind="local", settings={"path": "empty"}))
    assert not RAW.exists()


def test_names_of_contributors_are_kept_and_one_that_no_manifest_can_hold_is_refused(
    tmp_path: Path,
) -> None:
    settings = DownloadSettings(name="mine", kind="local", settings={"path": "own"})
    (tmp_path / "own/Zoë Müller").mkdir(parents=True)
    (tmp_path / "own/Zoë Müller/Ärger 1.jpg").write_text("a")
    run(settings)
    assert list(checksums.verify(RAW, MANIFEST)) == ["Zoë Müller/Ärger 1.jpg"]
    (tmp_path / "own/a\nb.jpg").write_text("b")
    with refused(DataError, "mine: ", repr("a\nb.jpg"), "character"):
        run(settings)
    assert list(checksums.verify(RAW, MANIFEST)) == ["Zoë Müller/Ärger 1.jpg"]


def test_an_unknown_kind() -> None:
    with refused(SettingsError, "source", "`ftp`", "shapes"):
        run(DownloadSettings(name="x", kind="ftp", settings={}))


def test_downloads_are_kept_in_the_store_of_the_parent_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders_of_downloads: list[Path] = []

    def fetch(settings: object, name: str, folder: Path, downloads: Path) -> None:
        folders_of_downloads.append(downloads)
        (folder / "file").write_text(name)

    monkeypatch.setattr(shapes, "fetch", fetch)
    run()
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "parent"))
    run()
    assert folders_of_downloads == [Path("store/downloads"), tmp_path / "parent/store/downloads"]


def test_flags_are_made_from_the_signature() -> None:
    parameters = inspect.signature(download).parameters.values()
    assert [p.name for p in parameters] == ["settings", "raw", "manifest"]
    assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in parameters)


@pytest.mark.data
def test_bccd_from_a_mirror(real_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Path(__file__).parents[2]
    monkeypatch.setenv("FAIRTRIAL_MIRROR", str(real_data))
    settings = {
        "base": "http://127.0.0.1:1/never/asked",
        "manifest": str(project / "config" / "sources" / "bccd.sha256"),
    }
    run(DownloadSettings(name="bccd", kind="http", settings=settings))
    assert len(folders.files_below(RAW)) == 732
