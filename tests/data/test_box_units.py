"""Boxes in another unit are noticed together, and good ones never are."""

from __future__ import annotations

import numpy as np
import pytest

from fairtrial.data.box_reading import BoxReading
from fairtrial.data.box_units import wrong_units
from fairtrial.data.boxes import Box
from fairtrial.data.dataset import Annotation, Dataset, Image
from tests.facts import missing_facts

SIZE = (640, 480)
REMEDIES = {unit: f"the remedy of {unit}" for unit in ("percent", "pixels", "shares", "corners")}
REMEDIES |= {"sizes": "the remedy of sizes"}


def boxes(count: int, seed: int = 0) -> list[Box]:
    """Boxes anywhere on an image, in pixels: left, top, width, height."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        w, h = (float(rng.uniform(0.05, 0.5) * side) for side in SIZE)
        found.append((float(rng.uniform(0, 640 - w)), float(rng.uniform(0, 480 - h)), w, h))
    return found


def scaled(box: Box, factor: float = 1) -> Box:
    """A box in shares of the image, times a factor."""
    values = [value / SIZE[at % 2] * factor for at, value in enumerate(box)]
    return values[0], values[1], values[2], values[3]


def source(rows: list[Box], relative: bool = False) -> Dataset:
    """Two boxes an image."""
    images = [Image(n, f"{n}.jpg", *SIZE, relative=relative) for n in range(1, len(rows) // 2 + 1)]
    annotations = [Annotation(at // 2 + 1, 1, box) for at, box in enumerate(rows)]
    return Dataset(images, annotations, {1: "cat"})


def looks(dataset: Dataset) -> str:
    """What is said of a source; "" where nothing is."""
    sizes = {i.id: (i.width, i.height) for i in dataset.images}
    found = wrong_units(dataset, sizes, BoxReading(REMEDIES))
    return found[0].seen if found else ""


def as_corners(box: Box) -> Box:
    return box[0], box[1], box[0] + box[2], box[1] + box[3]


def from_sizes(box: Box) -> Box:
    """What a reader of corners makes of a file that holds sizes in their place."""
    return box[0], box[1], box[2] - box[0], box[3] - box[1]


@pytest.mark.parametrize("seed", range(20), ids="seed {}".format)
@pytest.mark.parametrize("count", [2, 4, 40], ids="{} boxes".format)
def test_good_boxes_are_never_doubted(count: int, seed: int) -> None:
    rows = boxes(count, seed)
    assert looks(source(rows)) == ""
    assert looks(source([scaled(box) for box in rows], relative=True)) == ""


@pytest.mark.parametrize(
    ("rows", "relative", "unit", "fact"),
    [
        pytest.param(boxes(40), True, "pixels", "40 of 40 boxes", id="pixels as shares"),
        pytest.param(
            *([scaled(box, 100) for box in boxes(40)], True, "percent", "40 of 40 boxes"),
            id="percent as shares",
        ),
        pytest.param(
            [*map(scaled, boxes(26)), *(scaled(box, 100) for box in boxes(10))],
            *(True, "percent", "10 of 36 boxes, on 5 of 18 images"),
            id="percent in 5 of 18 files",
        ),
        pytest.param(
            *([scaled(box) for box in boxes(40)], False, "shares", "40 of 40 boxes"),
            id="shares as pixels",
        ),
        pytest.param(
            *(list(map(as_corners, boxes(40))), False, "corners", "x1, y1, x2, y2"), id="corners"
        ),
        pytest.param(
            *(list(map(from_sizes, boxes(40))), False, "sizes", "not two corners"), id="sizes"
        ),
    ],
)
def test_another_unit_is_named_with_its_remedy(
    rows: list[Box], relative: bool, unit: str, fact: str
) -> None:
    assert missing_facts(looks(source(rows, relative)), fact, f"the remedy of {unit}") == []


@pytest.mark.parametrize(
    "broken",
    [(600.0, 10.0, 90.0, 20.0), (700.0, 10.0, 20.0, 20.0), (90.0, 90.0, -40.0, 20.0)],
    ids=["over the edge", "outside", "inverted"],
)
def test_a_few_broken_boxes_are_no_other_unit(broken: Box) -> None:
    assert looks(source([*boxes(38), broken, broken])) == ""


def test_one_slip_among_many_images_is_no_other_unit() -> None:
    rows = [scaled(box) for box in boxes(200)]
    rows[3] = (200.0, 100.0, 20.0, 20.0)
    assert looks(source(rows, relative=True)) == ""
