"""duplicates.json: which images of a source are copies of one another, or look alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import not_

from pydantic import Field

from fairtrial import DataError
from fairtrial.data.dataset import Dataset
from fairtrial.data.union_find import joined
from fairtrial.files.modelfile import FileModel


class DoubtfulPair(FileModel):
    """Two files so alike that a person should look at them."""

    a: str
    b: str
    distance: int  # bits in which their hashes differ
    difference: float  # mean difference of the pixels, as a share of the contrast


Pair = tuple[str, str]  # of file names, in alphabetical order


class Duplicates(FileModel):
    """duplicates.json: clusters of file names, and doubtful pairs.

    `exact`: equal bytes; `near`: other files that show the same picture. An exact cluster may be
    part of a near one. `versions`: files that by their names are augmented versions of one picture,
    each set a part of a near one. `same` and `different`: pairs that a person has decided.
    """

    exact: list[list[str]]
    near: list[list[str]]
    doubtful: list[DoubtfulPair]
    versions: list[list[str]] = Field(default_factory=list, exclude_if=not_)
    same: list[Pair] = Field(default_factory=list, exclude_if=not_)
    different: list[Pair] = Field(default_factory=list, exclude_if=not_)


@dataclass(frozen=True)
class Decisions:
    """Pairs of files of which a person has said whether they show one picture."""

    same: list[Pair] = field(default_factory=list)
    different: list[Pair] = field(default_factory=list)

    @classmethod
    def of(
        cls, same: Iterable[Pair], different: Iterable[Pair], names: Mapping[str, str], where: str
    ) -> Decisions:
        """The pairs in names of clean files. `names`: the clean file by its own name and by that of
        its raw file; empty for an image that was dropped, whose pairs are left out.

        Raises DataError, naming `where`, for a name that is none of these.
        """
        unknown = sorted({n for p in (*same, *different) for n in p if n not in names})
        if unknown:
            raise DataError(
                f"{where}: `same` and `different` name what is no image of the source: "
                f"{', '.join(unknown)}"
            )
        return cls(_sorted_pairs(same, names), _sorted_pairs(different, names))


def _sorted_pairs(pairs: Iterable[Pair], names: Mapping[str, str]) -> list[Pair]:
    kept = set()
    for pair in pairs:
        a, b = sorted(names[name] for name in pair)
        if a and b:
            kept.add((a, b))
    return sorted(kept)


@dataclass(frozen=True)
class DoubtfulImages:
    """A doubtful pair of a data set, as image ids."""

    images: tuple[int, int]
    distance: int
    difference: float


@dataclass(frozen=True)
class ImageDuplicates:
    """The duplicates within a data set, as image ids.

    `versions`: how many pictures have augmented versions; `same` and `different`: how many pairs
    a person has decided.
    """

    exact: list[list[int]]
    near: list[list[int]]
    doubtful: list[DoubtfulImages]
    versions: int = 0
    same: int = 0
    different: int = 0


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
        versions=len(_clusters(duplicates.versions, ids)),
        same=len(_clusters(duplicates.same, ids)),
        different=len(_clusters(duplicates.different, ids)),
    )


def decided(
    found: ImageDuplicates,
    same: Sequence[Pair],
    different: Sequence[Pair],
    dataset: Dataset,
    where: str,
) -> ImageDuplicates:
    """The duplicates with what a data set decides on pairs of its files.

    Raises DataError, naming `where`, for a file that is none of the set, and for two of `different`
    that are copies of a third picture, too, which only a source can part.
    """
    ids = {image.file_name: image.id for image in dataset.images}
    if unknown := sorted({n for pair in (*same, *different) for n in pair if n not in ids}):
        raise DataError(
            f"{where}: `same` and `different` name what is no image of the data set: "
            f"{', '.join(unknown)}"
        )
    one = [sorted((ids[a], ids[b])) for a, b in same]
    two = [sorted((ids[a], ids[b])) for a, b in different]
    for pair, names in zip(two, different, strict=True):
        if any(set(pair) < set(cluster) for cluster in found.near):
            raise DataError(
                f"{where}: `different`: {' and '.join(names)} are in a cluster with other copies; "
                "decide on them in the source, which finds the copies anew"
            )
    near = [cluster for cluster in found.near if sorted(cluster) not in two]
    doubtful = [pair for pair in found.doubtful if sorted(pair.images) not in one + two]
    return replace(
        found,
        near=joined([*near, *one]) if one else near,
        doubtful=doubtful,
        same=found.same + len(one),
        different=found.different + len(two),
    )


def clusters_within(clusters: Iterable[list[int]], images: Iterable[int]) -> list[list[int]]:
    """What of the clusters is among some images, where that is two or more."""
    inside = set(images)
    kept = [[number for number in cluster if number in inside] for cluster in clusters]
    return [cluster for cluster in kept if len(cluster) > 1]


def _clusters(clusters: Iterable[Sequence[str]], ids: dict[str, int]) -> list[list[int]]:
    inside = [[ids[file] for file in files if file in ids] for files in clusters]
    return [images for images in inside if len(images) > 1]
