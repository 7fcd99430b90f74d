"""Undersampling: common classes shrink towards the limit, rare ones lose nothing."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable

import pytest

from fairtrial.data.balance import undersample
from fairtrial.data.dataset import Annotation, Dataset, Image


def of(*labels: list[int]) -> Dataset:
    """Images with one object for each label."""
    pictures = [Image(n, f"{n}.png", 9, 9, f"content {n}") for n in range(1, len(labels) + 1)]
    objects = [Annotation(n, k, None) for n, classes in enumerate(labels, 1) for k in classes]
    return Dataset(pictures, objects, {1: "a", 2: "b", 3: "c"})


def objects(dataset: Dataset, ids: Iterable[int]) -> Counter[int]:
    """Objects by class on some images."""
    return Counter(a.category_id for a in dataset.annotations if a.image_id in set(ids))


def left_of(
    dataset: Dataset, ratio: float | None = None, cap: int | None = None, seed: int = 0
) -> list[int]:
    ids = [image.id for image in dataset.images]
    return undersample(dataset, ids, ratio, cap, seed)


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        pytest.param(1, 10, id="ratio 1"),
        pytest.param(2.5, 25, id="ratio 2.5"),
        pytest.param(20, 100, id="ratio 20"),
    ],
)
def test_single_classes_reach_the_ratio_exactly(ratio: float, expected: int) -> None:
    dataset = of(*[[1]] * 100, *[[2]] * 10, [], [])
    left = left_of(dataset, ratio)
    assert objects(dataset, left) == {1: expected, 2: 10}
    assert {111, 112} <= set(left), "images without objects stay"


def test_a_cap_holds_for_every_class() -> None:
    dataset = of(*[[1]] * 100, *[[2]] * 50, *[[3]] * 5)
    assert objects(dataset, left_of(dataset, cap=20)) == {1: 20, 2: 20, 3: 5}
    assert objects(dataset, left_of(dataset, ratio=2, cap=20)) == {1: 10, 2: 10, 3: 5}


def test_an_image_with_a_rare_class_stays_though_it_holds_common_ones() -> None:
    dataset = of(*[[1] * 10] * 20, *[[1] * 10 + [2]] * 4)
    left = left_of(dataset, 3)
    assert left == [21, 22, 23, 24]
    assert objects(dataset, left) == {1: 40, 2: 4}, "towards the ratio, not to it"


def test_a_class_never_falls_below_the_objects_that_it_needs() -> None:
    crowd = of([1] * 12, *[[2]] * 6)
    assert objects(crowd, left_of(crowd, cap=10)) == {1: 12, 2: 6}
    assert objects(crowd, left_of(crowd, ratio=1.5)) == {1: 12, 2: 6}
    three = of(*[[1] * 3] * 5, *[[2]] * 5)
    assert objects(three, left_of(three, cap=10)) == {1: 12, 2: 5}, "9 would be too few"
    part = of(*[[1]] * 20, *[[2]] * 7)
    assert objects(part, left_of(part, ratio=1.5)) == {1: 10, 2: 7}, "at most 1.5 each"


@pytest.mark.parametrize("seed", range(20), ids="seed {}".format)
def test_no_class_becomes_short_whatever_lies_on_the_images(seed: int) -> None:
    rng = random.Random(seed)
    dataset = of(*(rng.choices([1, 1, 1, 2, 3], k=rng.randint(0, 9)) for _ in range(60)))
    before, after = (
        objects(dataset, ids) for ids in (range(1, 61), left_of(dataset, 1.2, seed=seed))
    )
    needed = int(1.2 * min(before.values()))
    assert all(after[label] >= min(count, needed) for label, count in before.items())


@pytest.mark.parametrize("seed", range(5), ids="seed {}".format)
def test_the_order_of_the_images_does_not_matter(seed: int) -> None:
    rng = random.Random(seed)
    dataset = of(
        *([rng.choice([1, 1, 1, 2, 3]) for _ in range(rng.randint(0, 4))] for _ in range(80))
    )
    expected = left_of(dataset, 1.5, seed=seed)
    rng.shuffle(dataset.images)
    rng.shuffle(dataset.annotations)
    assert sorted(left_of(dataset, 1.5, seed=seed)) == expected
    assert len(expected) < 80


def test_the_choice_depends_on_the_seed() -> None:
    dataset = of(*[[1]] * 40, *[[2]] * 5)
    assert len({tuple(left_of(dataset, 1, seed=seed)) for seed in range(5)}) == 5


def test_images_of_other_splits_do_not_count() -> None:
    dataset = of(*[[1]] * 20, *[[2]] * 20)
    left = undersample(dataset, list(range(1, 23)), 1, None, 0)
    assert left[-2:] == [21, 22]
    assert len(left) == 4
