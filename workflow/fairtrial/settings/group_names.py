"""What the groups of a source are called in sentences: patients, videos, contributors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_OWN = {"contributors": "contributors"}  # of formats whose groups have no option
_GENERAL = {"group", "groups", "cluster"}


def group_name(form: str, options: Mapping[str, Any]) -> str | None:
    """The plural of the key or column that holds the group; None where that says nothing, as a
    folder or a regular expression."""
    if form in _OWN:
        return _OWN[form]
    key = options.get("group")
    if (
        not isinstance(key, str)
        or key == "folder"
        or not re.fullmatch(r"[A-Za-z][A-Za-z_ -]*", key)
    ):
        return None
    word = re.sub(r"[_ -]?(id|no|nr|name|number)$", "", key, flags=re.IGNORECASE)
    word = re.sub(r"[_-]+", " ", word).strip().lower()
    return None if not word or word in _GENERAL else _plural(word)


def _plural(word: str) -> str:
    if word.endswith("s"):
        return word
    return f"{word[:-1]}ies" if re.search(r"[^aeiou]y$", word) else f"{word}s"
