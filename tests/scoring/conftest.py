"""Scenes drawn in a few numbers, for hand-computed cases."""

from collections.abc import Callable, Sequence

import pytest

from fairtrial.data.dataset import Annotation, Dataset, Image
from fairtrial.scoring.predictions import ImageDetection

Scene = Callable[..., tuple[Dataset, list[ImageDetection]]]


@pytest.fixture
def scene() -> Scene:
    """scene(objects, detections): objects are (image, class, box[, "crowd"]), detections (image,
    class, box, confidence). A number n as a box is the 40×40 square at x = 100·n."""
    return _scene


def _scene(
    objects: Sequence[tuple],
    detections: Sequence[tuple],
    images: Sequence[int] = (1, 2, 3),
    categories: Sequence[int] = (1, 2),
) -> tuple[Dataset, list[ImageDetection]]:
    truth = Dataset(
        [Image(i, f"{i}.png", 1000, 100) for i in images],
        [
            Annotation(image, category, _box(box), _box(box)[2] * _box(box)[3], bool(crowd), n)
            for n, (image, category, box, *crowd) in enumerate(objects, 1)
        ],
        {k: f"class {k}" for k in categories},
    )
    boxes = [
        ImageDetection(image, category, _box(box), confidence)
        for image, category, box, confidence in detections
    ]
    return truth, sorted(boxes, key=lambda d: (d.image_id, -d.confidence))


def _box(box):
    return box if isinstance(box, tuple) else (100.0 * box, 0.0, 40.0, 40.0)
