"""Image classification: dense and convolutional networks, torchvision's and Ultralytics' `-cls`, in
fairtrial's own training loop."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fairtrial import BackendError
from fairtrial.backends._networks_effects import EFFECTS
from fairtrial.backends._networks_settings import Settings
from fairtrial.data.dataset import SplitDataset
from fairtrial.settings.stages import PredictClassifySettings
from fairtrial.training.batches import Batched
from fairtrial.training.checkpoint import WEIGHTS, best_epoch, write_history
from fairtrial.training.contract import AfterEpoch, FitResult, Milliseconds
from fairtrial.training.first_batch import BatchImage
from fairtrial.training.lr_range import RangeTest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fairtrial.use.exporting import Exportable

    Pixels = NDArray[np.uint8]

__all__ = ["EFFECTS", "Settings", "classifier", "exportable", "first_batch", "fit", "lr_range"]


def fit(
    settings: Settings,
    data: SplitDataset,
    pretrained: Path | None,
    folder: Path,
    threads: int,
    after_epoch: AfterEpoch,
) -> FitResult:
    """Train one network in `folder`: weights.pt (best epoch on val), history.csv, state.pt.

    A training that was interrupted is resumed from the state in `folder`.
    """
    import torch

    from fairtrial.backends import _networks_loop as loop
    from fairtrial.backends import _networks_model as model

    torch.set_num_threads(threads)
    training = loop.NetworkTraining(settings, data, pretrained, folder, threads)
    training.run(folder, after_epoch)
    training.audit()
    model.save(folder / WEIGHTS, settings, training.names, training.best)
    write_history(
        folder, training.rows
    )  # the last attempt may have ended between state and history
    return FitResult(
        model.size(training.net, settings.imgsz),
        best_epoch(training.rows),
        len(training.rows),
        deviations=tuple(training.deviations),
    )


def first_batch(settings: Settings, data: SplitDataset, threads: int) -> list[BatchImage]:
    """The images of the first batch that a training with these settings learns from."""
    from fairtrial.backends import _networks_batch

    return _networks_batch.first_batch(settings, data, threads)


def lr_range(
    settings: Settings, data: SplitDataset, pretrained: Path | None, threads: int, test: RangeTest
) -> None:
    """Train with the rising rates of a range test, until it ends that; nothing is kept."""
    from fairtrial.backends import _networks_range

    _networks_range.lr_range(settings, data, pretrained, threads, test)


@contextmanager
def classifier(
    weights: Path, categories: dict[int, str], settings: object, threads: int
) -> Iterator[Batched[Pixels, Pixels, list[float]]]:
    """A function from an image's pixels (height, width, 3; RGB, 8 bit), or from those of several,
    to the probability of each category, in the order of their ids, and to milliseconds by part.

    Images are scaled to the size in weights.pt, and so can share a batch; `settings` is not used.
    Raises BackendError where the model's classes are not those of `categories`.
    """
    import numpy as np
    import torch

    from fairtrial.backends import _networks_loop as loop
    from fairtrial.backends import _networks_model as model
    from fairtrial.backends._networks_images import central_square

    torch.set_num_threads(threads)
    net, architecture, names = model.restore(weights)
    expected = [name for _, name in sorted(categories.items())]
    if sorted(names) != sorted(expected):
        raise BackendError(f"{weights}: its classes are {', '.join(names)}, not the data set's")
    outputs = [names.index(name) for name in expected]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net.to(device)

    def predict(pictures: Sequence[Pixels]) -> list[tuple[list[float], Milliseconds]]:
        start = time.perf_counter()
        squares = [central_square(pixels, architecture.imgsz) for pixels in pictures]
        batch = torch.from_numpy(np.stack(squares).transpose(0, 3, 1, 2).copy())
        ready = time.perf_counter()
        probabilities = loop.probabilities(net, batch, device)
        done = time.perf_counter()
        count = len(pictures)
        times = {
            "preprocess": 1000 * (ready - start) / count,
            "inference": 1000 * (done - ready) / count,
        }
        return [([float(row[output]) for output in outputs], times) for row in probabilities]

    yield Batched(lambda pixels: pixels, _size_of, lambda width, height: None, predict)


def _size_of(pixels: Pixels) -> tuple[int, int]:
    height, width = pixels.shape[:2]
    return width, height


def exportable(weights: Path, settings: PredictClassifySettings) -> Exportable:
    """The network in a weights.pt, to be exported, and how its input and output are to be read. Its
    size is in the file; `settings` is not used."""
    from fairtrial.backends import _networks_export

    return _networks_export.exportable(weights)
