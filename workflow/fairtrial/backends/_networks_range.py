"""The learning-rate range test of a network: its training, with other rates."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import torch

from fairtrial.backends._networks_loop import NetworkTraining
from fairtrial.backends._networks_settings import Settings
from fairtrial.data.dataset import SplitDataset
from fairtrial.training.lr_range import RangeTest


class _Ranging(NetworkTraining):
    """A training whose steps are those of a range test."""

    test: RangeTest

    def _step(self, batch: torch.Tensor, classes: torch.Tensor) -> tuple[float, int]:
        for group in self.optimizer.param_groups:
            group["lr"] = self.test.rate
        loss, hits = super()._step(batch, classes)
        self.test.note(loss)
        return loss, hits


def lr_range(
    settings: Settings, data: SplitDataset, pretrained: Path | None, threads: int, test: RangeTest
) -> None:
    """Train until `test` ends it."""
    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory(prefix="fairtrial-") as folder, test.to_its_end():
        training = _Ranging(settings, data, pretrained, Path(folder), threads)
        training.test = test
        for epoch in itertools.count():
            training.learn(epoch)
