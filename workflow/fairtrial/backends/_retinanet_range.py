"""The learning-rate range test of RetinaNet: its training, with other rates."""

from __future__ import annotations

import contextlib
import itertools
from pathlib import Path

import torch

from fairtrial.backends import _retinanet_images as pictures
from fairtrial.backends._retinanet_loop import RetinaNetTraining
from fairtrial.backends._retinanet_processes import Process
from fairtrial.backends._retinanet_settings import Settings
from fairtrial.data.dataset import SplitDataset
from fairtrial.training.lr_range import RangeTest


class _Ranging(RetinaNetTraining):
    """A training whose steps are those of a range test."""

    test: RangeTest

    def _step(
        self,
        images: list[torch.Tensor],
        targets: list[pictures.Target],
        weight: float,
        rate: float,
    ) -> torch.Tensor:
        losses = super()._step(images, targets, weight, self.test.rate)
        self.test.note(float(losses.sum()))
        return losses


def lr_range(
    settings: Settings, data: SplitDataset, pretrained: Path | None, threads: int, test: RangeTest
) -> None:
    """Train on one device until `test` ends it."""
    torch.set_num_threads(threads)
    training = _Ranging(settings, data, pretrained, Process())
    training.test = test
    with test.to_its_end(), contextlib.closing(training):
        for epoch in itertools.count():
            training.learn(epoch)
