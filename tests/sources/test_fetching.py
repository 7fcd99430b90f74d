"""What every source that downloads does, shown with files that have a SHA-256."""

import re
from pathlib import Path
from typing import Any

import pytest
from tests.facts import refused
from web import Web

from fairtrial import DataError
from fairtrial.files import folders
from fairtrial.sources import _transfer, http

ONE = "a/4.bin"


@pytest.fixture(autouse=True)
def _no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FAIRTRIAL_MIRROR", raising=False)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds for which a thread would have waited, in place of waiting."""
    waits: list[float] = []
    monkeypatch.setattr(_transfer._Session, "sleep", lambda _, seconds: waits.append(seconds))
    return waits


def fetch(web: Web, manifest: Path, tmp_path: Path, name: str = "demo", **options: object) -> Path:
    target = tmp_path / f"raw{len(list(tmp_path.glob('raw*')))}"
    target.mkdir()
    settings = {"base": web.address, "manifest": str(manifest), "wait": 0, **options}
    http.fetch(http.Settings.model_validate(settings), name, target, tmp_path / "downloads")
    return target


def whole(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in folders.files_below(folder)}


@pytest.mark.parametrize(
    ("option", "value"),
    [("tries", 2), ("wait", 9.0), ("timeout", 5.0), ("connections", 1), ("name", "other")],
)
def test_what_is_not_part_of_an_address_asks_for_nothing_again(
    web: Web, manifest: Path, tmp_path: Path, option: str, value: Any
) -> None:
    fetch(web, manifest, tmp_path)
    web.log.clear()
    assert whole(fetch(web, manifest, tmp_path, **{option: value})) == web.files
    assert not web.log


def test_a_line_more_in_the_manifest_asks_for_its_file_alone(
    web: Web, manifest: Path, tmp_path: Path
) -> None:
    lines = manifest.read_text().splitlines(keepends=True)
    manifest.write_text("".join(line for line in lines if ONE not in line))
    fetch(web, manifest, tmp_path)
    web.log.clear()
    manifest.write_text("".join(lines))
    assert whole(fetch(web, manifest, tmp_path)) == web.files
    assert web.requests() == {ONE: 1}


def test_waits_grow(web: Web, manifest: Path, tmp_path: Path, waits: list[float]) -> None:
    web.faults = {ONE: [500] * 8}
    fetch(web, manifest, tmp_path, wait=1.0, tries=9)
    assert [seconds for seconds in waits if seconds >= 1] == [1, 2, 4, 8, 16, 32, 60, 60]


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        pytest.param({"Retry-After": "7"}, 6, 7, id="7 seconds"),
        pytest.param(
            {"Retry-After": "Sat, 21 Nov 2026 08:00:09 GMT", "Date": "…"}, 8, 9, id="a date"
        ),
        pytest.param({"Retry-After": "86400"}, 599, 600, id="a day"),
        pytest.param({"Retry-After": "soon"}, -1, 0, id="no time"),
        pytest.param({}, -1, 0, id="no header"),
    ],
)
def test_a_server_that_names_a_time_is_left_alone_until_then_by_every_connection(
    web: Web,
    manifest: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    waits: list[float],
    headers: dict[str, str],
    least: float,
    most: float,
) -> None:
    if headers.pop("Date", None):  # the server writes one of its own before
        monkeypatch.setattr(
            "http.server.BaseHTTPRequestHandler.date_time_string",
            lambda *_: "Sat, 21 Nov 2026 08:00:00 GMT",
        )
    monkeypatch.setattr(_transfer.time, "monotonic", lambda: 0.0)
    web.faults, web.headers = {sorted(web.files)[0]: [429]}, headers
    fetch(web, manifest, tmp_path, connections=1)
    assert least <= max(waits) <= most
    if most > 0:
        assert len([seconds for seconds in waits if seconds > 0]) == len(web.files)


def test_a_server_that_breaks_down_is_not_asked_for_hours(
    web: Web, manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four files come and then none; after some that are given up, the rest is not asked for."""
    monkeypatch.setattr(_transfer, "_GONE_AFTER", 2)
    broken = list(web.files)[4:]
    web.faults = {path: [503] * 9 for path in broken}
    with refused(DataError, "demo", "8 of 12 files") as error:
        fetch(web, manifest, tmp_path, connections=1, tries=3)
    assert str(error.value).count("HTTP 503") == 2
    assert str(error.value).count("not tried") == 6
    assert len(web.log) == 4 + 2 * 3
    web.faults.clear()
    web.log.clear()
    assert whole(fetch(web, manifest, tmp_path)) == web.files
    assert set(web.requests()) == set(broken)


def test_some_broken_files_do_not_keep_the_others_from_coming(
    web: Web, manifest: Path, tmp_path: Path
) -> None:
    web.faults = {path: [500] * 9 for path in list(web.files)[:8]}
    with refused(DataError, "demo", "8 of 12 files"):
        fetch(web, manifest, tmp_path, connections=1, tries=2)


def test_a_long_list_of_what_is_missing_is_kept_whole(tmp_path: Path) -> None:
    web = Web({})
    manifest = tmp_path / "many.sha256"
    manifest.write_text("".join(f"{'0' * 64}  {number:03}.jpg\n" for number in range(60)))
    listed = tmp_path / "downloads" / "demo.missing"
    with refused(DataError, "60 of 60 files", "10 more", str(listed)):
        fetch(web, manifest, tmp_path)
    web.close()
    assert len(listed.read_text().splitlines()) == 60
    assert re.match(r"  000\.jpg: HTTP 404 from http://127", listed.read_text())


def test_a_log_says_rate_and_files_in_lines(
    web: Web, manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch(web, manifest, tmp_path)
    log = capsys.readouterr().err
    assert "\r" not in log
    assert re.search(r"demo: 100%.*12\.1k/12\.1k.*B/s.*12 of 12 files", log.splitlines()[-1])


@pytest.mark.parametrize(
    ("base", "place"),
    [
        pytest.param("https://example.org/a b", "example.org/a b/x", id="a path"),
        pytest.param("https://example.org/data?version=2&x=/", None, id="a query"),
        pytest.param("https://example.org/../../etc", None, id="a path above"),
    ],
)
def test_no_address_leads_out_of_the_downloads(base: str, place: str | None) -> None:
    from fairtrial.sources._fetching import place_of

    if "/.." in base:
        with refused(DataError, f"{base}/x", "not a path below its folder"):
            place_of(Path("d"), f"{base}/x")
    elif place:
        assert place_of(Path("d"), f"{base}/x") == Path("d", place)
    else:
        assert re.fullmatch(r"d/example\.org/data-[0-9a-f]{12}", str(place_of(Path("d"), base)))
