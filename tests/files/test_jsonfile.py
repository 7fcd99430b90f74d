import gc
import json
from pathlib import Path
from typing import Any

import pytest

from fairtrial import DataError
from fairtrial.files.jsonfile import collector_paused, read_json, sections
from tests.facts import refused


def read(folder: Path, text: str) -> dict[str, list[Any]]:
    (folder / "a.json").write_text(text, encoding="utf-8")
    return {key: list(rows) for key, rows in sections(folder / "a.json")}


@pytest.mark.parametrize("indent", [None, 0, 3], ids=["one line", "lines", "indented lines"])
@pytest.mark.parametrize(
    "content",
    [{}, {"a": []}, {"a": [1, [2], {"x": "]}"}], "b": [[]]}],
    ids=["nothing", "an empty list", "two lists"],
)
def test_lists_row_by_row(tmp_path: Path, content: dict[str, Any], indent: int | None) -> None:
    assert read(tmp_path, json.dumps(content, indent=indent)) == content


def test_what_is_no_list_is_one_row(tmp_path: Path) -> None:
    text = '\ufeff {"info": {"year": 2017}, "a": NaN , "ö": "ü" }\n'
    rows = read(tmp_path, text)
    assert (rows["info"], rows["ö"]) == ([{"year": 2017}], ["ü"])
    assert str(rows["a"]) == "[nan]"


def test_rows_that_nobody_reads_are_skipped(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a": [1, 2], "b": [3]}')
    assert [key for key, _ in sections(tmp_path / "a.json")] == ["a", "b"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"a": [1', id="cut in a list"),
        pytest.param('{"a": [1,]}', id="a comma at the end of a list"),
        pytest.param('{"a" [1]}', id="no colon"),
        pytest.param('{"a": 1} x', id="text behind the end"),
        pytest.param('{"a": 1', id="cut in an object"),
        pytest.param("{1: 2}", id="a number as key"),
        pytest.param('{"a": 1,}', id="a comma at the end of an object"),
    ],
)
def test_what_is_not_json_is_refused(tmp_path: Path, text: str) -> None:
    with refused(DataError, "a.json", "not valid JSON", "line 1"):
        read(tmp_path, text)
    with pytest.raises(ValueError):
        json.loads(text)


@pytest.mark.parametrize(
    "text", ["", "[1]", "null", "<html>"], ids=["nothing", "a list", "null", "a web page"]
)
def test_what_is_no_object_is_refused(tmp_path: Path, text: str) -> None:
    with refused(DataError, "a.json", "not a JSON object"):
        read(tmp_path, text)


def test_what_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'{"a": "\xff"}')
    with refused(DataError, "a.json", "not valid JSON"):
        dict(sections(tmp_path / "a.json"))
    with refused(DataError, "b.json", "no such file"):
        dict(sections(tmp_path / "b.json"))


@pytest.mark.parametrize("enabled", [True, False])
def test_the_garbage_collector_is_afterwards_as_it_was(enabled: bool, tmp_path: Path) -> None:
    """Also where the file is no JSON; without it, memory of a long process would grow."""
    (tmp_path / "broken.json").write_text("[1, ")
    if not enabled:
        gc.disable()
    try:
        with refused(DataError, "broken.json"):
            read_json(tmp_path / "broken.json")
        with collector_paused():
            assert not gc.isenabled()
        assert gc.isenabled() == enabled
    finally:
        gc.enable()
