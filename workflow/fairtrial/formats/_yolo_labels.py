"""The text files of YOLO: where they lie, and what a line holds."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from fairtrial.data.boxes import Box


def label_folder(raw: Path, images: PurePosixPath) -> PurePosixPath:
    """Where the text files of a folder of images are: in it, or in `labels` for an `images`.

    As both may be written in capitals, the disk decides where they differ.
    """
    parts = list(images.parts)
    for at in range(len(parts) - 1, -1, -1):
        if parts[at].lower() != "images":
            continue
        above = raw / PurePosixPath(*parts[:at])
        there = sorted(path.name for path in above.iterdir()) if above.is_dir() else []
        same = [name for name in there if name.lower() == "labels"]
        usual = "Labels" if parts[at] == "Images" else "labels"
        parts[at] = usual if usual in same or not same else same[0]
        break
    return PurePosixPath(*parts)


def numbers_of(line: str) -> list[float]:
    """The class and four shares, or the class and the corners of a polygon.

    Raises ValueError for a line that is neither.
    """
    try:
        numbers = [float(text) for text in line.split()]
    except ValueError:
        numbers = []
    if len(numbers) == 5 or (len(numbers) >= 7 and len(numbers) % 2):
        return numbers
    count = len(line.split())
    hint = "; it has decimal commas" if re.search(r"\d,\d", line) else f"; it has {count} values"
    raise ValueError(f"neither `class x y width height` nor a polygon: {line!r}{hint}")


def box_of(shares: list[float]) -> Box:
    """The box (left, top, width, height) in shares, of a box by its centre or of a polygon."""
    if len(shares) == 4:
        x, y, w, h = shares
        return x - w / 2, y - h / 2, w, h
    across, down = shares[0::2], shares[1::2]
    return min(across), min(down), max(across) - min(across), max(down) - min(down)
