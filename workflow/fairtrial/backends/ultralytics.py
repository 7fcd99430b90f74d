"""Ultralytics' detectors (YOLOv5u to 12 and 26, RT-DETR) by the names of their yaml files."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from fairtrial import BackendError
from fairtrial.backends._ultralytics_defaults import PASSED, unknown_defaults
from fairtrial.backends._ultralytics_effects import EFFECTS, size_note
from fairtrial.backends._ultralytics_files import load, save_weights, workplace, write_dataset
from fairtrial.backends._ultralytics_settings import Settings, is_transformer
from fairtrial.data.dataset import Detection, SplitDataset
from fairtrial.settings.stages import PredictDetectSettings
from fairtrial.training.batches import Batched
from fairtrial.training.checkpoint import WEIGHTS, best_epoch, write_history
from fairtrial.training.contract import AfterEpoch, FitResult, Milliseconds, ModelSize
from fairtrial.training.first_batch import BatchImage
from fairtrial.training.lr_range import RangeTest

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from fairtrial.backends._ultralytics_trainer import Trainer
    from fairtrial.use.exporting import Exportable

    Pixels = NDArray[np.uint8]

__all__ = ["EFFECTS", "Settings", "detector", "exportable", "first_batch", "fit", "lr_range"]
__all__ += ["size_note"]

# --------------------------------------------------------------------------- training


def fit(
    settings: Settings,
    data: SplitDataset,
    pretrained: Path | None,
    folder: Path,
    threads: int,
    after_epoch: AfterEpoch,
) -> FitResult:
    """Train one detector in `folder`: weights.pt (best epoch on val), history.csv, state.pt.

    A training that was interrupted is resumed from the state in `folder`. Raises BackendError
    where Ultralytics used other settings than these.
    """
    with workplace() as place:
        if pretrained is not None:
            _refuse_other_architecture(settings.model, pretrained)
        if settings.epochs == 0:
            model, rows, deviations = load(pretrained).model, [], []
        else:
            data_yaml = write_dataset(data, place)
            trainer = _train(settings, pretrained, data_yaml, folder, threads, after_epoch)
            model, rows, deviations = trainer.best_model(), trainer.rows, trainer.deviations
        save_weights(model, folder / WEIGHTS)
        size = _size(model, settings.imgsz)
        cautions = _cautions()
    write_history(folder, rows)
    return FitResult(
        size,
        best_epoch(rows),
        len(rows),
        deviations=tuple(deviations),
        cautions=tuple(cautions),
    )


def _cautions() -> list[str]:
    """A sentence on the settings of the installed Ultralytics that are not known here, if any."""
    from ultralytics import __version__
    from ultralytics.utils import DEFAULT_CFG_DICT

    unknown = unknown_defaults(DEFAULT_CFG_DICT)
    if not unknown:
        return []
    return [
        f"Ultralytics {__version__} has settings that are not known here, and used their defaults: "
        + ", ".join(unknown)
    ]


def _train(
    settings: Settings,
    pretrained: Path | None,
    data_yaml: Path,
    folder: Path,
    threads: int,
    after_epoch: AfterEpoch,
) -> Trainer:
    """The trainer after its training; `data_yaml` describes the data set in Ultralytics' layout."""
    from fairtrial.backends._ultralytics_audit import audit
    from fairtrial.backends._ultralytics_trainer import Trainer, TransformerTrainer

    requested = _arguments(settings)
    arguments = (
        PASSED
        | requested
        | {
            "model": f"{settings.model}.yaml",
            "data": str(data_yaml),
            "pretrained": str(pretrained) if pretrained else False,
            "device": _device(),
            "plots": False,
            "project": str(data_yaml.parent),
            "name": "run",
        }
    )
    kind = TransformerTrainer if is_transformer(settings.model) else Trainer
    trainer = kind(arguments, requested, settings.fitness, folder, threads, after_epoch)
    trainer.train()
    audit(trainer, requested)
    return trainer


def first_batch(settings: Settings, data: SplitDataset, threads: int) -> list[BatchImage]:
    """The images of the first batch that a training with these settings learns from.

    Images do not depend on the weights from which it starts.
    """
    from fairtrial.backends import _ultralytics_batch

    def train(folder: Path) -> None:
        with workplace() as place:
            _train(settings, None, write_dataset(data, place), folder, threads, lambda _: None)

    names = [name for _, name in sorted(data.dataset.categories.items())]
    return _ultralytics_batch.first_batch(train, names)


