"""Which image lies in train, val or test; no image, content or group on two sides."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import Any

from fairtrial import DataError
from fairtrial.dataset import SIDES, Annotation, Dataset, Image, counts

Sides = dict[str, list[int]]


def select(source: Dataset, classes: list[str] | None, where: str) -> Dataset:
    """The set with only `classes`, in that order (null: all). Images without an object stay."""
    if classes is None:
        return source.canonical()
    numbers = {name: number for number, name in source.categories.items()}
    unknown = [name for name in classes if name not in numbers]
    if unknown:
        raise DataError(f"{where}: no class {', '.join(unknown)}; it has {', '.join(numbers)}")
    kept = {numbers[name]: new for new, name in enumerate(classes, 1)}
    objects = [
        Annotation(a.image_id, kept[a.category_id], a.bbox, a.area, a.iscrowd)
        for a in source.annotations
        if a.category_id in kept
    ]
    return Dataset(source.images, objects, dict(enumerate(classes, 1))).canonical()


def assign(view: Dataset, settings: dict[str, Any], where: str) -> Sides:
    """Image ids by side, as the data set's `split:` asks."""
    if settings["method"] == "given":
        return _given(view, where)
    by_group = settings["method"] == "grouped"
    if by_group and any(image.group is None for image in view.images):
        raise DataError(f"{where}: split `grouped`, but some images have no group; use `random`")
    return _shared_out(view, settings, by_group)


def _given(view: Dataset, where: str) -> Sides:
    sides: Sides = {side: [] for side in SIDES}
    for image in view.images:
        if image.split is not None:
            sides[image.split].append(image.id)
    if not any(sides.values()):
        raise DataError(f"{where}: split `given`, but its source gives none; use `random`")
    return sides


def _shared_out(view: Dataset, settings: dict[str, Any], by_group: bool) -> Sides:
    """Bundles of images that belong together, in an order drawn by the seed, dealt to the sides.

    Each bundle goes where most is missing. The order is that of a hash of seed and content,
    so it depends neither on file names nor on a library's random numbers.
    """
    bundles = _bundles(view.images, by_group)
    order = sorted(bundles, key=lambda name: _drawn(settings["seed"], name))
    shares = {"test": settings["test"], "val": settings["val"]}
    shares["train"] = 1 - sum(shares.values())
    wanted = {side: share * len(view.images) for side, share in shares.items()}
    sides: Sides = {side: [] for side in SIDES}
    for name in order:
        side = max(wanted, key=lambda side: wanted[side] - len(sides[side]))
        sides[side] += [image.id for image in bundles[name]]
    return {side: sorted(ids) for side, ids in sides.items()}


def _bundles(images: list[Image], by_group: bool) -> dict[str, list[Image]]:
    """Images that must stay together: of one content, or (by_group) also of one group.

    Groups that share an image's content are one bundle, and so on along the chain.
    """
    parent: dict[str, str] = {}

    def top(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = name = parent[parent[name]]
        return name

    for image in images:
        if by_group:
            tops = {top(f"group {image.group}"), top(image.sha256)}
            first = min(tops, key=lambda name: (not name.startswith("group "), name))
            parent |= dict.fromkeys(tops, first)  # so the order of the images has no part in it
    found: dict[str, list[Image]] = defaultdict(list)
    for image in images:
        found[top(image.sha256)].append(image)
    return found


def _drawn(seed: int, name: str) -> str:
    return hashlib.sha256(f"{seed} {name}".encode()).hexdigest()


def refuse_leaks(view: Dataset, sides: Sides, where: str) -> None:
    """Raise DataError if an image, its content or its group lies on two sides."""
    side_of = {number: side for side, ids in sides.items() for number in ids}
    for what, value in (("content", "sha256"), ("group", "group")):
        holders: dict[str, dict[str, str]] = defaultdict(dict)
        for image in view.images:
            if image.id in side_of and getattr(image, value):
                holders[getattr(image, value)][side_of[image.id]] = image.file_name
        leaking = {name: found for name, found in holders.items() if len(found) > 1}
        if leaking:
            name, found = min(leaking.items())
            example = " and ".join(f"{file} in {side}" for side, file in sorted(found.items()))
            shown = f"group {name}: " if what == "group" else ""
            remedy = "`grouped`" if what == "group" else "`random` or `grouped`"
            raise DataError(
                f"{where}: the split leaks: images of one {what} on two sides "
                f"(cases: {len(leaking)}), such as {shown}{example}. "
                f"The split {remedy} keeps them together."
            )


def summary(view: Dataset, ids: list[int]) -> dict[str, Any]:
    """Images, objects and groups of one side, and both for each class."""
    inside = set(ids)
    objects = [a for a in view.annotations if a.image_id in inside]
    per_class = counts(objects)
    holders: dict[int, set[int]] = defaultdict(set)
    for annotation in objects:
        holders[annotation.category_id].add(annotation.image_id)
    return {
        "images": len(inside),
        "objects": len(objects),
        "groups": len({i.group for i in view.images if i.id in inside and i.group}),
        "classes": {
            name: {"images": len(holders[number]), "objects": per_class.get(number, 0)}
            for number, name in view.categories.items()
        },
    }
