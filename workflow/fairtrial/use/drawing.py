"""Draws predictions on pixels. Boxes and labels stay within the picture."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from fairtrial.data.dataset import Detection
from fairtrial.use.model import Prediction
from fairtrial.use.preparation import Pixels

COLOURS = ((0, 114, 178), (230, 159, 0), (0, 158, 115), (213, 94, 0), (204, 121, 167))
SMALLEST_TEXT = 6  # pixels
Colour = tuple[int, int, int]


def draw_prediction(pixels: Pixels, prediction: Prediction, classes: Sequence[str]) -> Pixels:
    """A copy of an image with its boxes, the strongest on top, or with the most probable class."""
    drawn = pixels.copy()
    for detection in sorted(prediction.detections, key=lambda each: each.confidence):
        _draw_box(drawn, detection, classes[detection.category_id - 1])
    if prediction.probabilities:
        best = int(np.argmax(prediction.probabilities))
        text = f"{classes[best]} {prediction.probabilities[best]:.2f}"
        _paste(drawn, _label(text, _text_size(drawn), _colour(best), drawn.shape[1]), 0, 0)
    return drawn


def _colour(number: int) -> Colour:
    return COLOURS[number % len(COLOURS)]


def _text_size(pixels: Pixels) -> int:
    height, width = pixels.shape[:2]
    return max(12, int(min(height, width)) // 32)


def _draw_box(pixels: Pixels, detection: Detection, name: str) -> None:
    """The box in the colour of its class, with `name 0.87` above it, or inside at the upper edge
    of the picture. Changes `pixels`."""
    height, width = pixels.shape[:2]
    colour = _colour(detection.category_id - 1)
    x, y, w, h = detection.bbox
    left, right = (min(max(round(value), 0), width - 1) for value in (x, x + w))
    top, bottom = (min(max(round(value), 0), height - 1) for value in (y, y + h))
    line = max(1, round(min(height, width) / 300))
    pixels[top : min(top + line, bottom + 1), left : right + 1] = colour
    pixels[max(bottom + 1 - line, top) : bottom + 1, left : right + 1] = colour
    pixels[top : bottom + 1, left : min(left + line, right + 1)] = colour
    pixels[top : bottom + 1, max(right + 1 - line, left) : right + 1] = colour
    label = _label(f"{name} {detection.confidence:.2f}", _text_size(pixels), colour, width)
    above = top - label.shape[0]
    _paste(pixels, label, left, above if above >= 0 else top)


def _paste(pixels: Pixels, label: Pixels, x: int, y: int) -> None:
    """Put a label at a place, moved as far as it needs to lie in the picture."""
    height, width = pixels.shape[:2]
    label = label[:height, :width]
    x, y = (
        max(0, min(at, whole - side))
        for at, whole, side in zip((x, y), (width, height), label.shape[1::-1], strict=True)
    )
    pixels[y : y + label.shape[0], x : x + label.shape[1]] = label


@lru_cache(maxsize=4096)
def _label(text: str, size: int, colour: Colour, widest: int) -> Pixels:
    """White text on a colour, so small that it is `widest` pixels wide at most."""
    from PIL import Image, ImageDraw, ImageFont

    while True:
        font = ImageFont.load_default(size)
        left, top, right, bottom = (int(value) for value in font.getbbox(text))
        if right - left + 4 <= widest or size <= SMALLEST_TEXT:
            break
        size -= 1
    height = round(size * 1.3)
    label = Image.new("RGB", (right - left + 4, height), colour)
    at = (2 - left, (height - bottom - top) // 2)
    ImageDraw.Draw(label).text(at, text, (255, 255, 255), font)
    return np.asarray(label)
