"""The types that the functions of a backend take and return."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fairtrial.data.dataset import Detection
from fairtrial.files.modelfile import FileModel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# An epoch's row of history.csv: `epoch` (from 1), losses, metrics on val, `val/fitness` and `lr`.
HistoryRow = dict[str, float]
AfterEpoch = Callable[[HistoryRow], None]  # called at the end of each epoch; may raise
Milliseconds = dict[str, float]  # by part: preprocess, inference, postprocess

# From an image file to its detections; from the pixels of an image (height, width, 3; RGB, 8 bit)
# to the probability of each category, in the order of their ids.
Detect = Callable[[Path], tuple[list[Detection], Milliseconds]]
Classify = Callable[["NDArray[np.uint8]"], tuple[list[float], Milliseconds]]


class ModelSize(FileModel):
    """Parameters, GFLOPs of one image at the training's size, and layers (modules) of a model."""

    parameters: int
    gflops: float | None
    layers: int | None


@dataclass(frozen=True)
class FitResult:
    """What `fit` reports of a finished training.

    best_epoch: the epoch (from 1) whose weights are kept, None without an epoch; gpus: how many
    it used, if there are any; deviations: why its result may differ from that of an
    uninterrupted training on the CPU; cautions: what else a reader of its result should know.
    """

    model: ModelSize
    best_epoch: int | None
    epochs_run: int
    gpus: int = 1
    deviations: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
