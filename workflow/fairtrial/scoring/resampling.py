"""Resamples of a split: its independent units, drawn anew with replacement.

What another sample of images would have said is estimated by drawing from the images at hand
(Efron, B. (1979): Bootstrap methods: another look at the jackknife. Annals of Statistics 7, 1-26).
Images that belong together, such as those of a patient, are drawn together: taken for independent
ones they would make every interval too short.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairtrial.data.dataset import Image
from fairtrial.data.ground_truth import content_id

RESAMPLES = 1000


@dataclass(frozen=True)
class UnitDraws:
    """How often each of N images is in each of B resamples: `weights` (B, N), image by image in
    the order of their ids. `unit_of_image` (N,): the independent unit of each, of `units`."""

    weights: NDArray[np.int32]
    unit_of_image: NDArray[np.int64]
    unit_name: str

    @property
    def units(self) -> int:
        """How many independent units there are."""
        return int(self.unit_of_image.max(initial=-1)) + 1


def draw(
    images: Sequence[Image],
    dependent: Sequence[Sequence[int]],
    unit_name: str,
    truth_sha256: str,
    resamples: int = RESAMPLES,
) -> UnitDraws:
    """Draw the units of a split.

    `dependent`: sets of image ids that are one unit each, as split.json lists them; any other
    image is a unit of its own. The draws depend on nothing but the ground truth
    (`truth_sha256`) and its units, so that all runs on it are compared on equal resamples.
    """
    of_image = unit_of_image(images, dependent)
    return UnitDraws(draw_weights(of_image, truth_sha256, resamples), of_image, unit_name)


def unit_of_image(images: Sequence[Image], dependent: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    """The number of the unit of each image, in the order of their ids. Units are numbered by the
    content of their images, since ids may differ between two data sets of equal content."""
    unit_of = {number: ids[0] for ids in dependent for number in ids}
    numbers: dict[int, int] = {}  # by the unit's first image
    for image in sorted(images, key=lambda image: (content_id(image), image.id)):
        numbers.setdefault(unit_of.get(image.id, image.id), len(numbers))
    ids = sorted(image.id for image in images)
    return np.array([numbers[unit_of.get(number, number)] for number in ids], dtype=np.int64)


def draw_weights(
    unit_of_image: NDArray[np.int64], truth_sha256: str, resamples: int = RESAMPLES
) -> NDArray[np.int32]:
    """How often each image (N,) is in each resample, (B, N): as many units as there are, drawn
    with replacement by a generator that `truth_sha256` seeds."""
    units = int(unit_of_image.max(initial=-1)) + 1
    generator = np.random.default_rng(int(truth_sha256, 16))
    weights = np.zeros((resamples, len(unit_of_image)), dtype=np.int32)
    for row in weights:
        drawn = generator.integers(units, size=units)
        row[:] = np.bincount(drawn, minlength=units)[unit_of_image]
    return weights
