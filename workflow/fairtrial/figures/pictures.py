"""Photographs in figures: their pixels, and plain boxes on them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from fairtrial.files import packed

if TYPE_CHECKING:
    from PIL import Image as Picture

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9")
Line = str | tuple[float, tuple[float, ...]]  # a line style, as matplotlib takes it


def pixels(folder: Path, name: str, width: int) -> Picture.Image:
    """An image, upright by its EXIF orientation and at most `width` pixels wide.

    `name` is its file below `folder`, or its place in a file of packed images, which are not
    resized.
    """
    from PIL import Image as Picture
    from PIL import ImageOps

    if packed.is_packed(name):
        return Picture.fromarray(packed.pixels(folder, name))
    with Picture.open(folder / name) as picture:
        upright = ImageOps.exif_transpose(picture).convert("RGB")
    upright.thumbnail((width, 2 * width))
    return upright


def frame(
    ax: Axes,
    xywh: tuple[float, float, float, float],
    colour: str,
    line: Line,
    weight: float = 1.1,
) -> None:
    """Draw a box (pixels of the image) in a colour, a line style and a width in points."""
    x, y, width, height = xywh
    # A white line below, so that the box can be seen on any photograph.
    for edge, dash, wide in (("white", "-", weight + 0.9), (colour, line, weight)):
        rectangle = Rectangle((x, y), width, height, facecolor="none", edgecolor=edge)
        rectangle.set(linestyle=dash, linewidth=wide)
        ax.add_patch(rectangle)
