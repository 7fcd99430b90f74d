"""Labels in a picture neither touch each other nor leave it."""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from fairtrial.figures.labels import Labels
from fairtrial.figures.marks import LONG, texts_of
from fairtrial.results.marked_boxes import RIGHT, MarkedBox


def touch(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    """By the area that two rectangles share."""
    wide = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    high = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    return wide > 1e-9 and high > 1e-9


@pytest.mark.parametrize("count", [1, 8, 60])
def test_labels_stay_apart_and_inside(count: int) -> None:
    rng = random.Random(count)
    labels = Labels(width=320, height=240, pixels=2, size=6.5)
    for _ in range(count):
        x, y = rng.uniform(-5, 310), rng.uniform(-5, 230)
        labels.place((x, y, rng.uniform(1, 120), rng.uniform(1, 90)), ["a long name .87", "a"])
    rectangles = [label.box for label in labels.placed]
    assert len(rectangles) >= min(count, 8)
    assert not any(touch(a, b) for a, b in combinations(rectangles, 2))
    for x, y, width, height in rectangles:
        assert x >= -0.2
        assert y >= -0.2
        assert x + width <= 320.2
        assert y + height <= 240.2


def test_a_label_at_the_right_edge_is_whole() -> None:
    labels = Labels(width=200, height=200, pixels=1, size=6.5)
    label = labels.place((190, 100, 10, 10), ["articulated lorry .87"])
    assert label is not None
    assert label.text == "articulated lorry .87"
    assert label.box[0] + label.box[2] <= 200.2


def test_where_the_long_text_has_no_room_the_short_one_stands() -> None:
    labels = Labels(width=30, height=30, pixels=1, size=6.5)
    label = labels.place((5, 10, 10, 10), ["articulated lorry .87", "≠"])
    assert label is not None
    assert label.text == "≠"


def test_without_any_room_there_is_no_label() -> None:
    labels = Labels(width=4, height=4, pixels=1, size=6.5)
    assert labels.place((0, 0, 4, 4), ["lorry", "≠"]) is None


def box(name: str, kind: str = RIGHT) -> MarkedBox:
    return MarkedBox((0.0, 0.0, 10.0, 10.0), kind, name, confidence=0.8)


def test_long_names_of_classes_stay_distinct() -> None:
    """They differ in the middle, where a name is cut otherwise."""
    names = tuple(f"class number {n} with a rather long name" for n in range(80))
    labels = {texts_of(box(name), names)[0] for name in names}
    assert len(labels) == len(names)
    assert max(map(len, labels)) <= len("x" * LONG + " .80")


def test_a_name_from_right_to_left_leaves_the_confidence_behind_it() -> None:
    label = texts_of(box("خلية"), ("خلية", "cellule"))[0]
    assert label == "\u200eخلية\u200e .80"
