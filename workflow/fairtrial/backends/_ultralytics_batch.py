"""The first batch of a training with Ultralytics: the training itself, up to its first step."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from fairtrial.training.first_batch import BatchImage

if TYPE_CHECKING:
    from collections.abc import Callable


class _SeenError(Exception):
    """The batch that a training was about to learn from."""

    def __init__(self, batch: dict[str, Any]) -> None:
        super().__init__("the first batch")
        self.batch = batch


def first_batch(train: Callable[[Path], object], names: list[str]) -> list[BatchImage]:
    """The images of the first batch of `train`, which trains in an empty folder; `names`: the
    classes in the order of the network's outputs."""
    from fairtrial.backends._ultralytics_trainer import Trainer

    preprocess = Trainer.preprocess_batch

    def seen(trainer: Trainer, batch: dict[str, Any]) -> dict[str, Any]:
        raise _SeenError(preprocess(trainer, batch))

    with (
        tempfile.TemporaryDirectory(prefix="fairtrial-") as folder,
        mock.patch.object(Trainer, "preprocess_batch", seen),
    ):
        try:
            train(Path(folder))
        except _SeenError as error:
            return _images(error.batch, names)
    raise AssertionError("a training has at least one batch")


def _images(batch: dict[str, Any], names: list[str]) -> list[BatchImage]:
    pixels = (batch["img"].detach().cpu().float() * 255).round().byte()
    pixels = pixels.permute(0, 2, 3, 1).contiguous().numpy()
    height, width = pixels.shape[1:3]
    of_image = batch["batch_idx"].cpu().numpy().astype(int)
    classes = batch["cls"].cpu().numpy().reshape(-1).astype(int)
    boxes = batch["bboxes"].cpu().numpy().reshape(-1, 4)  # centre and size, shares of the image
    images = []
    for number, image in enumerate(pixels):
        mine = of_image == number
        corners = tuple(
            (
                float((x - w / 2) * width),
                float((y - h / 2) * height),
                float(w * width),
                float(h * height),
            )
            for x, y, w, h in boxes[mine]
        )
        images.append(BatchImage(image, corners, tuple(names[c] for c in classes[mine])))
    return images
