"""Images and their classes as arrays, and the augmentation of train."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow
from torch import Tensor

from fairtrial import BackendError
from fairtrial.data.dataset import Image, SplitDataset
from fairtrial.data.imagefile import pixels
from fairtrial.files.threads import map_in_order

IN_MEMORY = 2 * 2**30  # bytes of pixels of one split that are kept in memory


class SplitImages:
    """The images of one split (or of several, one behind the other) as squares of `size` pixels,
    uint8, and their class numbers 0 … k-1 in the order of the category ids.

    Images that need more than IN_MEMORY bytes are read from their files for each batch.
    """

    def __init__(self, data: SplitDataset, size: int, *splits: str) -> None:
        numbers = {category: n for n, category in enumerate(sorted(data.dataset.categories))}
        annotations = data.dataset.by_image()
        self._folder, self._size = data.folder, size
        self._images = [image for split in splits for image in data.split(split)]
        self.classes = np.array(
            [numbers[annotations[image.id][0].category_id] for image in self._images],
            dtype=np.int64,
        )
        fits = len(self._images) * size * size * 3 <= IN_MEMORY
        self._pixels = self._read(self._images) if fits and self._images else None

    def __len__(self) -> int:
        return len(self._images)

    def take(self, numbers: NDArray[np.int64]) -> Tensor:
        """Pixels (n, 3, size, size), 0 to 255, of the images with these numbers."""
        if self._pixels is not None:
            squares = self._pixels[numbers]
        else:
            squares = self._read([self._images[n] for n in numbers])
        return torch.from_numpy(np.ascontiguousarray(squares.transpose(0, 3, 1, 2)))

    def batches(self, size: int) -> Iterator[tuple[Tensor, NDArray[np.int64]]]:
        """All images in their order, `size` at a time, with their classes."""
        for start in range(0, len(self), size):
            numbers = np.arange(start, min(start + size, len(self)))
            yield self.take(numbers), self.classes[numbers]

    def _read(self, images: list[Image]) -> NDArray[np.uint8]:
        """Pixels (n, size, size, 3)."""
        return np.stack(map_in_order(self._read_one, images))

    def _read_one(self, image: Image) -> NDArray[np.uint8]:
        return central_square(pixels(self._folder, image.file_name), self._size)


def central_square(picture: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """The largest central square of an RGB image (height, width, 3), scaled to `size` pixels."""
    if picture.shape[:2] == (size, size):
        return picture
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    middle = Pillow.fromarray(picture[top : top + side, left : left + side])
    return np.asarray(middle.resize((size, size), Pillow.Resampling.BILINEAR, reducing_gap=3.0))


def channel_statistics(images: SplitImages) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (3,) of the channels, 0 to 255, over the images of a split. The
    deviation is 1 or more, since pixels are divided by it."""
    total, squares, count = np.zeros(3), np.zeros(3), 0
    for batch, _ in images.batches(256):
        values = batch.numpy().astype(np.float64)
        total += values.sum(axis=(0, 2, 3))
        squares += (values**2).sum(axis=(0, 2, 3))
        count += values.size // 3
    if not count:
        raise BackendError("train has no image")
    mean = total / count
    deviation = np.sqrt(np.maximum(squares / count - mean**2, 1.0))
    return torch.tensor(mean, dtype=torch.float32), torch.tensor(deviation, dtype=torch.float32)


def augmented(batch: Tensor, names: Sequence[str], random: torch.Generator) -> Tensor:
    """A training batch (n, 3, size, size) after the augmentations in `names`: `flip` left to right
    with probability 0.5; `crop` shifts by up to an eighth of `size`, padded with black."""
    if "flip" in names:
        flipped = torch.rand(len(batch), generator=random) < 0.5
        batch = torch.where(flipped[:, None, None, None], batch.flip(3), batch)
    if "crop" in names:
        batch = _shifted(batch, random)
    return batch


def _shifted(batch: Tensor, random: torch.Generator) -> Tensor:
    """Each image cropped at random from itself with a black edge."""
    size = batch.shape[-1]
    edge = size // 8
    padded = torch.nn.functional.pad(batch, (edge,) * 4)
    shifts = torch.randint(0, 2 * edge + 1, (len(batch), 2), generator=random).tolist()
    windows = [
        image[:, y : y + size, x : x + size] for image, (y, x) in zip(padded, shifts, strict=True)
    ]
    return torch.stack(windows)
