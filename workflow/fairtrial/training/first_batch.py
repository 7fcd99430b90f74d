"""batches/<run>.json: the first batch of a training, as the network got it.

A backend's `first_batch(settings, data, threads)` gives its images. It goes the way of the
training up to the first step, in a process of its own, so that no training is disturbed by it.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fairtrial.data.boxes import Box
from fairtrial.files.modelfile import FileModel, read_model

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST = 16  # images of a batch that are kept
SIDE = 480  # pixels at most of each
QUALITY = 88


@dataclass(frozen=True)
class BatchImage:
    """An image of a batch: pixels (height, width, 3; RGB, 8 bit), boxes in them, and the class of
    each box; or, without boxes, that of the image."""

    pixels: NDArray[np.uint8]
    boxes: tuple[Box, ...]
    names: tuple[str, ...]


class KeptImage(FileModel):
    """The same in the file: `jpeg` in base64, boxes in its pixels."""

    jpeg: str
    boxes: tuple[Box, ...]
    names: tuple[str, ...]


class FirstBatch(FileModel):
    """`size`: images of the whole batch; `device`: where it was loaded, a GPU's name or `cpu`."""

    size: int
    device: str
    images: tuple[KeptImage, ...]


def kept(images: Sequence[BatchImage], device: str) -> FirstBatch:
    """The first images of a batch, small enough for a report."""
    return FirstBatch(
        size=len(images), device=device, images=tuple(_kept(image) for image in images[:MOST])
    )


def _kept(image: BatchImage) -> KeptImage:
    from PIL import Image

    picture = Image.fromarray(image.pixels)
    picture.thumbnail((SIDE, SIDE))
    share = picture.width / image.pixels.shape[1]
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=QUALITY)
    boxes = tuple(
        (round(x * share, 1), round(y * share, 1), round(w * share, 1), round(h * share, 1))
        for x, y, w, h in image.boxes
    )
    jpeg = base64.b64encode(stream.getvalue()).decode()
    return KeptImage(jpeg=jpeg, boxes=boxes, names=image.names)


def batch_file(results: Path, run: str) -> Path:
    """The first batch of a run."""
    return results / "batches" / f"{run}.json"


def read_batch(path: Path) -> FirstBatch:
    """The first batch of a run. Raises DataError where the file does not fit."""
    return read_model(path, FirstBatch)