def lr_range(
    settings: Settings, data: SplitDataset, pretrained: Path | None, threads: int, test: RangeTest
) -> None:
    """Train with the rising rates of a range test, until it ends that; nothing is kept.

    Without warm-up, and with so many epochs that none of them is among the last ones.
    """
    from fairtrial.backends import _ultralytics_range

    epochs = len(test.rates) * -(-(settings.nbs or settings.batch) // settings.batch)
    longer = {"warmup_epochs": 0.0, "patience": 0, "epochs": epochs + settings.close_mosaic + 1}
    long = settings.model_copy(update=longer)

    def train(folder: Path) -> None:
        with workplace() as place:
            data_yaml = write_dataset(data, place)
            _train(long, pretrained, data_yaml, folder, threads, lambda _: None)

    _ultralytics_range.lr_range(train, test)


OURS = {"model", "pretrained", "fitness", "replicate"}  # not passed on as they are


def _arguments(settings: Settings) -> dict[str, Any]:
    """The settings as Ultralytics' arguments. `nbs` null: one optimizer step a batch."""
    return settings.model_dump(exclude=OURS) | {"nbs": settings.nbs or settings.batch}


def _refuse_other_architecture(name: str, pretrained: Path) -> None:
    """Raise BackendError where less than nine tenths of the tensors of the model `name` fit.

    Ultralytics itself loads the tensors that fit, and gives no error if hardly any does. The model
    is made with as many classes as the checkpoint has, and gets its class branch, as in a training.
    """
    from ultralytics.nn.tasks import DetectionModel, RTDETRDetectionModel
    from ultralytics.utils.torch_utils import intersect_dicts

    checkpoint = load(pretrained).model.float()
    theirs = checkpoint.state_dict()
    kind = RTDETRDetectionModel if is_transformer(name) else DetectionModel
    net = kind(f"{name}.yaml", nc=len(checkpoint.names), verbose=False)
    net.load(checkpoint, verbose=False)
    ours = net.state_dict()
    fitting = len(intersect_dicts(theirs, ours))
    if fitting < 0.9 * len(ours):
        raise BackendError(
            f"{pretrained}: not a checkpoint of {name}: "
            f"only {fitting} of the model's {len(ours)} tensors fit"
        )


def _size(model: torch.nn.Module, imgsz: int) -> ModelSize:
    """Parameters, GFLOPs of one image (None where Ultralytics cannot count them), modules.

    Converts `model` to single precision, since FLOPs are counted by running it.
    """
    from ultralytics.utils.torch_utils import get_flops, get_num_params

    net = model.float()
    flops = get_flops(net, imgsz)
    return ModelSize(
        parameters=int(get_num_params(net)),
        gflops=round(float(flops), 3) or None,
        layers=sum(1 for _ in net.modules()),
    )


def _device() -> str:
    import torch

    return "0" if torch.cuda.is_available() else "cpu"


# --------------------------------------------------------------------------- predicting


@contextmanager
def detector(
    weights: Path, categories: dict[int, str], settings: PredictDetectSettings, threads: int
) -> Iterator[Batched[Path, Pixels, list[Detection]]]:
    """A function from an image file, or from several, to detections and to milliseconds by part.

    Images whose files have equal width and height share a batch: Ultralytics pads them alike, and
    alone as in it. The model's classes are matched to `categories` by name; those that have no
    match are left out. Boxes are in pixels of the file.
    """
    with workplace():
        import torch

        model = load(weights)
        torch.set_num_threads(threads)
        numbers = {name: number for number, name in categories.items()}
        classes = {i: numbers[name] for i, name in model.names.items() if name in numbers}
        if not classes:
            raise BackendError(f"{weights}: none of its classes is in {', '.join(numbers)}")
        arguments = {
            "imgsz": settings.imgsz,
            "conf": settings.conf,
            "iou": settings.iou,
            "max_det": settings.max_det,
            "classes": sorted(classes),
            "device": _device(),
            "verbose": False,
        }

        def predict(pictures: Sequence[Pixels]) -> list[tuple[list[Detection], Milliseconds]]:
            results = model.predict(list(pictures), **arguments)
            return [(_detections(result, classes), dict(result.speed)) for result in results]

        with _patient_suppression():
            yield Batched(_read, _size_of, lambda width, height: (width, height), predict)


def _read(path: Path) -> Pixels:
    """Pixels (height, width, 3; BGR, 8 bit) of an image file."""
    import cv2

    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:  # Ultralytics would predict on its own example images instead
        raise BackendError(f"{path}: cannot be read as an image")
    return pixels.astype("uint8", copy=False)


def _size_of(pixels: Pixels) -> tuple[int, int]:
    height, width = pixels.shape[:2]
    return width, height


def _detections(result: Any, classes: dict[int, int]) -> list[Detection]:
    """Ultralytics' result on one image; classes: category ids by the numbers of the outputs."""
    from ultralytics.utils.ops import clip_boxes

    boxes = clip_boxes(result.boxes.xyxy.clone(), result.orig_shape).tolist()
    rows = zip(boxes, result.boxes.conf.tolist(), result.boxes.cls.tolist(), strict=True)
    return [
        Detection(classes[int(c)], (x1, y1, x2 - x1, y2 - y1), score)
        for (x1, y1, x2, y2), score, c in rows
    ]


@contextmanager
def _patient_suppression() -> Iterator[None]:
    """Within it Ultralytics gives non-maximum suppression all the time that it needs. Else it ends
    after some seconds, and the last images of a batch have no boxes."""
    from functools import partial

    from ultralytics.utils import nms

    patient = partial(nms.non_max_suppression, max_time_img=math.inf)
    with mock.patch.object(nms, "non_max_suppression", patient):
        yield


# --------------------------------------------------------------------------- exporting


def exportable(weights: Path, settings: PredictDetectSettings) -> Exportable:
    """The network in a checkpoint, to be exported, and how its input and output are to be read."""
    from fairtrial.backends import _ultralytics_export

    return _ultralytics_export.exportable(weights, settings)
