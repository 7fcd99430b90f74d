"""Copies of one picture whose labels contradict each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from fairtrial.data.boxes import Box, overlap
from fairtrial.data.dataset import Annotation, Dataset, Image
from fairtrial.data.defect_actions import Actions
from fairtrial.data.defects import ContradictingCopies, ContradictingLabels, Defect
from fairtrial.data.duplicate_search import Thumbnail, contrasts
from fairtrial.data.duplicates import Duplicates
from fairtrial.data.picture_hashes import AS_IT_IS, SIDE, TURNS, Turn

OVERLAP = 0.5  # IoU of two boxes of one object
_ITS_COPY = "; its copy "
AGREEING = 0.5  # share of the objects of both copies, below which their labels contradict


@dataclass(frozen=True)
class Contradiction:
    """Copies of one picture, by file name, and a defect for each."""

    files: list[str]
    kind: type[Defect]
    defects: list[Defect]


def contradictions(
    dataset: Dataset, duplicates: Duplicates, thumbnails: Mapping[str, Thumbnail]
) -> list[Contradiction]:
    """The clusters of copies in which the labels of one contradict those of the first.

    Whole images contradict where their classes differ; boxes where less than half of the objects
    of both have one of their class in the same place of the other, as on a picture with boxes and a
    copy without. Versions of a picture, which were labelled once, are not compared.
    """
    images = {image.file_name: image for image in dataset.images}
    objects = dataset.by_image()
    version_of = {file: number for number, of in enumerate(duplicates.versions) for file in of}
    found = []
    for files in _labelled_clusters(duplicates, images):
        copies = [_Copy(images[file], objects[images[file].id], thumbnails[file]) for file in files]
        first = copies[0]
        others = [
            copy
            for copy in copies[1:]
            if version_of.get(first.file, -1) != version_of.get(copy.file, -2)
            and not first.agrees_with(copy)
        ]
        if others:
            equal = any(copy.image.sha256 == first.image.sha256 for copy in others)
            kind = ContradictingLabels if equal else ContradictingCopies
            defects = list(_defects(kind, copies, others, dataset.categories))
            found.append(Contradiction(files, kind, defects))
    return found


def left_out(found: list[Contradiction], actions: Actions) -> set[str]:
    """The files that the actions for such copies drop."""
    from_place = {"drop_image": 0, "keep_first": 1}
    dropped = set()
    for of_one in found:
        if (first := from_place.get(actions.of(of_one.kind))) is not None:
            dropped |= set(of_one.files[first:])
    return dropped


def _labelled_clusters(duplicates: Duplicates, images: Mapping[str, Image]) -> Iterator[list[str]]:
    """The files of each set of copies, without those of images that have no labels."""
    for files in _clusters(duplicates):
        labelled = [file for file in files if not images[file].unlabelled]
        if len(labelled) > 1:
            yield labelled


def _clusters(duplicates: Duplicates) -> Iterator[list[str]]:
    """The files of each set of copies, of equal bytes or near."""
    inside = {file for files in duplicates.near for file in files}
    yield from duplicates.near
    yield from (files for files in duplicates.exact if files[0] not in inside)


def _defects(
    kind: type[Defect], copies: list[_Copy], others: list[_Copy], names: dict[int, str]
) -> Iterator[Defect]:
    first = copies[0]
    for copy in copies:
        other = first if copy in others else others[0]
        seen = f"{copy.text(names)}{_ITS_COPY}{other.file}: {other.text(names)}"
        yield kind(copy.file, seen)


@dataclass(frozen=True)
class Contradicting:
    """Two copies as a case of a defect names them: their files, and what is on each in words."""

    files: tuple[str, str]
    labels: tuple[str, str]


def contradicting(case: str) -> Contradicting | None:
    """The copies that a case of quality.json names; None where it is no such case."""
    first, is_such, second = case.partition(_ITS_COPY)
    file, _, labels = first.partition(": ")
    other, _, of_other = second.rpartition(": ")
    return Contradicting((file, other), (labels, of_other)) if is_such else None


@dataclass(frozen=True, eq=False)
class _Copy:
    """An image, its objects and its thumbnail."""

    image: Image
    rows: list[Annotation]
    thumbnail: Thumbnail

    @property
    def file(self) -> str:
        return self.image.file_name

    def text(self, names: dict[int, str]) -> str:
        """What is on it, such as `2 cat, dog`."""
        count = Counter(names[row.category_id] for row in self.rows if not row.iscrowd)
        parts = [name if n == 1 else f"{n} {name}" for name, n in sorted(count.items())]
        return ", ".join(parts) or "no object"

    def agrees_with(self, other: _Copy) -> bool:
        """Whether the labels may be those of one picture."""
        if all(row.bbox is None for row in self.rows + other.rows):
            return {r.category_id for r in self.rows} == {r.category_id for r in other.rows}
        ones, others = self._placed(AS_IT_IS), other._placed(self._turn_of(other))
        found = len(ones) + len(others)
        return 2 * _matched(ones, others) >= AGREEING * found

    def _turn_of(self, other: _Copy) -> Turn:
        """The turn that makes the other picture look most like this one."""
        pixels = np.frombuffer(self.thumbnail + other.thumbnail, np.uint8)
        cells = contrasts(pixels.reshape(2, SIDE, SIDE))[0].astype(np.int64)
        apart = [int(np.abs(cells[:1] - turn.of(cells[1:])).sum()) for turn in TURNS]
        return TURNS[apart.index(min(apart))]

    def _placed(self, turn: Turn) -> list[tuple[int, Box]]:
        """Class and place of the objects on the turned picture, in shares of its size."""
        width, height = self.image.width, self.image.height
        placed = []
        for row in self.rows:
            if row.bbox is not None and not row.iscrowd:
                x, y, w, h = row.bbox
                box = turn.of_box((x / width, y / height, w / width, h / height))
                placed.append((row.category_id, box))
        return placed


def _matched(ones: list[tuple[int, Box]], others: list[tuple[int, Box]]) -> int:
    """How many objects have one of their class in the same place, each taken once."""
    free, matched = list(others), 0
    for label, box in ones:
        best = max(
            (row for row in free if row[0] == label),
            key=lambda row: overlap(box, row[1]),
            default=None,
        )
        if best is not None and overlap(box, best[1]) >= OVERLAP:
            free.remove(best)
            matched += 1
    return matched
