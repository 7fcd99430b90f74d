"""Undersampling: fewer images of the common classes in train, and in no other split."""

from __future__ import annotations

import hashlib
from collections import Counter

from fairtrial.data.dataset import Dataset
from fairtrial.data.objects import counted


def undersample(
    dataset: Dataset, image_ids: list[int], ratio: float | None, cap: int | None, seed: int
) -> list[int]:
    """Choose the images of train. Returns the ids that stay of `image_ids`.

    A class needs at most `ratio` times as many objects as the rarest class has, and at most `cap`;
    None sets no limit. In an order drawn by `seed`, an image is left out where each class on it has
    as many objects as it needs without this image. So images of a class that is short stay, even
    if a common class is on them as well, and so do images without objects.
    """
    on_image = {number: Counter[int]() for number in image_ids}
    for annotation in counted(dataset.annotations):
        if annotation.image_id in on_image:
            on_image[annotation.image_id][annotation.category_id] += 1
    count = sum(on_image.values(), Counter[int]())
    needed = _needed(count, ratio, cap)
    contents = {image.id: (image.sha256, image.file_name) for image in dataset.images}
    left_out = set()
    for number in sorted(image_ids, key=lambda n: _random_order(seed, *contents[n])):
        objects = on_image[number]
        if objects and all(count[label] - n >= needed for label, n in objects.items()):
            count -= objects
            left_out.add(number)
    return [number for number in image_ids if number not in left_out]


def _needed(count: Counter[int], ratio: float | None, cap: int | None) -> float:
    """The most objects that a class needs; infinite where nothing limits them."""
    limits = [cap] if cap is not None else []
    if ratio is not None and count:
        limits.append(int(ratio * min(count.values())))
    return min(limits, default=float("inf"))


def _random_order(seed: int, content: str, name: str) -> tuple[str, str]:
    """A sort key: a hash of seed and content, then the file name."""
    return hashlib.sha256(f"balance {seed} {content}".encode()).hexdigest(), name
