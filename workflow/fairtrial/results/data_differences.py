"""How two data sets differ: means of what is measured on each image or object, side by side.

Images of one group are not independent, so that the standard error of a mean is that of sums over
groups (over images where there are none): Liang, K.-Y. and Zeger, S. (1986): Longitudinal data
analysis using generalized linear models. Biometrika 73, 13-22. Holm's correction is over all that
is compared. A difference that is sure may still be too small to matter: see `DataDifference`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fairtrial.data.dataset import SPLITS, Annotation, Image
from fairtrial.results.dataset import DatasetDescription

SURE = 0.01  # the largest p of a difference that is called one
SHIFT = 0.2  # the least difference that matters, in standard deviations (Cohen's "small")
RATIO = 1.5  # or the least ratio of two shares or counts


@dataclass(frozen=True)
class Measured:
    """A quantity on n images or objects of one data set: values (n,), and the number of the group,
    or image, to which each belongs (n,)."""

    values: NDArray[np.float64]
    clusters: NDArray[np.int64]

    @property
    def mean(self) -> float:
        """The mean; NaN where nothing was measured."""
        return float(self.values.mean()) if len(self.values) else math.nan

    @property
    def variance_of_mean(self) -> float:
        """The variance of the mean over other groups; NaN with fewer than two."""
        groups = len(np.unique(self.clusters))
        if groups < 2:
            return math.nan
        _, number = np.unique(self.clusters, return_inverse=True)
        sums = np.bincount(number, self.values - self.mean)
        return float((sums**2).sum() / len(self.values) ** 2 * groups / (groups - 1))


@dataclass(frozen=True)
class DataDifference:
    """A quantity of two data sets. `kind`: `share` (0..1), `count` or `ratio` (both above 0).

    `p` is that of equal means, two-sided, with Holm's correction; NaN where it is unknown.
    """

    label: str
    kind: str
    first: float
    second: float
    p: float
    shift: float  # of the means, in standard deviations of both together

    @property
    def matters(self) -> bool:
        """Whether it is more than chance, and large enough to change what a model learns."""
        if not self.p < SURE:
            return False
        low, high = sorted((self.first, self.second))
        return abs(self.shift) >= SHIFT or high >= RATIO * low


def differences(first: DatasetDescription, second: DatasetDescription) -> list[DataDifference]:
    """All quantities that both data sets have, the surest differences first."""
    left, right = _measured(first), _measured(second)
    compared = [_compare(label, left[label], right[label]) for label in left if label in right]
    ps = _holm([difference.p for difference in compared])
    corrected = [replace(d, p=p) for d, p in zip(compared, ps, strict=True)]
    return sorted(corrected, key=lambda d: (math.isnan(d.p), d.p, -abs(d.shift), d.label))


def classes_of_one(
    first: DatasetDescription, second: DatasetDescription
) -> tuple[list[str], list[str]]:
    """The classes with objects in the first data set alone, and in the second alone."""
    left, right = _used_classes(first), _used_classes(second)
    return sorted(left - right), sorted(right - left)


def _compare(label: str, left: Measured, right: Measured) -> DataDifference:
    gap = left.mean - right.mean
    error = math.sqrt(left.variance_of_mean + right.variance_of_mean)
    both = np.concatenate([left.values - left.mean, right.values - right.mean])
    sd = float(both.std()) if len(both) else math.nan
    p = math.erfc(abs(gap) / error / math.sqrt(2)) if error > 0 else (math.nan if gap else 1.0)
    return DataDifference(
        label, _kind(label), left.mean, right.mean, p, gap / sd if sd > 0 else 0.0
    )


def _kind(label: str) -> str:
    if label.startswith(("class ", "images without", "centres")) or "share" in label:
        return "share"
    return "ratio" if "width / height" in label else "count"


def _holm(ps: list[float]) -> list[float]:
    """Holm's correction; NaN stays NaN and counts as no test."""
    order = sorted((p, n) for n, p in enumerate(ps) if not math.isnan(p))
    corrected, highest = list(ps), 0.0
    for smaller, (p, number) in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - smaller) * p))
        corrected[number] = highest
    return corrected


def _used(description: DatasetDescription) -> tuple[list[Image], list[Annotation]]:
    """The images with labels in a split, and their objects (no crowds)."""
    ids = {number for split in SPLITS for number in description.certificate.labelled[split]}
    dataset = description.dataset
    images = [image for image in dataset.images if image.id in ids]
    return images, [a for a in dataset.annotations if a.image_id in ids and not a.iscrowd]


def _used_classes(description: DatasetDescription) -> set[str]:
    names = description.dataset.categories
    return {names[annotation.category_id] for annotation in _used(description)[1]}


def _measured(description: DatasetDescription) -> dict[str, Measured]:
    """Label → what is compared."""
    images, objects = _used(description)
    groups = {image.group: n for n, image in enumerate(images) if image.group is not None}
    clusters = {
        image.id: n if image.group is None else groups[image.group]
        for n, image in enumerate(images)
    }
    return dict(
        [
            *_of_images(description, images, objects, clusters),
            *_of_boxes(images, objects, clusters),
        ]
    )


def _of_images(
    description: DatasetDescription,
    images: list[Image],
    objects: list[Annotation],
    clusters: dict[int, int],
) -> Iterator[tuple[str, Measured]]:
    position = {image.id: n for n, image in enumerate(images)}
    of_cluster = np.array([clusters[image.id] for image in images], np.int64)
    counts = np.zeros((len(images), len(description.dataset.categories)))
    column = {category: n for n, category in enumerate(description.dataset.categories)}
    for annotation in objects:
        counts[position[annotation.image_id], column[annotation.category_id]] += 1
    yield "objects per image", Measured(counts.sum(axis=1), of_cluster)
    yield (
        "images without objects",
        Measured((counts.sum(axis=1) == 0).astype(np.float64), of_cluster),
    )
    sides = np.array([math.sqrt(image.width * image.height) for image in images])
    yield "side of the images (√area), pixels", Measured(sides, of_cluster)
    for category, name in description.dataset.categories.items():
        if counts[:, column[category]].any():
            yield (
                f"class {name}: images that have it",
                Measured((counts[:, column[category]] > 0).astype(np.float64), of_cluster),
            )


def _of_boxes(
    images: list[Image], objects: list[Annotation], clusters: dict[int, int]
) -> Iterator[tuple[str, Measured]]:
    sizes = {image.id: (image.width, image.height) for image in images}
    boxes = np.array(
        [(*a.bbox, *sizes[a.image_id]) for a in objects if a.bbox], np.float64
    ).reshape(-1, 6)
    if not len(boxes):
        return
    of_cluster = np.array([clusters[a.image_id] for a in objects if a.bbox], np.int64)
    x, y, width, height, image_width, image_height = boxes.T
    side = np.sqrt(width * height / (image_width * image_height))
    yield "side of the boxes (√area), share of the image's", Measured(side, of_cluster)
    left, above = (x + width / 2) / image_width, (y + height / 2) / image_height
    yield "centres of the boxes from the left, share", Measured(left, of_cluster)
    yield "centres of the boxes from above, share", Measured(above, of_cluster)
    yield "width / height of the boxes", Measured(width / height, of_cluster)
