"""Regions that count neither way: classes that a source calls ignored, as crowds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fairtrial import DataError
from fairtrial.data.dataset import Dataset


def with_ignored(dataset: Dataset, ignore: Sequence[str]) -> Dataset:
    """The set in which an object of a class of `ignore` is a crowd region of each other class.

    So a detection of any class there is neither right nor wrong, and nothing is learned there.

    Raises DataError for a class that is not there, and where no other one is left.
    """
    if not ignore:
        return dataset
    numbers = {name: number for number, name in dataset.categories.items()}
    if unknown := sorted(set(ignore) - set(numbers)):
        there = ", ".join(numbers)
        raise DataError(f"options: ignore: there is no class `{unknown[0]}`; there are {there}")
    ignored = {numbers[name] for name in ignore}
    kept = {number: name for number, name in dataset.categories.items() if number not in ignored}
    if not kept:
        raise DataError("options: ignore: names every class; nothing is left to detect")
    rows = []
    for row in dataset.annotations:
        if row.category_id in ignored:
            rows += [replace(row, category_id=number, iscrowd=True) for number in kept]
        else:
            rows.append(row)
    origins = {number: dataset.origins[number] for number in kept if number in dataset.origins}
    own = dataset.own_ids
    return Dataset(dataset.images, rows, kept, origins, dataset.label_files, own)
