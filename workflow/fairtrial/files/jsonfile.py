"""JSON files: read whole or row by row, written whole or not at all."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fairtrial import DataError
from fairtrial.files.folders import whole_file

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODE = json.JSONDecoder().raw_decode


def read_json(path: Path) -> Any:
    """The content of a JSON file. Raises DataError naming the file if there is none in it."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not valid JSON ({error})") from error


def write_json(path: Path, content: object) -> None:
    """Write sorted, indented JSON; NaN is refused, since JSON has none."""
    with whole_file(path) as file:
        json.dump(content, file, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
        file.write("\n")


def sections(path: Path) -> Iterator[tuple[str, Iterator[Any]]]:
    """The keys of the object in a JSON file, each with an iterator over the rows of its list.

    For large files: their text is held in memory, but not all of their rows.
    A value that is no list is given as its one row. An iterator ends when the next key is
    asked for. Raises DataError naming the file where it is missing or holds no such JSON.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not valid JSON ({error})") from error
    yield from sections_of(text, str(path))


def sections_of(text: str, where: str) -> Iterator[tuple[str, Iterator[Any]]]:
    """The same of a text; `where` says in errors where it is from."""
    cursor = _Cursor(where, text)
    if not cursor.takes("{"):
        raise DataError(f"{where}: not a JSON object")
    more = not cursor.takes("}")
    while more:
        key = cursor.value()
        if not isinstance(key, str):
            raise cursor.error("expecting a key")
        cursor.expect(":")
        rows = _rows(cursor)
        yield key, rows
        for _ in rows:  # what the caller left
            pass
        more = cursor.takes(",")
        if not more:
            cursor.expect("}")
    if cursor.at < len(text):
        raise cursor.error("extra data")


class _Cursor:
    """A position in a text, behind any white space."""

    def __init__(self, where: str, text: str) -> None:
        self.where, self.text = where, text
        self.at = 0
        self._skip()

    def _skip(self) -> None:
        space = _SPACE.match(self.text, self.at)
        self.at = space.end() if space else self.at

    def error(self, message: str) -> DataError:
        error = json.JSONDecodeError(message, self.text, self.at)  # counts lines and columns
        return DataError(f"{self.where}: not valid JSON ({error})")

    def takes(self, character: str) -> bool:
        """Step over a character, if it stands here."""
        if not self.text.startswith(character, self.at):
            return False
        self.at += 1
        self._skip()
        return True

    def expect(self, character: str) -> None:
        if not self.takes(character):
            raise self.error(f"expecting `{character}`")

    def value(self) -> object:
        """The value that begins here."""
        value: object
        try:
            value, self.at = _DECODE(self.text, self.at)
        except json.JSONDecodeError as error:
            raise DataError(f"{self.where}: not valid JSON ({error})") from error
        except RecursionError as error:
            raise self.error("nested too deeply") from error
        self._skip()
        return value


def _rows(cursor: _Cursor) -> Iterator[object]:
    if not cursor.takes("["):
        yield cursor.value()
        return
    more = not cursor.takes("]")
    while more:
        yield cursor.value()
        more = cursor.takes(",")
        if not more:
            cursor.expect("]")
