"""Which image lies in train, val or test; what belongs together stays on one side."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from typing import Any

from fairtrial import DataError
from fairtrial.data.dataset import SPLITS, Dataset, Image

Sides = dict[str, list[int]]


def assign(
    view: Dataset, settings: dict[str, Any], near: list[list[int]], allow: list[str], where: str
) -> Sides:
    """Image ids by side, as the data set's `split:` asks.

    `near`: clusters of image ids that show the same picture; `allow`: what need not stay on
    one side (`group`, `content`, `near`). The order is that of a hash of seed and content, so
    it depends neither on the order of the images nor on a library's random numbers.
    """
    if settings["method"] == "given":
        return _given(view, where)
    by_group = settings["method"] in {"grouped", "kfold"} and "group" not in allow
    if settings["method"] == "grouped" and any(image.group is None for image in view.images):
        raise DataError(f"{where}: split `grouped`, but some images have no group; use `random`")
    bundles = _bundles(
        view.images, near if "near" not in allow else [], by_group, "content" not in allow
    )
    names = sorted(bundles, key=lambda name: _drawn(settings["seed"], name))
    order = [bundles[name] for name in names]
    if settings["method"] == "kfold":
        folds = {str(k): len(view.images) / settings["folds"] for k in range(settings["folds"])}
        return _turned(_stratified(view, order, folds), settings["fold"] - 1)
    wanted = _sizes(settings, len(view.images), where)
    if settings["method"] == "stratified" or settings.get("stratify"):
        return _stratified(view, order, wanted)
    return _dealt(order, wanted)


def _given(view: Dataset, where: str) -> Sides:
    sides: Sides = {side: [] for side in SPLITS}
    for image in view.images:
        if image.split is not None:
            sides[image.split].append(image.id)
    if not any(sides.values()):
        raise DataError(f"{where}: split `given`, but its source gives none; use `random`")
    return sides


def _sizes(settings: dict[str, Any], count: int, where: str) -> dict[str, float]:
    """Images that each side should have, from shares (below 1) or numbers of images."""
    asked = {side: settings[side] for side in ("test", "val")}
    wanted = {side: size if size >= 1 else size * count for side, size in asked.items()}
    if sum(wanted.values()) >= count:
        raise DataError(
            f"{where}: `val` and `test` ask for {sum(wanted.values()):g} of {count} images and "
            "leave nothing to train on"
        )
    return wanted | {"train": count - sum(wanted.values())}


def _bundles(
    images: list[Image], near: list[list[int]], by_group: bool, by_content: bool
) -> dict[str, list[Image]]:
    """Images that must stay together, by a name that depends on their contents and groups.

    Groups that share an image are one bundle, and so on along the chain.
    """
    above: dict[str, str] = {}

    def top(name: str) -> str:
        while above.setdefault(name, name) != name:
            above[name] = name = above[above[name]]
        return name

    def join(names: Iterable[str]) -> None:
        tops = {top(name) for name in names}
        # the first by name, so that the order of joining has no part in it
        first = min(tops, key=lambda name: (not name.startswith("group "), name))
        above.update(dict.fromkeys(tops, first))

    own = {i.id: i.sha256 if by_content else f"{i.sha256} {i.file_name}" for i in images}
    for image in images:
        if by_group and image.group is not None:
            join([f"group {image.group}", own[image.id]])
    for cluster in near:
        join(own[number] for number in cluster)
    found: dict[str, list[Image]] = {}
    for image in images:
        found.setdefault(top(own[image.id]), []).append(image)
    return found


def _drawn(seed: int, name: str) -> str:
    return hashlib.sha256(f"{seed} {name}".encode()).hexdigest()


def _dealt(order: list[list[Image]], wanted: dict[str, float]) -> Sides:
    """Each bundle where most is missing."""
    sides: Sides = {side: [] for side in wanted}
    for number, bundle in enumerate(order):
        possible = _possible(sides, wanted, len(order) - number)
        side = max(possible, key=lambda side: wanted[side] - len(sides[side]))
        sides[side] += [image.id for image in bundle]
    return {side: sorted(ids) for side, ids in sides.items()}


def _possible(sides: Sides, wanted: dict[str, float], left: int) -> list[str]:
    """The sides that may get the next of the bundles that are `left`: where these are no more
    than the empty sides, as with four patients, only those."""
    empty = [side for side, size in wanted.items() if size > 0 and not sides[side]]
    return empty if left <= len(empty) else list(wanted)


def _stratified(view: Dataset, order: list[list[Image]], wanted: dict[str, float]) -> Sides:
    """Each class on each side by the side's share, where an image may hold many classes.

    Iterative stratification (Sechidis, Tsoumakas and Vlahavas, "On the Stratification of
    Multi-Label Data", 2011), with bundles in place of single images: again and again the class
    with the fewest images left is shared out, each of its bundles to the side that lacks it
    most. Images without objects count as a class. A side that is full gets nothing more.
    """
    held = _labels(view, order)
    left = sum(held, Counter[int]())
    total = sum(wanted.values())
    lacking = {
        side: {k: n * size / total for k, n in left.items()} for side, size in wanted.items()
    }
    room, sides = dict(wanted), {side: list[int]() for side in wanted}
    waiting = dict.fromkeys(range(len(order)))
    holders = {label: [n for n in waiting if held[n][label]] for label in left}
    while waiting:
        label = min((k for k in left if left[k] > 0), key=lambda k: (left[k], k))
        # largest first: the small ones can still even out
        for n in sorted((n for n in holders[label] if n in waiting), key=lambda n: -held[n][label]):
            possible = _possible(sides, wanted, len(waiting))
            side = max(possible, key=lambda s: (room[s] > 0, lacking[s][label], room[s]))
            sides[side] += [image.id for image in order[n]]
            room[side] -= len(order[n])
            for other, count in held[n].items():
                lacking[side][other] -= count
                left[other] -= count
            del waiting[n]
    return {side: sorted(ids) for side, ids in sides.items()}


def _labels(view: Dataset, order: list[list[Image]]) -> list[Counter[int]]:
    """Images by category id of each bundle; 0 stands for images without an object."""
    on_image: dict[int, set[int]] = {}
    for annotation in view.annotations:
        on_image.setdefault(annotation.image_id, set()).add(annotation.category_id)
    return [Counter(k for image in bundle for k in on_image.get(image.id, {0})) for bundle in order]


def _turned(folds: Sides, fold: int) -> Sides:
    """The sides where one fold is test, the one after it val, and the others train."""
    names = list(folds)
    test, val = names[fold], names[(fold + 1) % len(names)]
    rest = sorted(n for name, ids in folds.items() if name not in (test, val) for n in ids)
    return {"train": rest, "val": folds[val], "test": folds[test]}
