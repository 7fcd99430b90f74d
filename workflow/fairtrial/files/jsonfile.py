"""JSON files: read whole or row by row, written whole or not at all."""

from __future__ import annotations

import gc
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fairtrial import DataError
from fairtrial.files.folders import whole_file

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODE = json.JSONDecoder().raw_decode


def read_json(path: Path) -> Any:
    """The content of a JSON file. Raises DataError where it is missing or not valid JSON."""
    try:
        with collector_paused():
            return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not valid JSON ({error})") from error


@contextmanager
def collector_paused() -> Iterator[None]:
    """Let the garbage collector rest while many objects are made that stay: looking through them
    again and again, it takes half of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def write_json(path: Path, content: object, sync: bool = True) -> None:
    """Write sorted, indented JSON. Raises ValueError for NaN and infinity, which JSON lacks."""
    with whole_file(path, sync=sync) as file:
        json.dump(content, file, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
        file.write("\n")


def sections(path: Path) -> Iterator[tuple[str, Iterator[Any]]]:
    """The keys of the object in a JSON file, each with an iterator over the rows of its list.

    For large files: their text is held in memory, but not all of their rows. A value that is
    no list counts as a list with one row. Moving on to the next key skips the rows that are
    left. Raises DataError where the file is missing or holds no such JSON.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not valid JSON ({error})") from error
    yield from sections_of(text, str(path))


def sections_of(text: str, where: str) -> Iterator[tuple[str, Iterator[Any]]]:
    """As `sections`, for a JSON text; `where` names its origin in errors."""
    cursor = _Cursor(where, text)
    if not cursor.accept("{"):
        raise DataError(f"{where}: not a JSON object")
    more = not cursor.accept("}")
    while more:
        key = cursor.value()
        if not isinstance(key, str):
            raise cursor.error("expecting a key")
        cursor.expect(":")
        rows = _rows(cursor)
        yield key, rows
        for _ in rows:  # those that the caller has not read
            pass
        more = cursor.accept(",")
        if not more:
            cursor.expect("}")
    if cursor.position < len(text):
        raise cursor.error("extra data")


class _Cursor:
    """A parser's position in a JSON text, which is never in front of white space."""

    def __init__(self, where: str, text: str) -> None:
        self.where, self.text = where, text
        self.position = 0
        self._skip()

    def _skip(self) -> None:
        space = _SPACE.match(self.text, self.position)
        self.position = space.end() if space else self.position

    def error(self, message: str) -> DataError:
        """An error that names the file and the position."""
        error = json.JSONDecodeError(message, self.text, self.position)  # counts lines and columns
        return DataError(f"{self.where}: not valid JSON ({error})")

    def accept(self, character: str) -> bool:
        """Step over `character` if it is the next one. Returns whether it was."""
        if not self.text.startswith(character, self.position):
            return False
        self.position += 1
        self._skip()
        return True

    def expect(self, character: str) -> None:
        """Step over `character`. Raises DataError where another one is next."""
        if not self.accept(character):
            raise self.error(f"expecting `{character}`")

    def value(self) -> object:
        """Decode the value that begins here and step over it."""
        value: object
        try:
            value, self.position = _DECODE(self.text, self.position)
        except json.JSONDecodeError as error:
            raise DataError(f"{self.where}: not valid JSON ({error})") from error
        except RecursionError as error:
            raise self.error("nested too deeply") from error
        self._skip()
        return value


def _rows(cursor: _Cursor) -> Iterator[object]:
    """The elements of the list that begins here, or the one value if it is no list."""
    if not cursor.accept("["):
        yield cursor.value()
        return
    more = not cursor.accept("]")
    while more:
        yield cursor.value()
        more = cursor.accept(",")
        if not more:
            cursor.expect("]")
