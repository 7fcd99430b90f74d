"""Networks that give an image one class: dense, convolutional, and torchvision's, by settings
alone, in a loop of ours."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairtrial import BackendError
from fairtrial.backends._networks_settings import Settings
from fairtrial.data.dataset import SplitDataset
from fairtrial.training.checkpoint import best_epoch, write_history
from fairtrial.training.contract import AfterEpoch, FitResult

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Settings", "classifier", "fit"]


def fit(
    settings: dict[str, Any],
    view: SplitDataset,
    initial: Path | None,
    folder: Path,
    threads: int,
    after_epoch: AfterEpoch,
) -> FitResult:
    """Train one network in `folder`: weights.pt (best epoch on val), history.csv, state.pt.

    A state that an interrupted attempt left is gone on from. Returns the facts of the run.
    """
    import torch

    from fairtrial.backends import _networks_loop as loop
    from fairtrial.backends import _networks_model as model

    torch.set_num_threads(threads)
    training = loop.NetworkTraining(settings, view, initial, folder, threads)
    training.run(after_epoch)
    training.audit()
    model.save(folder / "weights.pt", settings, training.names, training.best)
    write_history(folder, training.rows)  # a kill may have come between it and the state
    return FitResult(
        model.size(training.net, settings["imgsz"]),
        best_epoch(training.rows),
        len(training.rows),
        deviations=tuple(training.deviations),
    )


@contextmanager
def classifier(
    weights: Path, categories: dict[int, str], settings: dict[str, Any], threads: int
) -> Iterator[Callable[[NDArray[np.uint8]], tuple[list[float], dict[str, float]]]]:
    """A function from an image's pixels (height, width, 3; RGB, 8 bit) to the probability of
    each category, in the order of their ids, and to milliseconds by part.

    Raises BackendError where the model's classes are not those of `categories`.
    """
    import torch

    from fairtrial.backends import _networks_loop as loop
    from fairtrial.backends import _networks_model as model
    from fairtrial.backends._networks_images import fitted

    torch.set_num_threads(threads)
    net, own, names = model.restore(weights)
    wanted = [name for _, name in sorted(categories.items())]
    if sorted(names) != sorted(wanted):
        raise BackendError(f"{weights}: its classes are {', '.join(names)}, not the data set's")
    places = [names.index(name) for name in wanted]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net.to(device)

    def classify(pixels: NDArray[np.uint8]) -> tuple[list[float], dict[str, float]]:
        start = time.perf_counter()
        square = fitted(pixels, own["imgsz"])
        batch = torch.from_numpy(square.transpose(2, 0, 1)[None].copy())
        ready = time.perf_counter()
        likely = loop.probabilities(net, batch, device)[0]
        done = time.perf_counter()
        times = {"preprocess": 1000 * (ready - start), "inference": 1000 * (done - ready)}
        return [float(likely[place]) for place in places], times

    yield classify
