"""Models of JSON files: written and read again, and what is refused."""

from pathlib import Path

import pytest

from fairtrial import DataError
from fairtrial.files.modelfile import FileModel, read_model, write_model
from tests.facts import refused


class Part(FileModel):
    share: float


class Content(FileModel):
    name: str
    parts: list[Part]
    sizes: dict[str, bool | int | float]


CONTENT = Content(name="é", parts=[Part(share=0.5)], sizes={"val": 8, "test": 0.2, "on": True})


def test_a_model_is_written_and_read_again(tmp_path: Path) -> None:
    write_model(tmp_path / "it.json", CONTENT)
    text = (tmp_path / "it.json").read_text(encoding="utf-8")
    assert '"val": 8\n' in text and '"on": true' in text, "whole numbers stay whole"
    assert read_model(tmp_path / "it.json", Content) == CONTENT


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with refused(DataError, "gone.json", "no such file"):
        read_model(tmp_path / "gone.json", Content)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        pytest.param('{"name": ', "not valid JSON", id="cut off"),
        pytest.param(b"\xff", "not valid JSON", id="no UTF-8"),
        pytest.param("[]", "it.json", id="a list"),
        pytest.param('{"name": "a", "parts": []}', "`sizes`", id="a missing key"),
        pytest.param(
            '{"name": "a", "parts": [], "sizes": {}, "more": 1}', "`more`", id="an unknown key"
        ),
        pytest.param(
            '{"name": "a", "parts": [{"share": "1"}], "sizes": {}}', "`parts.0.share`", id="a text"
        ),
    ],
)
def test_file_and_key_are_named(tmp_path: Path, text: str | bytes, fact: str) -> None:
    content = text.encode() if isinstance(text, str) else text
    (tmp_path / "it.json").write_bytes(content)
    with refused(DataError, "it.json", fact):
        read_model(tmp_path / "it.json", Content)
