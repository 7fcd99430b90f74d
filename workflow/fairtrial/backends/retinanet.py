"""RetinaNet with a ResNet of 18 to 152 layers: torchvision's parts, fairtrial's training loop."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairtrial import BackendError
from fairtrial.backends._retinanet_effects import EFFECTS
from fairtrial.backends._retinanet_settings import Settings
from fairtrial.data.dataset import Detection, SplitDataset
from fairtrial.settings.stages import PredictDetectSettings
from fairtrial.training import checkpoint
from fairtrial.training.batches import Batched
from fairtrial.training.contract import AfterEpoch, FitResult, Milliseconds
from fairtrial.training.first_batch import BatchImage
from fairtrial.training.lr_range import RangeTest

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image as Picture

    from fairtrial.use.exporting import Exportable

__all__ = ["EFFECTS", "Settings", "detector", "exportable", "first_batch", "fit", "lr_range"]

STRIDE = 32  # torchvision pads the images of a batch to multiples of so many pixels


def fit(
    settings: Settings,
    data: SplitDataset,
    pretrained: Path | None,
    folder: Path,
    threads: int,
    after_epoch: AfterEpoch,
) -> FitResult:
    """Train one detector in `folder`: weights.pt (best epoch on val), history.csv, state.pt.

    A training that was interrupted is resumed from the state in `folder`. With 0 epochs
    weights.pt holds the pretrained checkpoint with its own classes.
    """
    import torch

    torch.set_num_threads(threads)
    if settings.epochs == 0:
        return _untrained(settings, pretrained, folder)
    from fairtrial.backends import _retinanet_loop as loop
    from fairtrial.backends import _retinanet_model as model
    from fairtrial.backends import _retinanet_processes as processes

    train = functools.partial(loop.train, settings, data, pretrained, folder)
    world = processes.world_size(settings.batch)
    with processes.parallel(world, functools.partial(train, None)) as process:
        training = train(after_epoch, process)
    # Written again, since the last attempt may have ended between state and history.
    checkpoint.write_history(folder, training.rows)
    content = _content(settings.depth, training.names, training.best)
    model.save(content, folder / checkpoint.WEIGHTS)
    return FitResult(
        model.size(training.net, settings.imgsz),
        checkpoint.best_epoch(training.rows),
        len(training.rows),
        gpus=world,
        deviations=tuple(training.deviations),
    )


def first_batch(settings: Settings, data: SplitDataset, threads: int) -> list[BatchImage]:
    """The images of the first batch that a training with these settings learns from."""
    from fairtrial.backends import _retinanet_batch

    return _retinanet_batch.first_batch(settings, data)


def lr_range(
    settings: Settings, data: SplitDataset, pretrained: Path | None, threads: int, test: RangeTest
) -> None:
    """Train with the rising rates of a range test, until it ends that; nothing is kept."""
    from fairtrial.backends import _retinanet_range

    _retinanet_range.lr_range(settings, data, pretrained, threads, test)


def _untrained(settings: Settings, pretrained: Path | None, folder: Path) -> FitResult:
    """Write weights.pt of a detection checkpoint without any training, with its own classes.

    Raises BackendError where there is none, or it does not name its classes.
    """
    from fairtrial.backends import _retinanet_model as model

    if pretrained is None:
        raise BackendError("a model without `pretrained` and without an epoch has learned nothing")
    names = model.names_in(model.read_weights(pretrained))
    if names is None:
        raise BackendError(f"{pretrained}: names no classes, so it cannot detect without training")
    net = model.build(model.ModelSpec.of(settings, frozen_norm=True), len(names))
    model.start_from(net, pretrained, names)
    content = _content(settings.depth, names, net.state_dict())
    model.save(content, folder / checkpoint.WEIGHTS)
    checkpoint.write_history(folder, [])
    return FitResult(model.size(net, settings.imgsz), best_epoch=None, epochs_run=0)


def _content(depth: int, names: list[str], state: dict[str, torch.Tensor]) -> dict[str, Any]:
    """What weights.pt holds."""
    return {"depth": depth, "names": names, "model": state}


@contextmanager
def detector(
    weights: Path, categories: dict[int, str], settings: PredictDetectSettings, threads: int
) -> Iterator[Batched[Path, Picture, list[Detection]]]:
    """A function from an image file, or from several, to detections and to milliseconds by part.

    Images share a batch that are padded to one size, alone as in it. The model's classes are
    matched to `categories` by name; those that have no match are left out. Boxes are in pixels of
    the file.
    """
    import torch

    from fairtrial.backends import _retinanet_evaluate as evaluation
    from fairtrial.backends import _retinanet_images as pictures
    from fairtrial.backends import _retinanet_model as model

    torch.set_num_threads(threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    numbers = {name: number for number, name in categories.items()}
    net, names = model.restore(weights, settings.imgsz, numbers)
    model.set_limits(net.to(device), settings.conf, settings.iou, settings.max_det)

    def padded(width: int, height: int) -> tuple[int, ...]:
        return tuple(-(-n // STRIDE) for n in pictures.scaled_size(width, height, settings.imgsz))

    def predict(files: Sequence[Picture]) -> list[tuple[list[Detection], Milliseconds]]:
        start = time.perf_counter()
        sizes = [pictures.scaled_size(*picture.size, settings.imgsz) for picture in files]
        resized = [
            picture.resize(size, pictures.BILINEAR)
            for picture, size in zip(files, sizes, strict=True)
        ]
        pixels = [pictures.as_tensor(picture).to(device) / 255 for picture in resized]
        ready = time.perf_counter()
        with torch.inference_mode():
            outputs = net(pixels)
        found = []
        for picture, size, output in zip(files, sizes, outputs, strict=True):
            to_file = (picture.width / size[0], picture.height / size[1])
            rows = evaluation.in_pixels(output, to_file)
            found.append([Detection(numbers[names[n]], bbox, score) for n, bbox, score in rows])
        times = {
            "preprocess": ready - start,
            "inference": net.inferred - ready,
            "postprocess": time.perf_counter() - net.inferred,
        }
        each = {name: 1000 * seconds / len(files) for name, seconds in times.items()}
        return [(detections, each) for detections in found]

    yield Batched(pictures.read, lambda picture: picture.size, padded, predict)


def exportable(weights: Path, settings: PredictDetectSettings) -> Exportable:
    """The network in a weights.pt, to be exported, and how its input and output are to be read."""
    from fairtrial.backends import _retinanet_export

    return _retinanet_export.exportable(weights, settings)
