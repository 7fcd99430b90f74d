"""A large COCO JSON, row by row: all of COCO's annotations at once would need gigabytes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from fairtrial import DataError

_BETWEEN = re.compile(r"[\s,:]*")
_DECODER = json.JSONDecoder()


def rows(text: str) -> Iterator[tuple[str, Any]]:
    """Every element of every list at the top level, with the list's name, in their order.

    Raises DataError where the text is no JSON object.
    """
    try:
        at = _next(text, 0)
        if text[at] != "{":
            raise ValueError("does not begin with {")
        at = _next(text, at + 1)
        while text[at] != "}":
            name, at = _DECODER.raw_decode(text, at)
            at = _next(text, at)
            if text[at] != "[":
                _, at = _DECODER.raw_decode(text, at)
            else:
                at = _next(text, at + 1)
                while text[at] != "]":
                    row, at = _DECODER.raw_decode(text, at)
                    yield name, row
                    at = _next(text, at)
                at += 1
            at = _next(text, at)
    except (ValueError, IndexError) as error:
        raise DataError(f"not valid JSON ({error})") from error


def _next(text: str, at: int) -> int:
    """Where the next value, or the end of the list or object, begins."""
    match = _BETWEEN.match(text, at)
    return match.end() if match else at
