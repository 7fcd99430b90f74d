"""Undersampling: fewer images of the common classes in train, and of no other side."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

from fairtrial.data.dataset import Dataset


def undersample(view: Dataset, ids: list[int], asked: dict[str, Any], seed: int) -> list[int]:
    """The image ids that stay of `ids`.

    `asked`: `ratio`, the objects of a class that are wanted for one of the rarest, and `cap`,
    the most that are wanted of a class; either may be None. Images are looked at in an order
    drawn by `seed`, and one is left out where each class on it has as many objects as wanted
    without it, too. So images of a class that is short stay, even if they hold a common one too,
    and images without objects stay.
    """
    on_image = {number: Counter[int]() for number in ids}
    for annotation in view.annotations:
        if annotation.image_id in on_image:
            on_image[annotation.image_id][annotation.category_id] += 1
    count = sum(on_image.values(), Counter[int]())
    wanted = _wanted(count, asked)
    contents = {image.id: (image.sha256, image.file_name) for image in view.images}
    left_out = set()
    for number in sorted(ids, key=lambda n: _drawn(seed, *contents[n])):
        own = on_image[number]
        if own and all(count[label] - n >= wanted for label, n in own.items()):
            count -= own
            left_out.add(number)
    return [number for number in ids if number not in left_out]


def _wanted(count: Counter[int], asked: dict[str, Any]) -> float:
    limits = [asked["cap"]] if asked["cap"] is not None else []
    if asked["ratio"] is not None and count:
        limits.append(int(asked["ratio"] * min(count.values())))
    return min(limits, default=float("inf"))


def _drawn(seed: int, content: str, name: str) -> tuple[str, str]:
    return hashlib.sha256(f"balance {seed} {content}".encode()).hexdigest(), name
