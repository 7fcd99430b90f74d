"""Ultralytics' training images, the same whoever loads them.

An image of an epoch is drawn from (seed, epoch, image), whichever process loads it and whatever
that has loaded before. So a training is the same, to the bit, with any number of loading processes,
and after a kill. Two things of Ultralytics' are not so by themselves, and are replaced:

- Random numbers of a loading process follow its number and all that it has drawn: each image, and
  each batch in the training's own process, is seeded for itself.
- A mosaic takes its images from those that its process loaded last (its `buffer`): here from those
  that stand before it in the order of all images, whoever loaded them. A process reads some of
  these a second time, so it holds as many small images as fit into HELD.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from fairtrial.backends._epochs import EpochBatches, Place

if TYPE_CHECKING:
    from ultralytics.data.build import InfiniteDataLoader
    from ultralytics.data.dataset import YOLODataset

IMAGES, BATCHES = 0, 1  # what is seeded
HELD = (
    64 * 2**20
)  # bytes of pixels that a process holds, where that is more than Ultralytics' buffer


def seeds(seed: int, epoch: int, what: int, count: int) -> list[int]:
    """The seeds of all IMAGES or BATCHES of an epoch (from 0)."""
    sequence = np.random.SeedSequence([seed, epoch], spawn_key=(what,))
    numbers: list[int] = sequence.generate_state(count).tolist()
    return numbers


def seed_everything(seed: int) -> None:
    """Seed all generators from which a training draws."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


@dataclass(frozen=True)
class _Epoch:
    """The order in which an epoch has the images, and the seed of each."""

    order: NDArray[np.int64]
    seeds: list[int]


class DrawnImages:
    """The images of train, for torch's DataLoader; an item is named by its Place, with its number
    in the epoch's order.

    images: Ultralytics' data set, of which this takes over `buffer` and its length; plain_from: the
    first epoch without mosaic; arguments: Ultralytics' settings.
    """

    def __init__(self, images: YOLODataset, seed: int, plain_from: int, arguments: Any) -> None:
        self._images, self._seed = images, seed
        self._plain_from, self._arguments, self._is_plain = plain_from, arguments, False
        self._buffer_length = images.max_buffer_length
        images.max_buffer_length = max(self._buffer_length, HELD // _bytes(images.imgsz))
        self._recent = images.buffer = _Recent()
        self._epochs: dict[int, _Epoch] = {}

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, place: Place) -> dict[str, Any]:
        epoch, number = place
        if epoch >= self._plain_from and not self._is_plain:
            self._images.close_mosaic(hyp=copy(self._arguments))
            self._is_plain = True
        index = int(self._of(epoch).order[number])
        self._recent.comes(index, self._window(epoch, number))
        seed = self._of(epoch).seeds[index]
        random.seed(seed)
        np.random.seed(seed)
        torch.default_generator.manual_seed(seed)  # of the CPU alone, where images are made
        image: dict[str, Any] = self._images[index]
        return image

    def _of(self, epoch: int) -> _Epoch:
        if epoch not in self._epochs:
            order = np.random.default_rng([self._seed, epoch]).permutation(len(self))
            drawn = _Epoch(order, seeds(self._seed, epoch, IMAGES, len(self)))
            near = {n: known for n, known in self._epochs.items() if abs(n - epoch) == 1}
            self._epochs = near | {epoch: drawn}
        return self._epochs[epoch]

    def _window(self, epoch: int, number: int) -> NDArray[np.int64]:
        """The images from which a mosaic at this place is made: as many up to it as Ultralytics'
        buffer has, also of the epoch before."""
        first = number + 2 - max(2, self._buffer_length)
        if first >= 0 or epoch == 0:
            return self._of(epoch).order[max(0, first) : number + 1]
        before = self._of(epoch - 1).order[first:]
        return np.concatenate([before, self._of(epoch).order[: number + 1]])


def _bytes(imgsz: int | Sequence[int]) -> int:
    """Of the largest image of a size, which is one side or both."""
    return 3 * (imgsz if isinstance(imgsz, int) else max(imgsz)) ** 2


class _Recent:
    """In place of the list `buffer` of Ultralytics' data set, which holds the images that it loaded
    last and forgets the first at its largest length: mosaics, which iterate over it, get `window`.
    """

    def __init__(self) -> None:
        self.window: NDArray[np.int64] = np.empty(0, np.int64)
        self._held: dict[int, None] = {}  # in the order in which they are forgotten

    def __iter__(self) -> Iterator[int]:
        return iter(self.window.tolist())

    def __len__(self) -> int:
        return len(self._held)

    def comes(self, index: int, window: NDArray[np.int64]) -> None:
        """Note that it is an image's turn: one that is held is forgotten last."""
        self.window = window
        if index in self._held:
            del self._held[index]
            self._held[index] = None

    def append(self, index: int) -> None:
        """Note that an image was loaded, and is held."""
        self._held[index] = None

    def pop(self, _: int) -> int:
        """An image that no mosaic needs; it is held no more."""
        needed = set(self.window.tolist())
        first = next(iter(self._held))
        index = next((held for held in self._held if held not in needed), first)
        del self._held[index]
        return index


class TrainLoader:
    """In place of Ultralytics' loader of train, with its sizes and number of processes.

    `epoch`, set before each: the one whose batches iterating yields.
    """

    def __init__(self, theirs: InfiniteDataLoader, images: DrawnImages, epochs: int) -> None:
        self.dataset, self.sampler = theirs.dataset, theirs.sampler
        self.batch_size, self.drop_last = theirs.batch_size, theirs.drop_last
        self.num_workers = theirs.num_workers
        self.epoch = 0
        self._theirs = theirs
        self._batches = EpochBatches[dict[str, Any]](
            images,
            self._plan,
            epochs,
            num_workers=theirs.num_workers,
            prefetch_factor=theirs.prefetch_factor,
            pin_memory=theirs.pin_memory,
            collate_fn=theirs.collate_fn,
        )

    def __len__(self) -> int:
        return len(self._theirs)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return self._batches.of(self.epoch)

    def _plan(self, _: int) -> list[list[int]]:
        """The batches of an epoch, as places in its order."""
        places = list(range(len(self.dataset)))
        return [places[i : i + self.batch_size] for i in range(0, len(places), self.batch_size)]

    def reset(self) -> None:
        """Nothing: what Ultralytics changes at `close_mosaic` happens in DrawnImages."""

    def close(self) -> None:
        """End the loading processes."""
        self._batches.close()
