"""Which image is in train, val or test; what belongs together stays in one split."""

from __future__ import annotations

import hashlib
from collections import Counter
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
    if method == "given":
        return _given(dataset, where)
    alone = [image.file_name for image in dataset.images if image.group is None]
    if method == "grouped" and alone:
        raise DataError(
            f"{where}: split `grouped`, but {len(alone)} of {count} images have no group (null, "
            f'"" or NaN), such as {", ".join(alone[:3])}; use `random`'
        )
    by_group = method in {"grouped", "kfold"} and "group" not in allow
    clusters = near if "near" not in allow else []
    bundles = _bundles(dataset.images, clusters, by_group, "content" not in allow)
    names = sorted(bundles, key=lambda name: _random_order(options.seed, name))
    order = [bundles[name] for name in names]
    if method == "kfold":
        folds = {str(k): count / options.folds for k in range(options.folds)}
        return _of_fold(_stratified(dataset, order, folds), (options.fold or 1) - 1)
    sizes = _sizes(options, count, where)
    if method == "stratified" or options.stratify:
        return _stratified(dataset, order, sizes)
    return _fill_splits(order, sizes)


def _given(dataset: Dataset, where: str) -> Splits:
    splits: Splits = {split: [] for split in SPLITS}
    for image in dataset.images:
        if image.split is not None:
            splits[image.split].append(image.id)
    if not any(splits.values()):
        raise DataError(f"{where}: split `given`, but its source gives none; use `random`")
    return splits


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
    images: list[Image], near: list[list[int]], by_group: bool, by_content: bool
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
