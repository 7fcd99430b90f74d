"""Which differences between two data sets are told, and which are not."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from certificates import write_certificate
from fairtrial.data.dataset import Annotation, Dataset, Image, write
from fairtrial.results.data_differences import (
    DataDifference,
    Measured,
    classes_of_one,
    differences,
)
from fairtrial.results.dataset import DatasetDescription


@dataclass
class Pictures:
    """Images with drawn boxes. `boxes`: the number on each image; `groups`: that of each image."""

    boxes: list[int]
    groups: list[str | None] = field(default_factory=list)
    classes: tuple[str, ...] = ("cell",)
    side: float = 10.0

    def described(self, name: str, root: Path) -> DatasetDescription:
        dataset = Dataset(categories=dict(enumerate(self.classes, 1)))
        for number, boxes in enumerate(self.boxes, 1):
            group = self.groups[number - 1] if self.groups else None
            image = Image(number, f"{number}.png", 100, 100, f"{number:064}", group)
            dataset.images.append(image)
            for n in range(boxes):
                category = n % len(self.classes) + 1
                x = 5.0 + 3 * n
                box = (x, 20.0, self.side, self.side)
                dataset.annotations.append(
                    Annotation(number, category, box, self.side**2, False, 100 * number + n)
                )
        folder = root / "sets" / name
        folder.mkdir(parents=True)
        write(dataset, folder / "annotations.json")
        write_certificate(folder / "split.json", range(1, len(self.boxes) + 1))
        return DatasetDescription(name, root)


def by_label(found: list[DataDifference]) -> dict[str, DataDifference]:
    return {difference.label: difference for difference in found}


def test_a_set_does_not_differ_from_its_copy(tmp_path: Path) -> None:
    pictures = Pictures([1, 2, 3, 4] * 10)
    one, two = pictures.described("a", tmp_path), pictures.described("b", tmp_path)
    found = differences(one, two)
    assert found
    assert not any(difference.matters for difference in found)
    assert all(difference.first == difference.second for difference in found)


def test_more_and_larger_boxes_are_told_and_nothing_else(tmp_path: Path) -> None:
    one = Pictures([1, 2, 3, 4] * 10).described("a", tmp_path)
    two = Pictures([2, 4, 6, 8] * 10, side=20.0).described("b", tmp_path)
    found = by_label(differences(one, two))
    assert (found["objects per image"].first, found["objects per image"].second) == (2.5, 5.0)
    side = found["side of the boxes (√area), share of the image's"]
    assert (side.first, side.second) == (pytest.approx(0.1), pytest.approx(0.2))
    assert found["objects per image"].matters
    assert not found["side of the images (√area), pixels"].matters
    assert not found["width / height of the boxes"].matters
    assert not found["images without objects"].matters


def test_frames_of_two_patients_are_no_proof(tmp_path: Path) -> None:
    """Forty frames each, but of two patients each: the same numbers are sure without groups."""
    counts = [2] * 20 + [6] * 20, [4] * 20 + [10] * 20
    groups = ["p"] * 20 + ["q"] * 20
    single = [Pictures(c).described(f"single{n}", tmp_path) for n, c in enumerate(counts)]
    grouped = [
        Pictures(c, list(groups)).described(f"group{n}", tmp_path) for n, c in enumerate(counts)
    ]
    assert by_label(differences(*single))["objects per image"].matters
    assert not by_label(differences(*grouped))["objects per image"].matters


def test_classes_of_one_set_alone_are_named(tmp_path: Path) -> None:
    one = Pictures([2] * 4, classes=("cell", "clot")).described("a", tmp_path)
    two = Pictures([2] * 4, classes=("cell", "ring")).described("b", tmp_path)
    assert classes_of_one(one, two) == (["clot"], ["ring"])


def test_a_declared_class_without_objects_is_no_class_of_a_set(tmp_path: Path) -> None:
    one = Pictures([1] * 4, classes=("cell", "clot")).described("a", tmp_path)
    two = Pictures([1] * 4).described("b", tmp_path)
    assert classes_of_one(one, two) == ([], [])


def test_the_error_of_a_mean_is_that_of_drawing_whole_groups() -> None:
    rng = np.random.default_rng(1)
    clusters = np.repeat(np.arange(30), 8)
    values = rng.normal(0, 1, 30)[clusters] + rng.normal(0, 0.5, 240)
    measured = Measured(values, clusters)
    draws = rng.integers(0, 30, (4000, 30))
    means = values.reshape(30, 8).mean(axis=1)[draws].mean(axis=1)
    drawn = means.var(ddof=1) * 30 / 29
    assert measured.variance_of_mean == pytest.approx(drawn, rel=0.08)
    single = Measured(values, np.arange(240)).variance_of_mean
    assert single == pytest.approx(values.var(ddof=1) / 240), "the textbook's, without groups"


def test_one_group_has_no_error_of_its_mean(tmp_path: Path) -> None:
    assert math.isnan(Measured(np.array([1.0, 2.0]), np.array([0, 0])).variance_of_mean)
    groups: list[str | None] = ["p"] * 8
    one = Pictures([1] * 8, groups).described("a", tmp_path)
    two = Pictures([9] * 8, groups).described("b", tmp_path)
    assert not any(difference.matters for difference in differences(one, two))
