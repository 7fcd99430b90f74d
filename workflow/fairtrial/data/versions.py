"""Augmented versions of a picture, known by the names that exporters give them."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Roboflow's exports: `street_jpg.rf.<32 hexadecimal digits>.jpg`, a version of street.jpg.
# `convert` may have added a suffix.
_VERSION = re.compile(r"(?P<picture>.+)\.rf\.[0-9a-f]{32}(\.[A-Za-z]+)+", re.IGNORECASE)


def versions(files: Iterable[str]) -> list[list[str]]:
    """Sets of two files or more that are versions of one picture, sorted.

    Files in different folders are none of each other: names are equal there by chance, as in
    folders of classes, and exporters put all versions of a picture into one split.
    """
    of_picture: dict[str, list[str]] = {}
    for file in sorted(files):
        if match := _VERSION.fullmatch(file):
            of_picture.setdefault(match["picture"], []).append(file)
    return sorted(of_one for of_one in of_picture.values() if len(of_one) > 1)
