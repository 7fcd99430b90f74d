import base64
import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pydantic import ValidationError
from tests.facts import refused
from web import Web

from fairtrial import DataError, SettingsError
from fairtrial.files import folders
from fairtrial.files.yamlfile import closed
from fairtrial.sources import http

ONE = "a/4.bin"


@pytest.fixture(autouse=True)
def _no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FAIRTRIAL_MIRROR", raising=False)


def fetch(web: Web, manifest: Path, tmp_path: Path, **settings: object) -> Path:
    """Fetch into a fresh folder; downloads are shared between the calls of one test."""
    target = tmp_path / f"raw{len(list(tmp_path.glob('raw*')))}"
    target.mkdir()
    options = {"base": web.address, "manifest": str(manifest), "wait": 0, "tries": 3, **settings}
    http.fetch(http.Settings.model_validate(options), "demo", target, tmp_path / "downloads")
    return target


def assert_whole(folder: Path, web: Web) -> None:
    assert {n: (folder / n).read_bytes() for n in folders.files_below(folder)} == web.files


def test_each_file_is_fetched_once(web: Web, manifest: Path, tmp_path: Path) -> None:
    assert_whole(fetch(web, manifest, tmp_path), web)
    assert set(web.requests().values()) == {1}
    web.log.clear()
    assert_whole(fetch(web, manifest, tmp_path), web)
    assert not web.log


@pytest.mark.parametrize("fault", [429, 500, 503, "cut", "short", "wrong"], ids="fault {}".format)
def test_a_fault_that_passes_does_not_show(
    web: Web, manifest: Path, tmp_path: Path, fault: int | str
) -> None:
    web.faults = {ONE: [fault], "b/1.bin": [fault, fault]}
    assert_whole(fetch(web, manifest, tmp_path), web)
    assert web.requests()[ONE] == 2
    assert web.requests()["b/1.bin"] == 3


@pytest.mark.parametrize(
    ("fault", "requests", "reason"),
    [
        pytest.param(404, 1, "HTTP 404", id="HTTP 404"),
        pytest.param(403, 1, "HTTP 403", id="HTTP 403"),
        pytest.param(429, 3, "HTTP 429", id="HTTP 429"),
        pytest.param(500, 3, "HTTP 500", id="HTTP 500"),
        pytest.param("cut", 3, "RemoteProtocolError", id="cut"),
        pytest.param("short", 3, "wrong content", id="short"),
        pytest.param("wrong", 3, "wrong content", id="wrong"),
    ],
)
def test_a_fault_that_stays_is_named_and_only_its_file_is_asked_for_again(
    web: Web, manifest: Path, tmp_path: Path, fault: int | str, requests: int, reason: str
) -> None:
    web.files[ONE] = web.files[ONE] * 8  # so long that three cuts do not reach its end
    manifest.write_text(
        manifest.read_text().replace(
            hashlib.sha256(bytes([4]) * 1004).hexdigest(),
            hashlib.sha256(web.files[ONE]).hexdigest(),
        )
    )
    web.faults = {ONE: [fault] * requests}
    with refused(DataError, "demo", "1 of 12 files", f"  {ONE}: ", reason) as error:
        fetch(web, manifest, tmp_path)
    assert str(error.value).count(".bin: ") == 1
    assert not folders.files_below(tmp_path / "raw0")
    assert web.requests()[ONE] == requests
    web.log.clear()
    assert_whole(fetch(web, manifest, tmp_path), web)
    assert web.requests() == {ONE: 1}


def test_a_cut_download_goes_on_where_it_stopped(web: Web, manifest: Path, tmp_path: Path) -> None:
    web.faults = {ONE: ["cut"]}
    assert_whole(fetch(web, manifest, tmp_path), web)
    assert [byte_range for path, byte_range in web.log if path == ONE] == [None, "bytes=502-"]


def test_a_server_without_ranges_sends_the_whole_again(
    web: Web, manifest: Path, tmp_path: Path
) -> None:
    web.faults = {ONE: ["cut", "no range"]}
    assert_whole(fetch(web, manifest, tmp_path), web)
    assert web.requests()[ONE] == 2


def test_a_partial_file_that_is_too_long_or_wrong_is_begun_anew(
    web: Web, manifest: Path, tmp_path: Path
) -> None:
    downloads = tmp_path / "downloads" / web.address.removeprefix("http://")
    part = downloads / f"{ONE}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 5000)
    (downloads / "a" / "6.bin.part").write_bytes(b"x" * 10)
    assert_whole(fetch(web, manifest, tmp_path), web)


def test_a_kept_file_that_has_changed_is_fetched_again(
    web: Web, manifest: Path, tmp_path: Path
) -> None:
    raw = fetch(web, manifest, tmp_path)
    (raw / ONE).write_bytes(b"edited in place")
    web.log.clear()
    assert_whole(fetch(web, manifest, tmp_path), web)
    assert web.requests() == {ONE: 1}


