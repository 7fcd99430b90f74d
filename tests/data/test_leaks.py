"""A split that leaks is refused, and says by how many images."""

from __future__ import annotations

from collections.abc import Sequence

from fairtrial import DataError
from fairtrial.data.dataset import Dataset, Image
from fairtrial.data.leaks import find_leaks, refuse_leaks
from tests.data.test_splitting import images, splits_of
from tests.facts import refused


def leaks_of(dataset: Dataset, near: Sequence[list[int]] = ()) -> dict[str, tuple[int, int]]:
    """Sets and images by kind of leak, in the splits that the images name."""
    leaks = find_leaks(dataset.images, splits_of(dataset, method="given"), list(near))
    return {leak.kind: (leak.sets, leak.images) for leak in leaks}


def test_each_kind_is_counted_in_sets_and_images() -> None:
    rows = [("same", "p1", "train"), ("same", "p1", "test"), ("two", "p2", "val")]
    dataset = images(*rows, ("two", None, "test"), ("own", "p1", "train"), ("six", "p2", "val"))
    assert leaks_of(dataset, [[1, 5], [3, 6, 5]]) == {
        "content": (2, 4),
        "group": (1, 3),
        "near": (1, 3),
    }


def test_what_is_in_one_split_or_none_is_no_leak() -> None:
    dataset = images(("a", "p", "val"), ("a", "p", "val"), ("a", "p", None), ("b", None, "train"))
    assert leaks_of(dataset, [[1, 2, 3]]) == {}


def test_images_without_group_share_none() -> None:
    assert leaks_of(images(("a", None, "train"), ("b", None, "val"), ("c", "", "test"))) == {}


def test_a_refusal_counts_shows_and_says_what_to_do() -> None:
    dataset = images(
        *((f"{n}", f"p{n % 4}", split) for n, split in enumerate(["train", "val"] * 6))
    )
    dataset.images.append(Image(13, "b.png", 1, 1, "0", "p9", "test"))
    leaks = find_leaks(dataset.images, splits_of(dataset, method="given"), [])
    counts, remedies = (
        ["2 images", "identical files", "sets: 1"],
        ["`random`", "`allow: [content]`"],
    )
    with refused(DataError, "set: ", *counts, "b.png in test", "001.png in train", *remedies):
        refuse_leaks(leaks, [], "set")


def test_groups_call_for_grouped() -> None:
    dataset = images(*((f"{n}", f"p{n % 5}", None) for n in range(50)))
    splits = splits_of(dataset, method="random")
    leaks = find_leaks(dataset.images, splits, [])
    with refused(DataError, "set: ", "50 images", "one group", "`grouped`", "`allow: [group]`"):
        refuse_leaks(leaks, ["content", "near"], "set")
    refuse_leaks(leaks, ["group"], "set")
