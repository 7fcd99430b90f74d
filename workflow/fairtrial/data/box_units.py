"""Whether the boxes of a source, taken together, look as if written in another unit.

A box in a wrong unit is no broken box: it is dropped, or clipped, and its image passes for a
negative. One such box tells nothing; many of one kind do. So this looks at a source as a whole,
before anything is repaired.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairtrial.data.box_reading import BoxReading
from fairtrial.data.boxes import Box, Size
from fairtrial.data.dataset import Annotation, Dataset
from fairtrial.data.defects import Defect, WrongUnit

Values = NDArray[np.float64]
Marks = NDArray[np.bool_]

FEW = 3  # boxes; of fewer nothing is said that depends on how many
SOME, NEARLY_ALL = 0.25, 0.95  # shares of the boxes
FAR = 2.0  # a share that is larger is none
FAR_OUT = 0.02  # share of the images with such boxes from which on these are no slips

_MEANT = {
    "percent": "percent, not shares",
    "pixels": "pixels, not shares",
    "shares": "shares of width and height, not pixels",
    "corners": "two corners (x1, y1, x2, y2), not a corner with width and height",
    "sizes": "a corner with width and height, not two corners",
}


@dataclass(frozen=True)
class _Boxes:
    """The boxes of one unit, as they are read. `limits`: width and height of their images."""

    rows: list[Annotation]
    values: Values  # (boxes, 4): left, top, width, height
    limits: Values  # (boxes, 2)
    rounding: float

    @property
    def ends(self) -> Values:
        """The right and lower edge of each box, (boxes, 2)."""
        return self.values[:, :2] + self.values[:, 2:]

    @property
    def over(self) -> Marks:
        """Whether a box ends outside of its image."""
        return _any(self.ends > self.limits + self.rounding)


def _any(marks: Marks) -> Marks:
    found: Marks = np.any(marks, axis=1)
    return found


def _all(marks: Marks) -> Marks:
    found: Marks = np.all(marks, axis=1)
    return found


def wrong_units(dataset: Dataset, sizes: Mapping[int, Size], reading: BoxReading) -> list[Defect]:
    """A defect where the boxes look as if written in another unit.

    `sizes`: width and height of images by id, as far as they are known; `reading`: how the boxes
    are read, and of which images.
    """
    names = {i.id: i.file_name for i in dataset.images if reading.is_about(i.file_name)}
    sizes = {number: size for number, size in sizes.items() if number in names}
    relative = {image.id for image in dataset.images if image.relative and image.id in sizes}
    found = []
    in_shares = _boxes(dataset, dict.fromkeys(relative, (1, 1)), 0.01)
    known = {i: size for i, size in sizes.items() if all(size) and i not in relative}
    in_pixels = _boxes(dataset, known, 1.0)
    for boxes, looks in ((in_shares, _look_of_shares), (in_pixels, _look_of_pixels)):
        unit, marks = looks(boxes) if boxes.rows else ("", np.zeros(0, np.bool_))
        if unit:
            row = boxes.rows[int(np.argmax(marks))]
            images = len({boxes.rows[at].image_id for at in np.flatnonzero(marks).tolist()})
            among = len({row.image_id for row in boxes.rows})
            seen = (
                f"{int(marks.sum())} of {len(boxes.rows)} boxes, on {images} of {among} images, "
                f"look like {_MEANT[unit]}, such as {_text(row.bbox)}; {reading.remedy(unit)}"
            )
            found.append(WrongUnit(names[row.image_id], seen))
    return list(found)


def _boxes(dataset: Dataset, limits: Mapping[int, Size], rounding: float) -> _Boxes:
    rows = [a for a in dataset.annotations if a.bbox is not None and a.image_id in limits]
    values = np.array([row.bbox for row in rows], np.float64).reshape(-1, 4)
    sizes = np.array([limits[row.image_id] for row in rows], np.float64).reshape(-1, 2)
    finite = _all(np.isfinite(values))
    if not finite.all():
        rows = [row for row, good in zip(rows, finite.tolist(), strict=True) if good]
    return _Boxes(rows, values[finite], sizes[finite], rounding)


def _look_of_shares(boxes: _Boxes) -> tuple[str, Marks]:
    """The unit that boxes which are read as shares look like, and which of them do."""
    far = _any(np.abs(boxes.values) > FAR)
    images = {row.image_id for row in boxes.rows}
    with_far = {boxes.rows[at].image_id for at in np.flatnonzero(far).tolist()}
    if len(with_far) > FAR_OUT * len(images):
        small = bool((boxes.ends[far] <= 100 + boxes.rounding).all())
        return ("percent" if small else "pixels"), far
    return _look_of_corners(boxes)


def _look_of_pixels(boxes: _Boxes) -> tuple[str, Marks]:
    """The unit that boxes which are read as pixels look like, and which of them do."""
    inside = _all(boxes.ends <= 1.01) & _all(np.abs(boxes.values) <= 1.01)
    share = inside & _all(boxes.limits > FAR) & _all(boxes.values[:, 2:] > 0)
    if share.mean() >= NEARLY_ALL:
        return "shares", share
    return _look_of_corners(boxes)


def _look_of_corners(boxes: _Boxes) -> tuple[str, Marks]:
    """Whether sizes look like corners, or corners like sizes."""
    none = "", np.zeros(len(boxes.rows), np.bool_)
    if len(boxes.rows) < FEW:
        return none
    first, second, edge = boxes.values[:, :2], boxes.values[:, 2:], boxes.limits + boxes.rounding
    corners = _all((second > first) & (second <= edge) & (first >= 0))
    if corners.mean() >= NEARLY_ALL and boxes.over.mean() >= SOME:
        return "corners", corners & boxes.over
    inverted = _any(second < 0)
    sizes = _all((boxes.ends > 0) & (first + boxes.ends <= edge + boxes.rounding))
    if sizes.mean() >= NEARLY_ALL and inverted.mean() >= SOME:
        return "sizes", inverted
    return none


def _text(box: Box | None) -> str:
    return f"[{', '.join(f'{value:g}' for value in box or ())}]"
