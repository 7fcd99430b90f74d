"""Images and their classes as arrays, and the augmentation of train."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as images
from torch import Tensor

from fairtrial import BackendError
from fairtrial.data.dataset import Image, SplitDataset
from fairtrial.data.imagefile import pixels
from fairtrial.files.threads import map_in_order

KEPT = 2 * 2**30  # bytes of pixels of one side that are kept in memory


class SplitImages:
    """The images of one side at one size, uint8, and their class numbers 0 … k-1 by category id.

    Where they are too many for the memory, they are read again when they are asked for.
    """

    def __init__(self, view: SplitDataset, side: str, size: int) -> None:
        numbers = {category: n for n, category in enumerate(sorted(view.dataset.categories))}
        objects = view.dataset.by_image()
        self._view, self._size = view, size
        self._images = view.split(side)
        self.classes = np.array(
            [numbers[objects[image.id][0].category_id] for image in self._images], dtype=np.int64
        )
        small = len(self._images) * size * size * 3 <= KEPT
        self._kept = self._read(self._images) if small and self._images else None

    def __len__(self) -> int:
        return len(self._images)

    def take(self, numbers: NDArray[np.int64]) -> Tensor:
        """Pixels (n, 3, size, size), 0 to 255, of the images with these numbers."""
        if self._kept is not None:
            found = self._kept[numbers]
        else:
            found = self._read([self._images[n] for n in numbers])
        return torch.from_numpy(np.ascontiguousarray(found.transpose(0, 3, 1, 2)))

    def batches(self, size: int) -> Iterator[tuple[Tensor, NDArray[np.int64]]]:
        """All images in their order, with their classes."""
        for start in range(0, len(self), size):
            numbers = np.arange(start, min(start + size, len(self)))
            yield self.take(numbers), self.classes[numbers]

    def _read(self, wanted: list[Image]) -> NDArray[np.uint8]:
        read = map_in_order(self._one, wanted)
        return np.stack(read)

    def _one(self, image: Image) -> NDArray[np.uint8]:
        return fitted(pixels(self._view.folder, image.file_name), self._size)


def fitted(picture: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """An RGB image (height, width, 3) as a square of `size` pixels: its middle, scaled."""
    if picture.shape[:2] == (size, size):
        return picture
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    middle = images.fromarray(picture[top : top + side, left : left + side])
    return np.asarray(middle.resize((size, size), images.Resampling.BILINEAR, reducing_gap=3.0))


def channels(side: SplitImages) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the three channels, 0 to 255, over the images of a side."""
    total, squares, count = np.zeros(3), np.zeros(3), 0
    for batch, _ in side.batches(256):
        values = batch.numpy().astype(np.float64)
        total += values.sum(axis=(0, 2, 3))
        squares += (values**2).sum(axis=(0, 2, 3))
        count += values.size // 3
    if not count:
        raise BackendError("train has no image")
    mean = total / count
    deviation = np.sqrt(np.maximum(squares / count - mean**2, 1.0))  # a grey set would divide by 0
    return torch.tensor(mean, dtype=torch.float32), torch.tensor(deviation, dtype=torch.float32)


def augmented(batch: Tensor, names: list[str], random: torch.Generator) -> Tensor:
    """A training batch (n, 3, size, size) anew: `flip` left to right with probability 0.5;
    `crop` moves by up to an eighth of the side, black where nothing was."""
    if "flip" in names:
        turned = torch.rand(len(batch), generator=random) < 0.5
        batch = torch.where(turned[:, None, None, None], batch.flip(3), batch)
    if "crop" in names:
        batch = _moved(batch, random)
    return batch


def _moved(batch: Tensor, random: torch.Generator) -> Tensor:
    size = batch.shape[-1]
    edge = size // 8
    padded = torch.nn.functional.pad(batch, (edge,) * 4)
    shifts = torch.randint(0, 2 * edge + 1, (len(batch), 2), generator=random).tolist()
    moved: Any = [
        one[:, y : y + size, x : x + size] for one, (y, x) in zip(padded, shifts, strict=True)
    ]
    return torch.stack(moved)
