"""How much of a page is white, from its picture."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

TOP, BOTTOM = 2.3 / 29.7, 2.0 / 29.7  # margins of the page, as shares of its height
GAP = 1.0 / 29.7  # white bands lower than 1 cm are space between paragraphs


def white_share(png: bytes) -> float:
    """The share of the page's height, without margins, that is in white bands across the page."""
    with Image.open(io.BytesIO(png)) as picture:
        rows = np.asarray(picture.convert("L")).min(axis=1)
    height = len(rows)
    inked = rows[round(TOP * height) : round((1 - BOTTOM) * height)] < 250
    white, band = 0, 0
    for ink in [*inked.tolist(), True]:
        if not ink:
            band += 1
            continue
        white += band if band > GAP * height else 0
        band = 0
    return white / len(inked)
