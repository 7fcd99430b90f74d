"""The first batch of a training of a network: the training itself, up to its first step."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

from fairtrial.backends._networks_loop import NetworkTraining
from fairtrial.backends._networks_settings import Settings
from fairtrial.data.dataset import SplitDataset
from fairtrial.training.first_batch import BatchImage


class _SeenError(Exception):
    """The batch that a training was about to learn from."""

    def __init__(self, batch: torch.Tensor, classes: torch.Tensor) -> None:
        super().__init__("the first batch")
        self.batch, self.classes = batch, classes


class _Looking(NetworkTraining):
    """A training that takes no step."""

    def _step(self, batch: torch.Tensor, classes: torch.Tensor) -> tuple[float, int]:
        raise _SeenError(batch, classes)


def first_batch(settings: Settings, data: SplitDataset, threads: int) -> list[BatchImage]:
    """Its images, each with its class."""
    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory(prefix="fairtrial-") as folder:
        training = _Looking(settings, data, None, Path(folder), threads)
        try:
            training.learn(0)
        except _SeenError as error:
            return [
                BatchImage(image.permute(1, 2, 0).contiguous().numpy(), (), (training.names[c],))
                for image, c in zip(error.batch, error.classes.tolist(), strict=True)
            ]
    raise AssertionError("a training has at least one batch")
