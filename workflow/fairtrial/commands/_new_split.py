"""How `new` proposes to split a set: as its source does, by groups, or by classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from fairtrial.data.dataset import Dataset, Splits
from fairtrial.data.splitting import assign
from fairtrial.settings.split_rule import SplitRule

_TRIES = 50  # seeds that are tried
_LARGE = 5000  # images of a set for which one seed is tried


@dataclass(frozen=True)
class SplitChoice:
    """`split:` and `classes:` of a data set, and why they are so."""

    rule: Mapping[str, object]
    why: tuple[str, ...]
    classes: list[str] | None  # None: all
    left_out: list[str]


def split_choice(dataset: Dataset) -> SplitChoice:
    """The splits of the source where they can be used; else groups stay whole; else by classes."""
    given = {image.split for image in dataset.images}
    if {"train", "val"} <= given:
        splits = assign(dataset, SplitRule(method="given"), [], [], "")
        why = ["the source's own splits"]
        if "test" not in given:
            why.append("there is no test: val picks the best epoch, so its metrics flatter")
        return _choice(dataset, {"method": "given"}, splits, why)
    groups = {image.group for image in dataset.images}
    if None not in groups and len(groups) > 2:
        return _by_group(dataset)
    why = ["images are dealt out so that each class comes to every split"]
    if len(groups) > 1:
        why.append("they have groups too, but not all of them, or too few")
    rule: dict[str, object] = {"method": "stratified", "seed": 0, "val": 0.2, "test": 0.2}
    return _choice(dataset, rule, {"train": [image.id for image in dataset.images]}, why)


def _by_group(dataset: Dataset) -> SplitChoice:
    rule: dict[str, object] = {"method": "grouped", "stratify": True, "val": 0.2, "test": 0.2}
    seed, splits = _seed(dataset, rule)
    why = ["images of a group (patient, video) stay in one split"]
    if seed:
        why.append("the first seed with which train has the most classes")
    return _choice(dataset, rule | {"seed": seed}, splits, why)


def _seed(dataset: Dataset, rule: dict[str, object]) -> tuple[int, Splits]:
    """The first seed whose train has every class, or most, and whose val and test have objects."""
    best: tuple[tuple[int, int], int, Splits] | None = None
    for seed in range(1 if len(dataset.images) > _LARGE else _TRIES):
        splits = _splits(dataset, rule, seed)
        worth = _worth(dataset, splits)
        if best is None or worth > best[0]:
            best = worth, seed, splits
        if worth == (2, len(_classes(dataset, None))):
            break
    assert best is not None
    return best[1], best[2]


def _splits(dataset: Dataset, rule: dict[str, object], seed: int) -> Splits:
    """The splits as they will be, as long as no two images are copies of each other."""
    # contents are known after convert only; their order is by names until then
    images = [replace(image, sha256=image.file_name) for image in dataset.images]
    options = SplitRule.model_validate(rule | {"seed": seed})
    return assign(replace(dataset, images=images), options, [], [], "")


def _worth(dataset: Dataset, splits: Splits) -> tuple[int, int]:
    """How many of val and test have objects, and how many classes train has."""
    held_out = sum(bool(_classes(dataset, splits[split])) for split in ("val", "test"))
    return held_out, len(_classes(dataset, splits["train"]))


def _classes(dataset: Dataset, images: list[int] | None) -> set[int]:
    """The classes that have an object on these images; None: on any."""
    inside = None if images is None else set(images)
    rows = (row for row in dataset.annotations if not row.iscrowd)
    return {row.category_id for row in rows if inside is None or row.image_id in inside}


def _choice(
    dataset: Dataset, rule: Mapping[str, object], splits: Splits, why: list[str]
) -> SplitChoice:
    """The choice, with the classes that train has."""
    learned = _classes(dataset, splits["train"])
    names = {number: dataset.categories[number] for number in sorted(dataset.categories)}
    left_out = [name for number, name in names.items() if number not in learned]
    kept = [name for number, name in names.items() if number in learned]
    return SplitChoice(rule, tuple(why), kept if left_out else None, left_out)
