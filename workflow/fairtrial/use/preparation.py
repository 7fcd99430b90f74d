"""From an image to the input of a network, and from places in the input back to the image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairtrial.use.metadata import Preparation
from fairtrial.use.scaling import scaled_like_opencv

Pixels = NDArray[np.uint8]  # (height, width, 3), RGB
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Place:
    """Where an image stands in the input: the factors by which it was scaled, the pixels of its
    top left corner, and its own size in pixels."""

    scale_x: float
    scale_y: float
    left: int
    top: int
    width: int
    height: int

    def to_image(self, boxes: Floats) -> Floats:
        """Boxes (n, 4) as x1, y1, x2, y2 in pixels of the image, cut at its edges."""
        shift = np.array([self.left, self.top] * 2, np.float32)
        scale = np.array([self.scale_x, self.scale_y] * 2, np.float32)
        limit = np.array([self.width, self.height] * 2, np.float32)
        moved: Floats = np.clip((boxes - shift) / scale, 0, limit)
        return moved


def prepared(pixels: Pixels, how: Preparation) -> tuple[Floats, Place]:
    """The input (3, height, width) for an image, and where the image stands in it."""
    if how.placement == "central_square":
        return _input(_central_square(pixels, how.size), how), Place(1.0, 1.0, 0, 0, 0, 0)
    height, width = pixels.shape[:2]
    new_width, new_height = _scaled_size(width, height, how)
    scaled = _scaled(pixels, (new_width, new_height), how)
    whole_width, whole_height = (_whole_side(side, how) for side in (new_width, new_height))
    left, top = 0, 0
    if how.placement == "centre":
        left, top = (
            round(s / 2 - 0.1) for s in (whole_width - new_width, whole_height - new_height)
        )
    place = Place(new_width / width, new_height / height, left, top, width, height)
    if (new_width, new_height) == (whole_width, whole_height):
        return _input(scaled, how), place
    values = np.empty((3, whole_height, whole_width), np.float32)
    values[:] = _normalised(np.array(how.padding, np.float32), how)[:, None, None]
    values[:, top : top + new_height, left : left + new_width] = _input(scaled, how)
    return values, place


def _scaled_size(width: int, height: int, how: Preparation) -> tuple[int, int]:
    if how.placement == "stretch":
        return how.size, how.size
    factor = min(how.size / height, how.size / width)
    return max(1, round(width * factor)), max(1, round(height * factor))


def _whole_side(side: int, how: Preparation) -> int:
    """The side of the input for a scaled side of the image."""
    return how.size if how.multiple is None else -(-side // how.multiple) * how.multiple


def _scaled(pixels: Pixels, size: tuple[int, int], how: Preparation) -> Pixels:
    """The image with another (width, height)."""
    if pixels.shape[1::-1] == size:
        return pixels
    if how.resampling == "opencv":
        try:
            import cv2
        except ImportError:
            return scaled_like_opencv(pixels, size)
        return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    from PIL import Image

    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))


def _central_square(pixels: Pixels, size: int) -> Pixels:
    """The largest central square, scaled to `size` pixels."""
    from PIL import Image

    height, width = pixels.shape[:2]
    if (height, width) == (size, size):
        return pixels
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    middle = Image.fromarray(pixels[top : top + side, left : left + side])
    return np.asarray(middle.resize((size, size), Image.Resampling.BILINEAR, reducing_gap=3.0))


def _input(pixels: Pixels, how: Preparation) -> Floats:
    """Pixels as the values of an input, (3, height, width)."""
    return np.ascontiguousarray(_normalised(pixels.astype(np.float32), how).transpose(2, 0, 1))


def _normalised(values: Floats, how: Preparation) -> Floats:
    """Values of channels, which are the last axis."""
    mean, deviation = np.array(how.mean, np.float32), np.array(how.deviation, np.float32)
    if not mean.any() and len(set(how.deviation)) == 1:  # several times as fast
        return values if deviation[0] == 1 else values / deviation[0]
    normalised: Floats = (values - mean) / deviation
    return normalised
