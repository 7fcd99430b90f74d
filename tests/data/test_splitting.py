"""Splits: what belongs together is in one split, whatever the set looks like."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from itertools import chain, pairwise
from typing import Any

import pytest

from fairtrial import DataError
from fairtrial.data.dataset import SPLITS, Annotation, Dataset, Image, Splits
from fairtrial.data.leaks import find_leaks
from fairtrial.data.splitting import assign
from fairtrial.settings.split_rule import SplitRule
from tests.facts import refused

SEEDS = range(25)
METHODS = ("random", "stratified", "grouped", "kfold")


def images(*rows: tuple[str, str | None, str | None]) -> Dataset:
    """A set of images, each with its content, group and split."""
    return Dataset(
        [
            Image(number, f"{number:03d}.png", 10, 10, content, group, split)
            for number, (content, group, split) in enumerate(rows, 1)
        ]
    )


def drawn(seed: int, *, groups: bool = True) -> tuple[Dataset, list[list[int]]]:
    """A random set in which some images have equal content or show one picture, also across
    groups, and some hold objects of several classes; and the clusters of copies."""
    rng = random.Random(seed)
    count = rng.randint(30, 90)
    contents = [f"{rng.getrandbits(64):016x}" for _ in range(rng.randint(count * 3 // 4, count))]
    names = [f"g{n}" for n in range(rng.randint(12, 30))] if groups else [None]
    dataset = images(*((rng.choice(contents), rng.choice(names), None) for _ in range(count)))
    dataset.categories = {1: "common", 2: "rare", 3: "never"}
    for image in dataset.images:
        labels = [k for k, chance in ((1, 0.8), (2, 0.1)) if rng.random() < chance]
        dataset.annotations += [Annotation(image.id, k, (0.0, 0.0, 1.0, 1.0), 1.0) for k in labels]
    near = [sorted(rng.sample(range(1, count + 1), 2)) for _ in range(rng.randint(0, 3))]
    return dataset, near


def splits_of(
    dataset: Dataset, near: Sequence[list[int]] = (), allow: Sequence[str] = (), **settings: Any
) -> Splits:
    fold = {"fold": 1} if settings["method"] == "kfold" else {}
    return assign(dataset, SplitRule(**(fold | settings)), list(near), list(allow), "set")


def contents(dataset: Dataset, splits: Splits) -> dict[str, list[str]]:
    by_id = {image.id: image.sha256 for image in dataset.images}
    return {split: sorted(by_id[number] for number in splits[split]) for split in SPLITS}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", SEEDS, ids="seed {}".format)
def test_a_split_covers_the_set_and_does_not_leak(method: str, seed: int) -> None:
    dataset, near = drawn(seed, groups=method in {"grouped", "kfold"})
    splits = splits_of(dataset, near, method=method, seed=seed)
    assert sorted(chain(*splits.values())) == [image.id for image in dataset.images]
    assert find_leaks(dataset.images, splits, near) == []
    assert all(ids == sorted(ids) for ids in splits.values())


@pytest.mark.parametrize("kind", ["content", "near", "group"])
def test_what_is_allowed_is_not_kept_together(kind: str) -> None:
    """Else `allow` would only silence the check, and one cluster of a fixed camera could not be
    split at all."""
    rows = [("c" if kind == "content" else f"{n}", "g" * (kind == "group"), None) for n in range(9)]
    dataset = images(*rows)
    near = [[image.id for image in dataset.images]] if kind == "near" else []
    method = "kfold" if kind == "group" else "random"
    together = splits_of(dataset, near, method=method)
    assert sorted(map(len, together.values())) == [0, 0, 9]
    parted = splits_of(dataset, near, [kind], method=method)
    assert all(parted.values())
    assert [leak.kind for leak in find_leaks(dataset.images, parted, near)] == [kind]


@pytest.mark.parametrize("seed", range(20), ids="seed {}".format)
def test_groups_that_share_an_image_stay_together_along_the_chain(seed: int) -> None:
    """An image of a group that had been joined to another one began a bundle of its own_images."""
    names = [f"g{n}" for n in range(5)]
    shared = [(f"shared{a}", g, None) for a, pair in enumerate(pairwise(names)) for g in pair]
    own_images = [
        (f"{random.Random(f'{g}{n}').getrandbits(64):x}", g, None) for g in names for n in (0, 1)
    ]
    others = [(f"other{n}", f"alone{n}", None) for n in range(40)]
    dataset = images(*shared, *own_images, *others)
    splits = splits_of(dataset, method="grouped", seed=seed)
    chained = {image.id for image in dataset.images if image.group in names}
    assert [split for split in SPLITS if chained & set(splits[split])] == [
        split for split in SPLITS if chained <= set(splits[split])
    ]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(8), ids="seed {}".format)
def test_neither_order_nor_file_names_matter(method: str, seed: int) -> None:
    dataset, near = drawn(seed)
    expected = contents(dataset, splits_of(dataset, near, method=method))
    shuffled = list(dataset.images)
    random.Random(seed).shuffle(shuffled)
    numbers = {image.id: n for n, image in enumerate(shuffled, 1)}
    other = Dataset(
        [Image(numbers[i.id], f"x{i.id}.jpg", 9, 9, i.sha256, i.group) for i in shuffled],
        [Annotation(numbers[a.image_id], a.category_id, a.bbox) for a in dataset.annotations[::-1]],
        dataset.categories,
    )
    renumbered = [[numbers[n] for n in cluster[::-1]] for cluster in near[::-1]]
    assert contents(other, splits_of(other, renumbered, method=method)) == expected


@pytest.mark.parametrize("method", METHODS)
def test_a_split_depends_on_its_seed(method: str) -> None:
    dataset, near = drawn(1, groups=False)
    dataset.images = [Image(i.id, i.file_name, 9, 9, f"{i.id}", f"{i.id}") for i in dataset.images]
    tests = [splits_of(dataset, near, method=method, seed=seed)["test"] for seed in range(5)]
    assert len({tuple(ids) for ids in tests}) > 1


@pytest.mark.parametrize("method", ["random", "stratified"])
@pytest.mark.parametrize("count", [5, 10, 33, 240], ids="{} images".format)
@pytest.mark.parametrize(
    ("val", "test"),
    [
        pytest.param(0.2, 0.2, id="equal shares"),
        pytest.param(0.1, 0.3, id="other shares"),
        pytest.param(0.2, 0.0, id="no test"),
        pytest.param(2, 1, id="numbers"),
    ],
)
def test_sizes_are_those_asked_for_to_one_image(
    method: str, count: int, val: float, test: float
) -> None:
    dataset = images(*((f"{n}", None, None) for n in range(count)))
    dataset.annotations = [Annotation(n, n % 3 + 1, None) for n in range(1, count, 2)]
    splits = splits_of(dataset, method=method, val=val, test=test)
    for split, size in (("val", val), ("test", test)):
        assert abs(len(splits[split]) - (size if size >= 1 else size * count)) <= 1
        assert len(splits[split]) == size or size < 1, "a number is exact"
    assert splits["test"] == [] or test > 0


@pytest.mark.parametrize("stratify", [False, True], ids=["by size alone", "stratified"])
@pytest.mark.parametrize("seed", range(10), ids="seed {}".format)
def test_with_few_groups_no_split_stays_empty(seed: int, stratify: bool) -> None:
    """Four patients with 17, 12, 7 and 7 frames, as in a sample of angiograms."""
    sizes = {"p26": 17, "p19": 12, "p14": 7, "p4": 7}
    dataset = images(*((f"{p}-{n}", p, None) for p, count in sizes.items() for n in range(count)))
    dataset.annotations = [Annotation(n, 1, None) for n in range(1, 44, 2)]
    splits = splits_of(dataset, method="grouped", stratify=stratify, seed=seed, val=0.15, test=0.2)
    assert all(splits.values())
    splits = splits_of(dataset, method="grouped", stratify=stratify, seed=seed, test=0)
    assert splits["val"] and not splits["test"]


@pytest.mark.parametrize("stratify", [False, True], ids=["by size alone", "stratified"])
@pytest.mark.parametrize("seed", range(10), ids="seed {}".format)
def test_sizes_of_groups_are_near_the_shares(seed: int, stratify: bool) -> None:
    """No split exceeds its share by more than the largest group."""
    rng = random.Random(seed)
    sizes = [rng.randint(1, 12) for _ in range(30)]
    dataset = images(
        *((f"{g}-{n}", f"{g}", None) for g, size in enumerate(sizes) for n in range(size))
    )
    splits = splits_of(dataset, method="grouped", seed=seed, stratify=stratify)
    for split, share in (("val", 0.2), ("test", 0.2), ("train", 0.6)):
        assert abs(len(splits[split]) - share * sum(sizes)) <= 12


@pytest.mark.parametrize("seed", range(10), ids="seed {}".format)
def test_stratified_shares_out_every_class_and_the_images_without_objects(seed: int) -> None:
    """Ten images of the rarest class are 6, 2 and 2, where chance gives 10, 0 and 0 too."""
    rng = random.Random(seed)
    dataset = images(*((f"{rng.getrandbits(64):x}", None, None) for _ in range(400)))
    kinds = {1: 300, 2: 60, 3: 10, 4: 10}
    for label, count in kinds.items():
        for image in rng.sample(dataset.images[:350], count):
            dataset.annotations.append(Annotation(image.id, label, None))
    splits = splits_of(dataset, method="stratified", seed=seed)
    assert {split: len(ids) for split, ids in splits.items()} == {
        "train": 240,
        "val": 80,
        "test": 80,
    }
    labels = {image.id: {0} for image in dataset.images}
    for annotation in dataset.annotations:
        labels[annotation.image_id] = labels[annotation.image_id] - {0} | {annotation.category_id}
    total = Counter(chain(*labels.values()))
    for split, share in (("train", 0.6), ("val", 0.2), ("test", 0.2)):
        counts = Counter(chain(*(labels[number] for number in splits[split])))
        for label in total:
            assert abs(counts[label] - share * total[label]) <= 1 + 0.01 * total[label], (
                split,
                label,
            )


@pytest.mark.parametrize("seed", range(5), ids="seed {}".format)
def test_stratified_groups_are_both(seed: int) -> None:
    """Of 40 patients 5 have the rare class: each split gets some, in most draws."""
    dataset = images(*((f"{n}", f"p{n % 40}", None) for n in range(200)))
    dataset.annotations = [Annotation(n, 2 if n % 40 < 5 else 1, None) for n in range(1, 201)]
    splits = splits_of(dataset, method="grouped", stratify=True, seed=seed)
    assert find_leaks(dataset.images, splits, []) == []
    rare = {a.image_id for a in dataset.annotations if a.category_id == 2}
    assert all(rare & set(ids) for ids in splits.values())


@pytest.mark.parametrize("folds", [3, 5, 7], ids="{} folds".format)
@pytest.mark.parametrize("seed", range(4), ids="seed {}".format)
def test_each_image_is_once_in_test_and_once_in_val(folds: int, seed: int) -> None:
    dataset, near = drawn(seed)
    splits_of_folds = [
        splits_of(dataset, near, method="kfold", seed=seed, folds=folds, fold=k + 1)
        for k in range(folds)
    ]
    numbers = [image.id for image in dataset.images]
    for split in ("test", "val"):
        assert sorted(chain(*(splits[split] for splits in splits_of_folds))) == numbers
    for splits, after in zip(
        splits_of_folds, [*splits_of_folds[1:], splits_of_folds[0]], strict=True
    ):
        assert sorted(chain(*splits.values())) == numbers
        assert splits["val"] == after["test"]


def test_given_is_taken_as_it_is() -> None:
    dataset = images(
        ("a", None, "train"), ("b", None, "val"), ("c", None, None), ("d", None, "test")
    )
    assert splits_of(dataset, method="given") == {"train": [1], "val": [2], "test": [4]}


def test_given_where_the_source_gives_none_is_refused() -> None:
    with refused(DataError, "set: ", "`given`", "source", "`random`"):
        splits_of(images(("a", None, None)), method="given")


def test_grouped_without_groups_is_refused() -> None:
    with refused(DataError, "set: ", "`grouped`", "no group", "`random`"):
        splits_of(images(("a", "g", None), ("b", None, None)), method="grouped")


def test_more_images_than_there_are_cannot_be_asked_for() -> None:
    dataset = images(*((f"{n}", None, None) for n in range(10)))
    with refused(DataError, "set: ", "`val`", "`test`", "11 of 10 images", "train"):
        splits_of(dataset, method="random", val=9, test=0.2)
