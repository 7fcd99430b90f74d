"""RetinaNet with a ResNet of 18 to 152 layers, built of torchvision's parts, in a loop of ours."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fairtrial import BackendError
from fairtrial.backends._retinanet_settings import Settings
from fairtrial.data.dataset import Detection, SplitDataset
from fairtrial.training import checkpoint
from fairtrial.training.contract import AfterEpoch, FitResult

__all__ = ["Settings", "detector", "fit"]


def fit(
    settings: dict[str, Any],
    view: SplitDataset,
    initial: Path | None,
    folder: Path,
    threads: int,
    after_epoch: AfterEpoch,
) -> FitResult:
    """Train one detector, going on from what `folder` holds of it.

    Writes weights.pt (best epoch on val), history.csv and state.pt (everything that a
    continuation needs) to `folder`. Returns the facts of the run.
    """
    import torch

    torch.set_num_threads(threads)
    if settings["epochs"] == 0:
        return _as_it_is(settings, initial, folder)
    from fairtrial.backends import _retinanet_loop as loop
    from fairtrial.backends import _retinanet_model as model
    from fairtrial.backends import _retinanet_processes as processes

    work = functools.partial(loop.train, settings, view, initial, folder, after_epoch)
    other = functools.partial(loop.train, settings, view, initial, folder, None)
    world = processes.fitting(settings["batch"])
    with processes.together(world, other) as process:
        training = work(process)
    checkpoint.write_history(folder, training.rows)  # a kill may have come between it and the state
    model.save(_weights(settings["depth"], training.names, training.best), folder / "weights.pt")
    return FitResult(
        model.size(training.net, settings["imgsz"]),
        checkpoint.best_epoch(training.rows),
        len(training.rows),
        gpus=world,
        deviations=tuple(training.deviations),
    )


def _as_it_is(settings: dict[str, Any], initial: Path | None, folder: Path) -> FitResult:
    """A detection checkpoint without any training, with its own classes."""
    from fairtrial.backends import _retinanet_model as model

    if initial is None:
        raise BackendError("a model without `pretrained` and without an epoch has learned nothing")
    names = model.names_in(model.read_weights(initial))
    if names is None:
        raise BackendError(f"{initial}: names no classes, so it cannot detect without training")
    net = model.build(settings, len(names), frozen_norm=True)
    model.start_from(net, initial, names)
    model.save(_weights(settings["depth"], names, net.state_dict()), folder / "weights.pt")
    checkpoint.write_history(folder, [])
    return FitResult(model.size(net, settings["imgsz"]), best_epoch=None, epochs_run=0)


def _weights(depth: int, names: list[str], state: dict[str, Any]) -> dict[str, Any]:
    return {"depth": depth, "names": names, "model": state}


@contextmanager
def detector(
    weights: Path, categories: dict[int, str], settings: dict[str, Any], threads: int
) -> Iterator[Callable[[Path], tuple[list[Detection], dict[str, float]]]]:
    """A function from an image file to its detections and to milliseconds by part.

    One image at a time. The model's classes are matched to `categories` by name; those that
    have no match are left out.
    """
    import torch

    from fairtrial.backends import _retinanet_evaluate as evaluation
    from fairtrial.backends import _retinanet_images as pictures
    from fairtrial.backends import _retinanet_model as model

    torch.set_num_threads(threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    numbers = {name: number for number, name in categories.items()}
    net, names = model.restore(weights, settings, numbers)
    model.limit(net.to(device), settings["conf"], settings["iou"], settings["max_det"])

    def detect(path: Path) -> tuple[list[Detection], dict[str, float]]:
        picture = pictures.read(path)
        start = time.perf_counter()
        size = pictures.fitted(picture.width, picture.height, settings["imgsz"])
        pixels = pictures.as_tensor(picture.resize(size, pictures.SMOOTH)).to(device) / 255
        ready = time.perf_counter()
        with torch.inference_mode():
            found = net([pixels])[0]
        back = (picture.width / size[0], picture.height / size[1])
        rows = evaluation.in_pixels(found, back)
        times = {
            "preprocess": ready - start,
            "inference": net.inferred - ready,
            "postprocess": time.perf_counter() - net.inferred,
        }
        detections = [Detection(numbers[names[i]], bbox, score) for i, bbox, score in rows]
        return detections, {name: 1000 * seconds for name, seconds in times.items()}

    yield detect
