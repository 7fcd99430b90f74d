"""RetinaNet's output: shifts and confidences of anchors, level by level, read as by torchvision."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fairtrial.use.metadata import OutputLayout

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
STRIDES = (8, 16, 32)  # of the first three levels; each further one halves the one before
MOST_OF_LEVEL = 1000  # candidates of a level
LARGEST_GROWTH = math.log(1000 / 16)  # of an anchor's side, as its logarithm


def anchored(
    raw: Floats,
    how: OutputLayout,
    size: tuple[int, int],
    image: tuple[int, int],
    confidence: float,
    classes: NDArray[np.bool_],
) -> tuple[Floats, Floats, Integers]:
    """Corners (n, 4) in pixels of the input, scores and labels of the boxes of more than
    `confidence`; `size`, `image`: height and width of the input, and of the image within it."""
    parts, start = [], 0
    for anchors in _levels(how.anchors, how.ratios, size):
        level = raw[start : start + len(anchors)]
        start += len(anchors)
        confidences = np.where(classes, level[:, 4:], 0).ravel()
        candidates = np.flatnonzero(confidences > confidence)
        order = np.argsort(-confidences[candidates], kind="stable")[:MOST_OF_LEVEL]
        places, labels = np.divmod(candidates[order], level.shape[1] - 4)
        corners = _shifted(anchors[places], level[places, :4])
        parts.append((corners, confidences[candidates[order]], labels))
    corners, scores, labels = (np.concatenate(each) for each in zip(*parts, strict=True))
    limit = np.array([image[1], image[0]] * 2, np.float32)
    return np.clip(corners, 0, limit), scores, labels


@lru_cache(maxsize=64)
def _levels(
    sizes: tuple[tuple[float, ...], ...], ratios: tuple[float, ...], size: tuple[int, int]
) -> list[Floats]:
    """The anchors (n, 4) of each level for an input of this height and width."""
    levels = []
    for (rows, columns), areas in zip(_grids(size, len(sizes)), sizes, strict=True):
        heights = np.sqrt(np.array(ratios, np.float32))
        widths = 1 / heights
        shape = (np.outer(side, np.array(areas, np.float32)).ravel() for side in (widths, heights))
        w, h = shape
        base = np.round(np.stack([-w, -h, w, h], axis=1) / 2)
        y, x = np.meshgrid(
            np.arange(rows) * (size[0] // rows),
            np.arange(columns) * (size[1] // columns),
            indexing="ij",
        )
        shifts = np.stack([x, y, x, y], axis=-1).reshape(-1, 1, 4)
        levels.append((shifts + base).reshape(-1, 4).astype(np.float32))
    return levels


def _grids(size: tuple[int, int], levels: int) -> Iterator[tuple[int, int]]:
    """Rows and columns of each level."""
    rows, columns = 0, 0
    for level in range(levels):
        if level < len(STRIDES):
            rows, columns = (-(-side // STRIDES[level]) for side in size)
        else:
            rows, columns = -(-rows // 2), -(-columns // 2)
        yield rows, columns


def _shifted(anchors: Floats, shifts: Floats) -> Floats:
    """Anchors moved by shares of their sides, and grown by logarithms of factors."""
    sides = anchors[:, 2:] - anchors[:, :2]
    centres = anchors[:, :2] + sides / 2 + shifts[:, :2] * sides
    half = np.exp(np.minimum(shifts[:, 2:], LARGEST_GROWTH)) * sides / 2
    return np.concatenate([centres - half, centres + half], axis=1)
