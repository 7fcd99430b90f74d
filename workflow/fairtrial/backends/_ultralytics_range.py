"""The learning-rate range test of Ultralytics' detectors: its training, with other rates."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from fairtrial.training.lr_range import RangeTest

if TYPE_CHECKING:
    from collections.abc import Callable

    from fairtrial.backends._ultralytics_trainer import Trainer


def lr_range(train: Callable[[Path], object], test: RangeTest) -> None:
    """Let `train`, which trains in an empty folder and for epochs enough, go on until `test` ends
    it. Nothing is evaluated or kept at the end of its epochs."""
    from fairtrial.backends._ultralytics_trainer import Trainer

    step = Trainer.optimizer_step

    def at_rate(trainer: Trainer) -> None:
        for group in trainer.optimizer.param_groups:
            group["lr"] = test.rate
        step(trainer)
        test.note(sum(float(loss) for loss in trainer.loss_items.values()))

    with (
        tempfile.TemporaryDirectory(prefix="fairtrial-") as folder,
        mock.patch.object(Trainer, "optimizer_step", at_rate),
        mock.patch.object(Trainer, "validate", lambda trainer: ({}, 0.0)),
        mock.patch.object(Trainer, "save_model", lambda trainer: False),
        test.to_its_end(),
    ):
        train(Path(folder))
