"""Which image is in train, val or test; what belongs together stays in one split."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from typing import Protocol

from fairtrial import DataError
from fairtrial.data.dataset import SPLITS, Dataset, Image, Splits
from fairtrial.data.objects import counted
from fairtrial.data.union_find import UnionFind

Bundle = list[Image]  # images that must be in one split


class SplitOptions(Protocol):
    """How a split is made: `split:` of config/datasets/<name>.yaml."""

    @property
    def method(self) -> str:
        """given, random, stratified, grouped or kfold."""

    @property
    def seed(self) -> int:
        """By which images are drawn."""

    @property
    def val(self) -> float:
        """A share of the images (below 1), or their number."""

    @property
    def test(self) -> float:
        """A share of the images (below 1), or their number."""

    @property
    def stratify(self) -> bool:
        """Whether `grouped` shares the classes out as well."""

    @property
    def folds(self) -> int:
        """The number of folds of `kfold`."""

    @property
    def fold(self) -> int | None:
        """The fold that is test, from 1; `kfold` alone has one."""


def assign(
    dataset: Dataset, options: SplitOptions, near: list[list[int]], allow: list[str], where: str
) -> Splits:
    """Image ids by split, as `options` say. Raises DataError, naming `where`, where they cannot.

    `near`: clusters of image ids that show the same picture; `allow`: what need not stay in
    one split (`group`, `content`, `near`). The order is that of a hash of seed and content, so
    it depends neither on the order of the images nor on a library's random numbers.
    """
    method, count = options.method, len(dataset.images)
    clusters = near if "near" not in allow else []
    if method == "given":
        return _given(dataset, options, clusters, allow, where)
    alone = [image.file_name for image in dataset.images if image.group is None]
    if method == "grouped" and alone:
        raise DataError(
            f"{where}: split `grouped`, but {len(alone)} of {count} images have no group (null, "
            f'"" or NaN), such as {", ".join(alone[:3])}; use `random`'
        )
    by_group = method in {"grouped", "kfold"} and "group" not in allow
    order = _in_random_order(dataset.images, options.seed, clusters, by_group, allow)
    if method == "kfold":
        folds = {str(k): count / options.folds for k in range(options.folds)}
        return _of_fold(_stratified(dataset, order, folds), (options.fold or 1) - 1)
    sizes = _sizes(options, count, where)
    if method == "stratified" or options.stratify:
        return _stratified(dataset, order, sizes)
    return _fill_splits(order, sizes)


def _given(
    dataset: Dataset, options: SplitOptions, near: list[list[int]], allow: list[str], where: str
) -> Splits:
    """The splits of the source. Where it gives no val, that is drawn from its train."""
    splits: Splits = {split: [] for split in SPLITS}
    for image in dataset.images:
        if image.split is not None:
            splits[image.split].append(image.id)
    if not any(splits.values()):
        raise DataError(f"{where}: split `given`, but its source gives none; use `random`")
    if not draws_val(dataset, options):
        return splits
    train = [image for image in dataset.images if image.split == "train"]
    inside = {image.id for image in train}
    clusters = [[number for number in cluster if number in inside] for cluster in near]
    by_group = "group" not in allow
    order = _in_random_order(train, options.seed, filter(None, clusters), by_group, allow)
    size = options.val if options.val >= 1 else options.val * len(train)
    if size >= len(train):
        raise DataError(f"{where}: `val` takes {size:g} of the {len(train)} images of train")
    return splits | _fill_splits(order, {"val": size, "train": len(train) - size})


def draws_val(dataset: Dataset, options: SplitOptions) -> bool:
    """Whether val is drawn from train, because the source gives train alone or with test."""
    if options.method != "given":
        return False
    given = {image.split for image in dataset.images}
    return "train" in given and "val" not in given


def _in_random_order(
    images: list[Image], seed: int, near: Iterable[list[int]], by_group: bool, allow: list[str]
) -> list[Bundle]:
    """Images that must stay together, in an order drawn by the seed."""
    bundles = _bundles(images, near, by_group, "content" not in allow)
    return [bundles[name] for name in sorted(bundles, key=lambda name: _random_order(seed, name))]


def refuse_too_few(
    dataset: Dataset, options: SplitOptions, near: list[list[int]], allow: list[str], where: str
) -> None:
    """Raise DataError, naming `where`, where there are fewer images that need not stay together
    (or groups of them) than `options` ask splits or folds of."""
    if options.method == "given":
        return
    by_group = options.method in {"grouped", "kfold"} and "group" not in allow
    clusters = near if "near" not in allow else []
    order = _in_random_order(dataset.images, options.seed, clusters, by_group, allow)
    needed = options.folds if options.method == "kfold" else 2 + (options.test > 0)
    if len(order) >= needed:
        return
    groups = by_group and any(image.group is not None for image in dataset.images)
    kind = "groups (those that share a copy count once)" if groups else "images, copies apart"
    remedies = {"kfold": f"set `folds: {len(order)}`" if len(order) >= 3 else "use `grouped`"}
    remedy = remedies.get(options.method, "set `test: 0`" if len(order) == 2 else "")
    others = ["`allow: [group]`"] if groups else []
    advice = " or ".join(filter(None, [remedy, *others])) or "add images"
    parts = "folds" if options.method == "kfold" else "splits"
    raise DataError(
        f"{where}: {needed} {parts} need as many {kind}, and there are {len(order)}; {advice}"
    )


def _sizes(options: SplitOptions, count: int, where: str) -> dict[str, float]:
    """How many images each split should have."""
    requested = {"test": options.test, "val": options.val}
    sizes = {split: size if size >= 1 else size * count for split, size in requested.items()}
    held_out = sum(sizes.values())
    if held_out >= count:
        raise DataError(
            f"{where}: `val` and `test` take {held_out:g} of {count} images and "
            "leave nothing to train on"
        )
    return sizes | {"train": count - held_out}


def _bundles(
    images: list[Image], near: Iterable[list[int]], by_group: bool, by_content: bool
) -> dict[str, Bundle]:
    """Images that must stay together, by a name that depends on their contents and groups.

    Groups that share an image are one bundle, and so on along the chain. The name is the first
    group of the bundle in alphabetical order, or its first content where it has no group.
    """
    contents = {i.id: i.sha256 if by_content else f"{i.sha256} {i.file_name}" for i in images}
    groups = {i.id: f"group {i.group}" for i in images if by_group and i.group is not None}
    # Sorted, so that the root of a set (its smallest number) stands for the first of its names.
    names = [*sorted(set(groups.values())), *sorted(set(contents.values()))]
    number = {name: at for at, name in enumerate(names)}
    together = UnionFind(len(names))
    for image_id, group in groups.items():
        together.union(number[group], number[contents[image_id]])
    for cluster in near:
        for image_id in cluster[1:]:
            together.union(number[contents[cluster[0]]], number[contents[image_id]])
    bundles: dict[str, Bundle] = {}
    for image in images:
        name = names[together.find(number[contents[image.id]])]
        bundles.setdefault(name, []).append(image)
    return bundles


def _random_order(seed: int, name: str) -> str:
    """A sort key: a hash of seed and name."""
    return hashlib.sha256(f"{seed} {name}".encode()).hexdigest()


def _fill_splits(order: list[Bundle], sizes: dict[str, float]) -> Splits:
    """Put each bundle, in order, into the split that lacks the most images."""
    splits: Splits = {split: [] for split in sizes}
    for number, bundle in enumerate(order):
        possible = _possible(splits, sizes, len(order) - number)
        split = max(possible, key=lambda split: sizes[split] - len(splits[split]))
        splits[split] += [image.id for image in bundle]
    return {split: sorted(ids) for split, ids in splits.items()}


def _possible(splits: Splits, sizes: dict[str, float], bundles_left: int) -> list[str]:
    """The splits that may get the next bundle: where no more bundles are left than there are
    empty splits, as with four patients, only the empty ones."""
    empty = [split for split, size in sizes.items() if size > 0 and not splits[split]]
    return empty if bundles_left <= len(empty) else list(sizes)


def _stratified(dataset: Dataset, order: list[Bundle], sizes: dict[str, float]) -> Splits:
    """Share each class out in proportion to `sizes`, where an image may hold many classes.

    Iterative stratification (Sechidis, Tsoumakas and Vlahavas, "On the Stratification of
    Multi-Label Data", 2011), with bundles in place of single images: again and again the class
    with the fewest images left is shared out, each of its bundles to the split that lacks it
    most. Images without objects count as a class. A split that is full gets nothing more.
    """
    labels = _labels(dataset, order)
    left = sum(labels, Counter[int]())  # images of each class that are in no split yet
    total = sum(sizes.values())
    lacking = {
        split: {k: n * size / total for k, n in left.items()} for split, size in sizes.items()
    }
    room, splits = dict(sizes), {split: list[int]() for split in sizes}
    waiting = dict.fromkeys(range(len(order)))
    holders = {label: [n for n in waiting if labels[n][label]] for label in left}
    while waiting:
        label = min((k for k in left if left[k] > 0), key=lambda k: (left[k], k))
        # largest first: the small ones can still even out
        for n in sorted(waiting.keys() & holders[label], key=lambda n: (-labels[n][label], n)):
            possible = _possible(splits, sizes, len(waiting))
            split = max(possible, key=lambda s: (room[s] > 0, lacking[s][label], room[s]))
            splits[split] += [image.id for image in order[n]]
            room[split] -= len(order[n])
            for other, count in labels[n].items():
                lacking[split][other] -= count
                left[other] -= count
            del waiting[n]
    return {split: sorted(ids) for split, ids in splits.items()}


def _labels(dataset: Dataset, order: list[Bundle]) -> list[Counter[int]]:
    """Images by category id of each bundle; 0 stands for images without an object."""
    on_image: dict[int, set[int]] = {}
    for annotation in counted(dataset.annotations):
        on_image.setdefault(annotation.image_id, set()).add(annotation.category_id)
    return [Counter(k for image in bundle for k in on_image.get(image.id, {0})) for bundle in order]


def _of_fold(folds: Splits, fold: int) -> Splits:
    """The splits where one fold (from 0) is test, the one after it val, and the others train."""
    names = list(folds)
    test, val = names[fold], names[(fold + 1) % len(names)]
    rest = sorted(n for name, ids in folds.items() if name not in (test, val) for n in ids)
    return {"train": rest, "val": folds[val], "test": folds[test]}
