"""duplicates.json: which images of a source are copies of one another, or look alike."""

from __future__ import annotations

from dataclasses import dataclass

from fairtrial.data.dataset import Dataset
from fairtrial.files.modelfile import FileModel


class DoubtfulPair(FileModel):
    """Two files so alike that a person should look at them."""

    a: str
    b: str
    distance: int  # bits in which their hashes differ
    difference: float  # mean difference of the pixels, as a share of the contrast


class Duplicates(FileModel):
    """duplicates.json: clusters of file names, and doubtful pairs.

    `exact`: equal bytes; `near`: other files that show the same picture. An exact cluster may be
    part of a near one.
    """

    exact: list[list[str]]
    near: list[list[str]]
    doubtful: list[DoubtfulPair]


@dataclass(frozen=True)
class DoubtfulImages:
    """A doubtful pair of a data set, as image ids."""

    images: tuple[int, int]
    distance: int
    difference: float


@dataclass(frozen=True)
class ImageDuplicates:
    """The duplicates within a data set, as image ids."""

    exact: list[list[int]]
    near: list[list[int]]
    doubtful: list[DoubtfulImages]


def within(dataset: Dataset, duplicates: Duplicates) -> ImageDuplicates:
    """The duplicates of a source that are in a data set made from it."""
    ids = {image.file_name: image.id for image in dataset.images}
    return ImageDuplicates(
        exact=_clusters(duplicates.exact, ids),
        near=_clusters(duplicates.near, ids),
        doubtful=[
            DoubtfulImages((ids[pair.a], ids[pair.b]), pair.distance, pair.difference)
            for pair in duplicates.doubtful
            if pair.a in ids and pair.b in ids
        ],
    )


def _clusters(clusters: list[list[str]], ids: dict[str, int]) -> list[list[int]]:
    inside = [[ids[file] for file in files if file in ids] for files in clusters]
    return [images for images in inside if len(images) > 1]
