"""OpenCV's bilinear scaling, to the bit, where OpenCV is not installed: it is large, and a server
has no other use for it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Integers = NDArray[np.int32]
ONE = np.float32(2048)  # weights are whole numbers, of which two add up to this


def scaled_like_opencv(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """What `cv2.resize` with INTER_LINEAR gives. size: width and height, 16 pixels or more."""
    width, height = size
    if pixels.shape[:2] == (2 * height, 2 * width):
        return _halved(pixels)
    left, right, across = _neighbours(pixels.shape[1], width, at_edges=False)
    top, bottom, down = _neighbours(pixels.shape[0], height, at_edges=True)
    rows = pixels[:, left] * across[0][:, None] + pixels[:, right] * across[1][:, None]
    rows >>= 4
    above = (down[0][:, None, None] * rows[top]) >> 16
    below = (down[1][:, None, None] * rows[bottom]) >> 16
    return np.asarray((above + below + 2) >> 2, np.uint8)


def _halved(pixels: Pixels) -> Pixels:
    """OpenCV takes the mean of four where a picture becomes exactly half as large."""
    whole = pixels.astype(np.int32)
    total = whole[::2, ::2] + whole[1::2, ::2] + whole[::2, 1::2] + whole[1::2, 1::2]
    return np.asarray((total + 2) >> 2, np.uint8)


def _neighbours(
    old: int, new: int, at_edges: bool
) -> tuple[Integers, Integers, tuple[Integers, Integers]]:
    """For each of `new` pixels the two of `old` that it lies between, and their weights.

    at_edges: whether also a pixel beyond the outermost one is weighed, in two equal parts.
    """
    places = ((np.arange(new) + 0.5) * (old / new) - 0.5).astype(np.float32)
    first = np.floor(places).astype(np.int32)
    share = (places - first).astype(np.float32)
    if not at_edges:
        share[(first < 0) | (first >= old - 1)] = 0
    weights = (np.rint((1 - share) * ONE).astype(np.int32), np.rint(share * ONE).astype(np.int32))
    return np.clip(first, 0, old - 1), np.clip(first + 1, 0, old - 1), weights
