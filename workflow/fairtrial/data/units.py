"""The independent units of a split: which of its images say nothing new beside others.

Frames of one video, or copies of one picture, are no independent observations. A metric's
uncertainty is that of drawing units anew, not images.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from fairtrial.data.dataset import Image
from fairtrial.data.union_find import UnionFind

IMAGES, GROUPS = "images", "groups"


def dependent_images(
    images: Iterable[Image], copies: Iterable[list[int]], used: Collection[int]
) -> list[list[int]]:
    """Units of two images or more, as sorted image ids; any other image is a unit of its own.

    `copies`: clusters of image ids that show one picture; `used`: the ids that are in a split. A
    unit is a group, a cluster of copies, or several of them that share an image.
    """
    inside = set(used)
    ids = sorted(image.id for image in images if image.id in inside)
    at = {number: place for place, number in enumerate(ids)}
    together = UnionFind(len(ids))
    for members in (*_groups(images, inside), *copies):
        places = [at[number] for number in members if number in at]
        for place in places[1:]:
            together.union(places[0], place)
    return [[ids[place] for place in unit] for unit in together.components() if len(unit) > 1]


def unit_name(images: Iterable[Image], used: Collection[int], group_name: str = GROUPS) -> str:
    """`group_name` where one group has several images, else `images`."""
    return group_name if any(len(ids) > 1 for ids in _groups(images, set(used))) else IMAGES


def _groups(images: Iterable[Image], used: set[int]) -> list[list[int]]:
    """The ids of the images of each group."""
    groups: dict[str, list[int]] = {}
    for image in images:
        if image.group and image.id in used:
            groups.setdefault(image.group, []).append(image.id)
    return list(groups.values())
