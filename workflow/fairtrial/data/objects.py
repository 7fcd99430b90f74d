"""What counts as an object, for every count and check: what the scorer counts.

A crowd region counts neither way: a detection on it is no mistake, and nothing can be learned of it
or found in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fairtrial.data.boxes import ROUNDING, overlap
from fairtrial.data.dataset import Annotation, counts

ALIKE = 0.9  # IoU above which two boxes of one class are perhaps one object


def counted(annotations: Iterable[Annotation]) -> list[Annotation]:
    """The objects that count."""
    return [annotation for annotation in annotations if not annotation.iscrowd]


def crowds_by_class(annotations: Iterable[Annotation]) -> dict[int, int]:
    """The number of crowd regions by category id."""
    return counts(annotation for annotation in annotations if annotation.iscrowd)


def close_boxes(rows: list[Annotation]) -> tuple[set[int], list[tuple[int, int]]]:
    """Of the objects of one image, by their places: those whose box is that of an earlier object
    of the same class, but for rounding; and pairs of other objects of one class that overlap by
    more than ALIKE, the later one second. Crowd regions are in no such pair.
    """
    repeated: set[int] = set()
    alike: list[tuple[int, int]] = []
    for one, other, equal in sorted(_neighbours(rows)):
        if equal:
            repeated.add(other)
        elif not rows[one].iscrowd:
            alike.append((one, other))
    return repeated, [pair for pair in alike if not repeated.intersection(pair)]


def equal_boxes(rows: list[Annotation]) -> list[tuple[int, int]]:
    """Pairs of objects of one image and class that have one box but for rounding, or both none, as
    their places, the earlier one first."""
    boxless = [place for place, row in enumerate(rows) if row.bbox is None]
    pairs = [
        (one, other)
        for at, one in enumerate(boxless)
        for other in boxless[at + 1 :]
        if rows[one].category_id == rows[other].category_id
    ]
    return sorted([*pairs, *((one, other) for one, other, equal in _neighbours(rows) if equal)])


def _neighbours(rows: list[Annotation]) -> Iterator[tuple[int, int, bool]]:
    """Places of two objects of one kind whose boxes are nearly one, and whether they are equal.

    By the left edges: these are apart by less than a tenth of the width where the IoU is above 0.9.
    """
    boxes = [
        (row.category_id, row.iscrowd, row.bbox, place)
        for place, row in enumerate(rows)
        if row.bbox is not None
    ]
    boxes.sort(key=lambda box: box[:3])
    for at, (label, crowd, box, place) in enumerate(boxes):
        farthest = box[0] + max(ROUNDING, (1 - ALIKE) * box[2])
        for other_label, other_crowd, other, other_place in boxes[at + 1 :]:
            if (other_label, other_crowd) != (label, crowd) or other[0] > farthest:
                break
            equal = all(abs(a - b) < ROUNDING for a, b in zip(box, other, strict=True))
            if equal or overlap(box, other) > ALIKE:
                yield min(place, other_place), max(place, other_place), equal
