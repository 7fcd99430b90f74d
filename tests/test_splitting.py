"""Splits: no image, content or group on two sides, whatever the set looks like."""

from __future__ import annotations

import random
from itertools import chain, pairwise
from typing import Any

import pytest

from fairtrial import DataError
from fairtrial.dataset import SIDES, Annotation, Dataset, Image
from fairtrial.splitting import assign, refuse_leaks, select, summary

SEEDS = range(40)


def images(*rows: tuple[str, str | None, str | None]) -> Dataset:
    """A set of images, each with its content, group and side."""
    return Dataset(
        [
            Image(number, f"{number:03d}.png", 10, 10, content, group, side)
            for number, (content, group, side) in enumerate(rows, 1)
        ]
    )


def drawn(seed: int, *, groups: bool) -> Dataset:
    """A random set in which some images have equal content, also across groups."""
    rng = random.Random(seed)
    count = rng.randint(10, 80)
    contents = [f"{rng.getrandbits(64):016x}" for _ in range(rng.randint(count // 2, count))]
    names = [f"g{n}" for n in range(rng.randint(3, 20))] if groups else [None]
    return images(*((rng.choice(contents), rng.choice(names), None) for _ in range(count)))


def split(method: str, **settings: Any) -> dict[str, Any]:
    return {"method": method, "seed": 0, "val": 0.2, "test": 0.2} | settings


def on_sides(view: Dataset, sides: dict[str, list[int]], what: str) -> dict[str, set[str]]:
    """The contents (or groups) of each side."""
    return {
        side: {getattr(i, what) for i in view.images if i.id in set(sides[side])} for side in SIDES
    }


def disjoint(found: dict[str, set[Any]]) -> bool:
    return sum(map(len, found.values())) == len(set().union(*found.values()))


@pytest.mark.parametrize("seed", SEEDS)
def test_random_covers_the_set_and_parts_no_content(seed: int) -> None:
    view = drawn(seed, groups=False)
    sides = assign(view, split("random", seed=seed), "set")
    assert sorted(chain(*sides.values())) == [image.id for image in view.images]
    assert disjoint(on_sides(view, sides, "sha256"))
    refuse_leaks(view, sides, "set")


@pytest.mark.parametrize("seed", SEEDS)
def test_grouped_parts_neither_group_nor_content(seed: int) -> None:
    view = drawn(seed, groups=True)
    sides = assign(view, split("grouped", seed=seed), "set")
    assert sorted(chain(*sides.values())) == [image.id for image in view.images]
    assert disjoint(on_sides(view, sides, "sha256"))
    assert disjoint(on_sides(view, sides, "group"))
    refuse_leaks(view, sides, "set")


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
    sides = assign(view, split("grouped", seed=seed), "set")
    assert (
        len({s for s, found in on_sides(view, sides, "group").items() if found & set(names)}) == 1
    )


@pytest.mark.parametrize("method", ["random", "grouped"])
@pytest.mark.parametrize("seed", range(10))
def test_neither_order_nor_file_names_matter(method: str, seed: int) -> None:
    view = drawn(seed, groups=True)
    expected = on_sides(view, assign(view, split(method), "set"), "sha256")
    shuffled = list(view.images)
    random.Random(seed).shuffle(shuffled)
    renamed = [
        Image(n, f"other{n}.jpg", 10, 10, i.sha256, i.group) for n, i in enumerate(shuffled, 1)
    ]
    other = Dataset(renamed)
    assert on_sides(other, assign(other, split(method), "set"), "sha256") == expected


def test_a_split_depends_on_its_seed() -> None:
    view = drawn(1, groups=False)
    found = [assign(view, split("random", seed=seed), "set")["test"] for seed in range(5)]
    assert len({tuple(ids) for ids in found}) > 1


@pytest.mark.parametrize("count", [5, 10, 33, 240])
@pytest.mark.parametrize(("val", "test"), [(0.2, 0.2), (0.1, 0.3), (0.2, 0.0)])
def test_sizes_are_those_asked_for_to_one_image(count: int, val: float, test: float) -> None:
    view = images(*((f"{n}", None, None) for n in range(count)))
    sides = assign(view, split("random", val=val, test=test), "set")
    assert abs(len(sides["val"]) - val * count) <= 1
    assert abs(len(sides["test"]) - test * count) <= 1
    assert sides["test"] == [] or test > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_sizes_of_groups_are_near_the_shares(seed: int) -> None:
    """No side exceeds its share by more than the largest group."""
    rng = random.Random(seed)
    sizes = [rng.randint(1, 12) for _ in range(30)]
    view = images(
        *((f"{g}-{n}", f"{g}", None) for g, size in enumerate(sizes) for n in range(size))
    )
    sides = assign(view, split("grouped", seed=seed), "set")
    for side, share in (("val", 0.2), ("test", 0.2), ("train", 0.6)):
        assert abs(len(sides[side]) - share * sum(sizes)) <= 12


def test_given_is_taken_as_it_is() -> None:
    view = images(("a", None, "train"), ("b", None, "val"), ("c", None, None), ("d", None, "test"))
    assert assign(view, split("given"), "set") == {"train": [1], "val": [2], "test": [4]}


def test_given_where_the_source_gives_none_is_refused() -> None:
    with pytest.raises(DataError, match="set: split `given`, but its source gives none"):
        assign(images(("a", None, None)), split("given"), "set")


def test_grouped_without_groups_is_refused() -> None:
    with pytest.raises(DataError, match="some images have no group; use `random`"):
        assign(images(("a", "g", None), ("b", None, None)), split("grouped"), "set")


def test_a_leak_of_equal_images_is_counted_and_shown() -> None:
    rows = [("same", None, "train"), ("same", None, "test"), ("two", None, "val")]
    view = images(*rows, ("two", None, "test"), ("own", None, "train"))
    with pytest.raises(
        DataError,
        match=r"one content on two sides \(cases: 2\), such as 002\.png in "
        r"test and 001\.png in train.*`random` or `grouped`",
    ):
        refuse_leaks(view, assign(view, split("given"), "set"), "set")


def test_random_on_grouped_images_is_refused() -> None:
    view = images(*((f"{n}", f"patient{n % 5}", None) for n in range(50)))
    with pytest.raises(
        DataError, match=r"one group on two sides \(cases: 5\), such as group patient0"
    ):
        refuse_leaks(view, assign(view, split("random"), "set"), "set")


def test_select_keeps_the_order_asked_for_and_images_without_objects() -> None:
    source = images(("a", None, None), ("b", None, None))
    source.categories = {1: "cat", 2: "dog", 3: "owl"}
    source.annotations = [Annotation(1, k, (0.0, 0.0, 1.0, 1.0), 1.0) for k in (1, 2, 3)]
    view = select(source, ["owl", "cat"], "set")
    assert view.categories == {1: "owl", 2: "cat"}
    assert [a.category_id for a in view.annotations] == [1, 2]
    assert len(view.images) == 2


def test_select_of_an_unknown_class_names_those_there_are() -> None:
    source = Dataset(categories={1: "cat", 2: "dog"})
    with pytest.raises(DataError, match=r"set: no class cow, pig; it has cat, dog"):
        select(source, ["cow", "cat", "pig"], "set")


def test_summary_counts_images_objects_and_groups() -> None:
    view = images(("a", "g", None), ("b", "g", None), ("c", "h", None))
    view.categories = {1: "cat", 2: "dog"}
    view.annotations = [Annotation(i, 1, (0.0, 0.0, 1.0, 1.0), 1.0) for i in (1, 1, 2, 3)]
    assert summary(view, [1, 2]) == {
        "images": 2,
        "objects": 3,
        "groups": 1,
        "classes": {"cat": {"images": 2, "objects": 3}, "dog": {"images": 0, "objects": 0}},
    }
