"""Batches of all epochs of a training, from loading processes that live as long as it does.

An image is named by its Place, and drawn from (seed, epoch, image). So no process has to be started
anew for an epoch, and batches of the next one are loaded while val is scored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import torch
from torch.utils.data import DataLoader

Place = tuple[int, int]  # an epoch (from 0), and the number of an image
Plan = Callable[[int], list[list[int]]]  # the batches of an epoch, as numbers of images
Batch = TypeVar("Batch")


class EpochBatches(Generic[Batch]):
    """The batches of a training.

    images: a data set of torch's whose items are named by Places; epochs: how many the training
    has; options: of torch's DataLoader.
    """

    def __init__(self, images: Any, plan: Plan, epochs: int, **options: Any) -> None:
        self._images, self._plan, self._epochs, self._options = images, plan, epochs, options
        self._running: Iterator[Batch] | None = None
        self._next_epoch: int | None = None  # that `_running` yields

    def of(self, epoch: int) -> Iterator[Batch]:
        """The batches of an epoch. Where it does not follow the last one, which came to its end,
        or the training should have ended, processes begin anew."""
        if self._running is None or self._next_epoch != epoch or epoch >= self._epochs:
            self._running = self._begun(epoch)
        self._next_epoch = None
        for _ in self._plan(epoch):
            yield next(self._running)
        self._next_epoch = epoch + 1

    def _begun(self, epoch: int) -> Iterator[Batch]:
        """The batches of this epoch and of all that are left."""
        self.close()
        generator = torch.Generator()  # else torch would draw from the training's
        options = self._options | {"generator": generator}
        return iter(DataLoader(self._images, batch_sampler=self._places(epoch), **options))

    def _places(self, first: int) -> Iterator[list[Place]]:
        for epoch in range(first, max(self._epochs, first + 1)):
            for numbers in self._plan(epoch):
                yield [(epoch, number) for number in numbers]

    def close(self) -> None:
        """End the loading processes."""
        end = getattr(self._running, "_shutdown_workers", lambda: None)  # has none without any
        end()
        self._running = None
