"""Splits: what belongs together is on one side, whatever the set looks like."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from itertools import chain, pairwise
from typing import Any

import pytest

from fairtrial import DataError
from fairtrial.data.dataset import SPLITS, Annotation, Dataset, Image
from fairtrial.data.leaks import leaks
from fairtrial.data.splitting import Sides, assign
from fairtrial.settings.split_rule import SplitRule

SEEDS = range(25)
METHODS = ("random", "stratified", "grouped", "kfold")


def images(*rows: tuple[str, str | None, str | None]) -> Dataset:
    """A set of images, each with its content, group and side."""
    return Dataset(
        [
            Image(number, f"{number:03d}.png", 10, 10, content, group, side)
            for number, (content, group, side) in enumerate(rows, 1)
        ]
    )


def drawn(seed: int, *, groups: bool = True) -> tuple[Dataset, list[list[int]]]:
    """A random set in which some images have equal content or show one picture, also across
    groups, and some hold objects of several classes; and the clusters of copies."""
    rng = random.Random(seed)
    count = rng.randint(30, 90)
    contents = [f"{rng.getrandbits(64):016x}" for _ in range(rng.randint(count * 3 // 4, count))]
    names = [f"g{n}" for n in range(rng.randint(12, 30))] if groups else [None]
    view = images(*((rng.choice(contents), rng.choice(names), None) for _ in range(count)))
    view.categories = {1: "common", 2: "rare", 3: "never"}
    for image in view.images:
        labels = [k for k, chance in ((1, 0.8), (2, 0.1)) if rng.random() < chance]
        view.annotations += [Annotation(image.id, k, (0.0, 0.0, 1.0, 1.0), 1.0) for k in labels]
    near = [sorted(rng.sample(range(1, count + 1), 2)) for _ in range(rng.randint(0, 3))]
    return view, near


def split(method: str, **settings: Any) -> dict[str, Any]:
    fold = {"fold": 1} if method == "kfold" else {}
    return SplitRule(method=method, **(fold | settings)).model_dump()


def sides_of(
    view: Dataset, near: Sequence[list[int]] = (), allow: Sequence[str] = (), **asked: Any
) -> Sides:
    return assign(view, split(**asked), list(near), list(allow), "set")


def contents(view: Dataset, sides: Sides) -> dict[str, list[str]]:
    by_id = {image.id: image.sha256 for image in view.images}
    return {side: sorted(by_id[number] for number in sides[side]) for side in SPLITS}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_split_covers_the_set_and_does_not_leak(method: str, seed: int) -> None:
    view, near = drawn(seed, groups=method in {"grouped", "kfold"})
    sides = sides_of(view, near, method=method, seed=seed)
    assert sorted(chain(*sides.values())) == [image.id for image in view.images]
    assert leaks(view.images, sides, near) == []
    assert all(ids == sorted(ids) for ids in sides.values())


@pytest.mark.parametrize("kind", ["content", "near", "group"])
def test_what_is_allowed_is_not_kept_together(kind: str) -> None:
    """Else `allow` would only silence the check, and one cluster of a fixed camera could not be
    split at all."""
    rows = [("c" if kind == "content" else f"{n}", "g" * (kind == "group"), None) for n in range(9)]
    view = images(*rows)
    near = [[image.id for image in view.images]] if kind == "near" else []
    method = "kfold" if kind == "group" else "random"
    kept = sides_of(view, near, method=method)
    assert sorted(map(len, kept.values())) == [0, 0, 9]
    parted = sides_of(view, near, [kind], method=method)
    assert all(parted.values())
    assert [leak.kind for leak in leaks(view.images, parted, near)] == [kind]


@pytest.mark.parametrize("seed", range(20))
def test_groups_that_share_an_image_stay_together_along_the_chain(seed: int) -> None:
    """An image of a group that had been joined to another one began a bundle of its own."""
    names = [f"g{n}" for n in range(5)]
    shared = [(f"shared{a}", g, None) for a, pair in enumerate(pairwise(names)) for g in pair]
    own = [
        (f"{random.Random(f'{g}{n}').getrandbits(64):x}", g, None) for g in names for n in (0, 1)
    ]
    others = [(f"other{n}", f"alone{n}", None) for n in range(40)]
    view = images(*shared, *own, *others)
    sides = sides_of(view, method="grouped", seed=seed)
    chained = {image.id for image in view.images if image.group in names}
    assert [side for side in SPLITS if chained & set(sides[side])] == [
        side for side in SPLITS if chained <= set(sides[side])
    ]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(8))
def test_neither_order_nor_file_names_matter(method: str, seed: int) -> None:
    view, near = drawn(seed)
    expected = contents(view, sides_of(view, near, method=method))
    shuffled = list(view.images)
    random.Random(seed).shuffle(shuffled)
    numbers = {image.id: n for n, image in enumerate(shuffled, 1)}
    other = Dataset(
        [Image(numbers[i.id], f"x{i.id}.jpg", 9, 9, i.sha256, i.group) for i in shuffled],
        [Annotation(numbers[a.image_id], a.category_id, a.bbox) for a in view.annotations[::-1]],
        view.categories,
    )
    renumbered = [[numbers[n] for n in cluster[::-1]] for cluster in near[::-1]]
    assert contents(other, sides_of(other, renumbered, method=method)) == expected


@pytest.mark.parametrize("method", METHODS)
def test_a_split_depends_on_its_seed(method: str) -> None:
    view, near = drawn(1, groups=False)
    view.images = [Image(i.id, i.file_name, 9, 9, f"{i.id}", f"{i.id}") for i in view.images]
    found = [sides_of(view, near, method=method, seed=seed)["test"] for seed in range(5)]
    assert len({tuple(ids) for ids in found}) > 1


@pytest.mark.parametrize("method", ["random", "stratified"])
@pytest.mark.parametrize("count", [5, 10, 33, 240])
@pytest.mark.parametrize(("val", "test"), [(0.2, 0.2), (0.1, 0.3), (0.2, 0.0), (2, 1)])
def test_sizes_are_those_asked_for_to_one_image(
    method: str, count: int, val: float, test: float
) -> None:
    view = images(*((f"{n}", None, None) for n in range(count)))
    view.annotations = [Annotation(n, n % 3 + 1, None) for n in range(1, count, 2)]
    sides = sides_of(view, method=method, val=val, test=test)
    for side, size in (("val", val), ("test", test)):
        assert abs(len(sides[side]) - (size if size >= 1 else size * count)) <= 1
        assert len(sides[side]) == size or size < 1, "a number is exact"
    assert sides["test"] == [] or test > 0


@pytest.mark.parametrize("stratify", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_with_few_groups_no_side_stays_empty(seed: int, stratify: bool) -> None:
    """Four patients with 17, 12, 7 and 7 frames, as in a sample of angiograms."""
    sizes = {"p26": 17, "p19": 12, "p14": 7, "p4": 7}
    view = images(*((f"{p}-{n}", p, None) for p, count in sizes.items() for n in range(count)))
    view.annotations = [Annotation(n, 1, None) for n in range(1, 44, 2)]
    sides = sides_of(view, method="grouped", stratify=stratify, seed=seed, val=0.15, test=0.2)
    assert all(sides.values())
    sides = sides_of(view, method="grouped", stratify=stratify, seed=seed, test=0)
    assert sides["val"] and not sides["test"]


@pytest.mark.parametrize("stratify", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_sizes_of_groups_are_near_the_shares(seed: int, stratify: bool) -> None:
    """No side exceeds its share by more than the largest group."""
    rng = random.Random(seed)
    sizes = [rng.randint(1, 12) for _ in range(30)]
    view = images(
        *((f"{g}-{n}", f"{g}", None) for g, size in enumerate(sizes) for n in range(size))
    )
    sides = sides_of(view, method="grouped", seed=seed, stratify=stratify)
    for side, share in (("val", 0.2), ("test", 0.2), ("train", 0.6)):
        assert abs(len(sides[side]) - share * sum(sizes)) <= 12


@pytest.mark.parametrize("seed", range(10))
def test_stratified_shares_out_every_class_and_the_images_without_objects(seed: int) -> None:
    """Ten images of the rarest class are 6, 2 and 2, where chance gives 10, 0 and 0 too."""
    rng = random.Random(seed)
    view = images(*((f"{rng.getrandbits(64):x}", None, None) for _ in range(400)))
    kinds = {1: 300, 2: 60, 3: 10, 4: 10}
    for label, count in kinds.items():
        for image in rng.sample(view.images[:350], count):
            view.annotations.append(Annotation(image.id, label, None))
    sides = sides_of(view, method="stratified", seed=seed)
    assert {side: len(ids) for side, ids in sides.items()} == {"train": 240, "val": 80, "test": 80}
    labels = {image.id: {0} for image in view.images}
    for annotation in view.annotations:
        labels[annotation.image_id] = labels[annotation.image_id] - {0} | {annotation.category_id}
    total = Counter(chain(*labels.values()))
    for side, share in (("train", 0.6), ("val", 0.2), ("test", 0.2)):
        found = Counter(chain(*(labels[number] for number in sides[side])))
        for label in total:
            assert abs(found[label] - share * total[label]) <= 1 + 0.01 * total[label], (
                side,
                label,
            )


@pytest.mark.parametrize("seed", range(5))
def test_stratified_groups_are_both(seed: int) -> None:
    """Of 40 patients 5 have the rare class: each side gets some, in most draws."""
    view = images(*((f"{n}", f"p{n % 40}", None) for n in range(200)))
    view.annotations = [Annotation(n, 2 if n % 40 < 5 else 1, None) for n in range(1, 201)]
    sides = sides_of(view, method="grouped", stratify=True, seed=seed)
    assert leaks(view.images, sides, []) == []
    rare = {a.image_id for a in view.annotations if a.category_id == 2}
    assert all(rare & set(ids) for ids in sides.values())


@pytest.mark.parametrize("folds", [3, 5, 7])
@pytest.mark.parametrize("seed", range(4))
def test_each_image_is_once_in_test_and_once_in_val(folds: int, seed: int) -> None:
    view, near = drawn(seed)
    found = [
        sides_of(view, near, method="kfold", seed=seed, folds=folds, fold=k + 1)
        for k in range(folds)
    ]
    numbers = [image.id for image in view.images]
    for side in ("test", "val"):
        assert sorted(chain(*(sides[side] for sides in found))) == numbers
    for sides, after in zip(found, [*found[1:], found[0]], strict=True):
        assert sorted(chain(*sides.values())) == numbers
        assert sides["val"] == after["test"]


def test_given_is_taken_as_it_is() -> None:
    view = images(("a", None, "train"), ("b", None, "val"), ("c", None, None), ("d", None, "test"))
    assert sides_of(view, method="given") == {"train": [1], "val": [2], "test": [4]}


def test_given_where_the_source_gives_none_is_refused() -> None:
    with pytest.raises(DataError, match="set: split `given`, but its source gives none"):
        sides_of(images(("a", None, None)), method="given")


def test_grouped_without_groups_is_refused() -> None:
    with pytest.raises(DataError, match="some images have no group; use `random`"):
        sides_of(images(("a", "g", None), ("b", None, None)), method="grouped")


def test_more_images_than_there_are_cannot_be_asked_for() -> None:
    view = images(*((f"{n}", None, None) for n in range(10)))
    with pytest.raises(DataError, match="ask for 11 of 10 images and leave nothing to train on"):
        sides_of(view, method="random", val=9, test=0.2)