def test_a_mirror_folder_is_used_in_place_of_the_server(
    web: Web, manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, data in web.files.items():
        path = tmp_path / "mirror" / "demo" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    monkeypatch.setenv("FAIRTRIAL_MIRROR", str(tmp_path / "mirror"))
    assert_whole(fetch(web, manifest, tmp_path), web)
    assert not web.log


def test_a_mirror_address_is_used_in_place_of_the_server(
    web: Web, manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = Web({f"m/demo/{name}": data for name, data in web.files.items()})
    monkeypatch.setenv("FAIRTRIAL_MIRROR", f"{mirror.address}/m/")
    assert_whole(fetch(web, manifest, tmp_path), web)
    assert not web.log
    mirror.close()


def test_a_mirror_cannot_change_a_result(
    web: Web, manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mirror" / "demo" / ONE
    path.parent.mkdir(parents=True)
    path.write_bytes(b"something else")
    monkeypatch.setenv("FAIRTRIAL_MIRROR", str(tmp_path / "mirror"))
    with refused(DataError, "12 of 12 files", f"{ONE}: wrong content", "not in the mirror"):
        fetch(web, manifest, tmp_path)


def test_no_server_at_all_is_said_soon(manifest: Path, tmp_path: Path) -> None:
    gone = Web({})
    gone.close()
    start = time.monotonic()
    with refused(DataError, "12 of 12 files", "ConnectError", "did not answer"):
        fetch(gone, manifest, tmp_path, connections=2, tries=2, wait=0.2)
    assert time.monotonic() - start < 2


def test_a_mirror_that_is_no_address_is_said(
    web: Web, manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIRTRIAL_MIRROR", "http://host:80a")
    with refused(DataError, f"{ONE}: http://host:80a/demo/{ONE} ", "no address", "'80a'"):
        fetch(web, manifest, tmp_path)


@pytest.mark.parametrize(
    "base", ["http://host:80a", "http://[host"], ids=["no port", "an open bracket"]
)
def test_a_base_that_is_no_address_is_refused(base: str) -> None:
    with refused(ValidationError, "base", "no address", f"'{base}'"):
        http.Settings(base=base, manifest="m")


def test_an_interrupt_ends_it_soon_and_keeps_what_has_come(
    web: Web, manifest: Path, tmp_path: Path
) -> None:
    web.faults = {path: ["slow"] for path in web.files}  # ten seconds each
    code = (
        "from pathlib import Path; from fairtrial.sources import http; import signal; "
        "signal.signal(signal.SIGINT, signal.default_int_handler); "  # a shell may have it ignored
        f"settings = http.Settings(base={web.address!r}, manifest={str(manifest)!r}); "
        f"http.fetch(settings, 'demo', Path({str(tmp_path / 'raw')!r}), "
        f"Path({str(tmp_path / 'downloads')!r}))"
    )
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        while len(web.log) < 8:
            time.sleep(0.01)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=5) != 0
    begun = sorted((tmp_path / "downloads").rglob("*.part"))
    assert len(begun) == 8
    web.faults.clear()
    assert_whole(fetch(web, manifest, tmp_path), web)


@pytest.mark.parametrize(
    "path",
    ["../out", "/etc/passwd", "a/../../out", "a\\..\\b"],
    ids=["a folder above", "an absolute path", "above by a detour", "backslashes"],
)
def test_a_manifest_cannot_name_places_outside(web: Web, tmp_path: Path, path: str) -> None:
    manifest = tmp_path / "bad.sha256"
    manifest.write_text(f"{'0' * 64}  {path}\n")
    with refused(DataError, "bad.sha256:1", repr(path), "not a path below its folder"):
        fetch(web, manifest, tmp_path)
    assert not web.log


def test_no_room_on_the_disk(
    web: Web, manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 900})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    with refused(DataError, ONE, str(tmp_path / "downloads"), "0 MB are free"):
        fetch(web, manifest, tmp_path)


def test_an_answer_that_swells_is_cut_off(web: Web, manifest: Path, tmp_path: Path) -> None:
    web.faults = {ONE: ["bomb"]}
    with refused(DataError, ONE, "more than 0.001 GB", "max_gb"):
        fetch(web, manifest, tmp_path, max_gb=0.001)
    assert web.requests()[ONE] == 1, "another try is useless"
    assert sum(p.stat().st_size for p in (tmp_path / "downloads").rglob("*.part")) == 0


def test_a_password_in_an_address_is_refused_and_not_shown(web: Web, manifest: Path) -> None:
    base = web.address.replace("http://", "http://someone:s3cret@")
    settings = {"base": base, "manifest": str(manifest)}
    with refused(SettingsError, "a.yaml: `base`", "…@127.0.0.1", ".netrc") as error:
        closed(http.Settings, settings, "a.yaml")
    assert "s3cret" not in str(error.value)


def test_user_and_password_come_from_netrc(
    web: Web, manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "netrc"
    file.write_text("machine 127.0.0.1 login someone password s3cret\n")
    file.chmod(0o600)
    monkeypatch.setenv("NETRC", str(file))
    assert_whole(fetch(web, manifest, tmp_path), web)
    assert web.users[ONE] == "Basic " + base64.b64encode(b"someone:s3cret").decode()
    monkeypatch.setenv("NETRC", str(tmp_path / "no such file"))
    (tmp_path / "downloads").rename(tmp_path / "old")
    fetch(web, manifest, tmp_path)
    assert web.users[ONE] is None


def test_the_password_of_a_mirror_is_not_shown(
    web: Web, manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIRTRIAL_MIRROR", web.address.replace("http://", "http://me:s3cret@"))
    with refused(DataError, "HTTP 404") as error:
        fetch(web, manifest, tmp_path)
    assert "s3cret" not in str(error.value)
