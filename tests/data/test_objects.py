"""What counts as an object, and boxes that are nearly one."""

from __future__ import annotations

import itertools
import random

import pytest

from fairtrial.data.balance import undersample
from fairtrial.data.boxes import overlap
from fairtrial.data.dataset import Annotation, Dataset
from fairtrial.data.objects import close_boxes
from fairtrial.data.splitting import assign
from fairtrial.data.summary import summarize
from fairtrial.settings.split_rule import SplitRule
from tests.data.test_splitting import images

Place = tuple[float, float, float, float]
A: Place = (10.0, 10.0, 20.0, 20.0)


def objects(*boxes: Place, label: int = 1, crowd: bool = False) -> list[Annotation]:
    return [Annotation(1, label, box, iscrowd=crowd) for box in boxes]


@pytest.mark.parametrize(
    ("rows", "repeated", "alike"),
    [
        pytest.param(objects(A, A, A), {1, 2}, [], id="equal"),
        pytest.param(objects(A, (10.009, 9.991, 20, 20)), {1}, [], id="but for rounding"),
        pytest.param(objects(A, (10.011, 10, 20, 20)), set(), [(0, 1)], id="more than rounding"),
        pytest.param(objects(A, (12.0, 10, 20, 20)), set(), [], id="apart"),
        pytest.param(objects((10.5, 10, 20, 20), A), set(), [(0, 1)], id="the earlier one first"),
        pytest.param(objects(A) + objects(A, label=2), set(), [], id="two classes"),
        pytest.param(objects(A) + objects(A, crowd=True), set(), [], id="an object in a crowd"),
        pytest.param(
            objects(A, (10.5, 10, 20, 20), crowd=True), set(), [], id="overlapping crowds"
        ),
        pytest.param(objects(A, A, crowd=True), {1}, [], id="a crowd twice"),
        pytest.param([Annotation(1, 1, None)] * 2, set(), [], id="classes of whole images"),
        pytest.param(objects(A, A, (10.5, 10, 20, 20)), {1}, [(0, 2)], id="one of them twice"),
    ],
)
def test_close_boxes(
    rows: list[Annotation], repeated: set[int], alike: list[tuple[int, int]]
) -> None:
    assert close_boxes(rows) == (repeated, alike)


def test_no_overlapping_pair_is_missed() -> None:
    """Against every two of many boxes."""
    rng = random.Random(0)
    rows = []
    for _ in range(60):
        x, y, w, h = (rng.uniform(5, 50) for _ in range(4))
        near = [(x, y, w, h), (x + rng.gauss(0, w / 30), y + rng.gauss(0, h / 30), w * 1.02, h)]
        rows += objects(*near, label=rng.randint(1, 2))
    expected = [
        (a, b)
        for (a, one), (b, other) in itertools.combinations(enumerate(rows), 2)
        if one.category_id == other.category_id and overlap(one.bbox or A, other.bbox or A) > 0.9
    ]
    assert len(expected) > 20
    assert close_boxes(rows) == (set(), expected)


def crowded() -> Dataset:
    """Six images: an object of class 1 on each of the first three, a crowd of class 2 on each."""
    dataset = images(*((f"{n}", None, None) for n in range(6)))
    dataset.categories = {1: "one", 2: "crowd"}
    dataset.annotations = [Annotation(n, 1, A) for n in (1, 2, 3)]
    dataset.annotations += [Annotation(n, 2, A, iscrowd=True) for n in range(1, 7)]
    return dataset


def test_a_summary_counts_no_crowds() -> None:
    summary = summarize(crowded(), range(1, 7))
    assert (summary.objects, summary.negatives) == (3, 3)
    assert {name: (c.images, c.objects) for name, c in summary.classes.items()} == {
        "one": (3, 3),
        "crowd": (0, 0),
    }


def test_crowds_have_no_part_in_the_balance() -> None:
    """Else `crowd` would be the common class, whose images are left out, and `one` the rare one."""
    left = undersample(crowded(), list(range(1, 7)), None, 2, 0)
    assert len(left) == 5
    assert {4, 5, 6} < set(left)


def test_crowds_have_no_part_in_stratification() -> None:
    rule = SplitRule(method="stratified", val=2, test=2)
    with_crowds, without = crowded(), crowded()
    without.annotations = [a for a in without.annotations if not a.iscrowd]
    assert assign(with_crowds, rule, [], [], "") == assign(without, rule, [], [], "")
