"""Large JSON files of lists, row by row: the text is held in memory, its rows are not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fairtrial import DataError

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODE = json.JSONDecoder().raw_decode


def sections(path: Path) -> Iterator[tuple[str, Iterator[Any]]]:
    """The keys of the object in a JSON file, each with an iterator over the rows of its list.

    A value that is no list is given as its one row. An iterator ends when the next key is
    asked for. Raises DataError naming the file where it is missing or holds no such JSON.
    """
    try:
        yield from _keys(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not valid JSON ({error})") from error


class _Cursor:
    """A place in a text; behind white space after every step."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._skip()

    def _skip(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def takes(self, character: str) -> bool:
        """Step over a character, if it stands here."""
        if not self.text.startswith(character, self.at):
            return False
        self.at += 1
        self._skip()
        return True

    def expect(self, character: str) -> None:
        if not self.takes(character):
            raise json.JSONDecodeError(f"expecting `{character}`", self.text, self.at)

    def value(self) -> Any:
        try:
            found, self.at = _DECODE(self.text, self.at)
        except RecursionError as error:
            raise json.JSONDecodeError("nested too deeply", self.text, self.at) from error
        self._skip()
        return found


def _keys(text: str) -> Iterator[tuple[str, Iterator[Any]]]:
    cursor = _Cursor(text)
    cursor.expect("{")
    more = not cursor.takes("}")
    while more:
        key = cursor.value()
        if not isinstance(key, str):
            raise json.JSONDecodeError("expecting a key", text, cursor.at)
        cursor.expect(":")
        rows = _rows(cursor)
        yield key, rows
        for _ in rows:  # what the caller left
            pass
        more = cursor.takes(",")
        if not more:
            cursor.expect("}")
    if cursor.at < len(text):
        raise json.JSONDecodeError("extra data", text, cursor.at)


def _rows(cursor: _Cursor) -> Iterator[Any]:
    if not cursor.takes("["):
        yield cursor.value()
        return
    more = not cursor.takes("]")
    while more:
        yield cursor.value()
        more = cursor.takes(",")
        if not more:
            cursor.expect("]")
