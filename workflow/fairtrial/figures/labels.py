"""Labels of boxes in a picture: none touches another one, and none leaves the picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from fairtrial.data.boxes import Box

PAD = 0.8  # points around a label
LOOSE = 0.1  # pixels by which a label may lie beyond an edge: rounding


@dataclass(frozen=True)
class Label:
    """A text and the rectangle that it takes, in pixels of the image: left, top, width, height."""

    text: str
    box: Box


@dataclass
class Labels:
    """The labels of one picture of this size (pixels); `pixels`: how many a point in print is,
    `size`: of the font, in points."""

    width: float
    height: float
    pixels: float
    size: float
    placed: list[Label] = field(default_factory=list)

    def place(self, box: Box, texts: Sequence[str]) -> Label | None:
        """Find room at a box for the first of `texts` that fits; None where none does."""
        for text in texts:
            width, height = self._extent(text)
            for left, top in _corners(box, width, height):
                label = (left, top, width, height)
                if self._is_inside(label) and not any(_touch(label, p.box) for p in self.placed):
                    self.placed.append(Label(text, label))
                    return self.placed[-1]
        return None

    def _extent(self, text: str) -> tuple[float, float]:
        """Width and height of a text with its padding, pixels."""
        from matplotlib.font_manager import FontProperties
        from matplotlib.textpath import text_to_path

        font = FontProperties(size=self.size)
        width, height, descent = text_to_path.get_text_width_height_descent(text, font, False)
        return (width + 2 * PAD) * self.pixels, (height + descent + 2 * PAD) * self.pixels

    def _is_inside(self, label: Box) -> bool:
        left, top, width, height = label
        right, bottom = left + width, top + height
        inside = left >= -LOOSE and right <= self.width + LOOSE
        return inside and top >= -LOOSE and bottom <= self.height + LOOSE


def _corners(box: Box, width: float, height: float) -> Iterator[tuple[float, float]]:
    """Left and top of a label of this size at a box: above it, below it, in it, beside it."""
    x, y, w, h = box
    for top in (y - height, y + h, y, y + h - height):
        for left in (x, x + w - width, x + (w - width) / 2):
            yield left, top
    for top in (y, y + h - height, y + (h - height) / 2):
        yield x + w, top
        yield x - width, top


def _touch(one: Box, other: Box) -> bool:
    apart_x = one[0] >= other[0] + other[2] or other[0] >= one[0] + one[2]
    apart_y = one[1] >= other[1] + other[3] or other[1] >= one[1] + one[3]
    return not apart_x and not apart_y
