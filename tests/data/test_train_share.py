"""Which images a training with a share of train learns from."""

from __future__ import annotations

from itertools import pairwise

import pytest

from certificates import certificate
from facts import refused
from fairtrial import DataError
from fairtrial.data.certificate import SplitCertificate
from fairtrial.data.dataset import Annotation, Dataset, Image
from fairtrial.data.train_share import with_train_share

SHARES = (0.05, 0.1, 0.25, 0.5, 0.75, 1.0)


def a_set(count: int = 40) -> Dataset:
    images = [Image(n, f"{n:03}.png", 9, 9) for n in range(1, count + 1)]
    objects = [Annotation(n, 1, (1.0, 1.0, 2.0, 2.0), 4.0) for n in range(1, count + 1)]
    return Dataset(images, objects, {1: "cell"})


def a_certificate(units: list[list[int]] | None = None, seed: int = 0) -> SplitCertificate:
    """Thirty images in train, the other ten in val."""
    split = certificate(range(1, 31), range(31, 41))
    return split.model_copy(update={"units": units or [], "seed": seed})


def drawn(split: SplitCertificate, share: float, dataset: Dataset | None = None) -> set[int]:
    splits = with_train_share(dataset or a_set(), split, share, "split.json")
    assert splits["val"] == list(range(31, 41)), "only train is made smaller"
    return set(splits["train"])


def test_shares_nest_and_have_the_size_asked_for() -> None:
    parts = [drawn(a_certificate(), share) for share in SHARES]
    assert [len(part) for part in parts] == [2, 3, 8, 15, 23, 30]
    assert all(small < large for small, large in pairwise(parts))


def test_groups_stay_whole_and_nest() -> None:
    units = [list(range(first, first + 5)) for first in range(1, 41, 5)]
    parts = [drawn(a_certificate(units), share) for share in SHARES]
    assert [len(part) for part in parts] == [5, 5, 10, 15, 25, 30]
    assert all(small <= large for small, large in pairwise(parts))
    for part in parts:
        assert all(part.issuperset(unit) or part.isdisjoint(unit) for unit in units)


def test_a_unit_that_is_partly_elsewhere_counts_by_its_images_in_train() -> None:
    """Where a leak is allowed, a group may be in two splits."""
    part = drawn(a_certificate([[30, 31], [1, 2]]), 0.99)
    assert part == set(range(1, 31))


def test_the_seed_of_the_split_draws_and_the_order_of_images_does_not() -> None:
    dataset = a_set()
    turned = Dataset(dataset.images[::-1], dataset.annotations, dataset.categories)
    here = drawn(a_certificate(), 0.5)
    assert drawn(a_certificate(), 0.5, turned) == here
    assert drawn(a_certificate(seed=1), 0.5) != here


def test_images_that_are_added_to_other_splits_change_nothing() -> None:
    """Names are hashed, not numbers: these move when an image is added before them."""
    before = a_set()
    names = {image.file_name for image in before.images if image.id in drawn(a_certificate(), 0.5)}
    images = [
        Image(1, "000.png", 9, 9),
        *(Image(i.id + 1, i.file_name, 9, 9) for i in a_set().images),
    ]
    objects = [Annotation(image.id, 1, (1.0, 1.0, 2.0, 2.0), 4.0) for image in images]
    moved = certificate(range(2, 32), [1, *range(32, 42)])
    after = with_train_share(Dataset(images, objects, {1: "cell"}), moved, 0.5, "split.json")
    assert {image.file_name for image in images if image.id in after["train"]} == names


def test_a_share_without_an_object_is_refused() -> None:
    dataset, split = a_set(), a_certificate()
    kept = drawn(split, 0.1)
    dataset.annotations = [a for a in dataset.annotations if a.image_id not in kept]
    with refused(DataError, "split.json", "`train_share` 0.1", "3 of 30 images", "no object"):
        with_train_share(dataset, split, 0.1, "split.json")


@pytest.mark.parametrize("share", [1.0, 1])
def test_the_whole_is_the_split_itself(share: float) -> None:
    split = a_certificate([[1, 2]])
    assert with_train_share(Dataset(), split, share, "split.json") == split.splits
