"""Ultralytics' detectors (YOLOv5u to 12 and 26, RT-DETR) by the names of their yaml files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairtrial import BackendError
from fairtrial.backends._ultralytics_files import lay_out, load, save_weights, workplace
from fairtrial.backends._ultralytics_settings import Settings, is_transformer
from fairtrial.data.dataset import Detection, SplitDataset
from fairtrial.training.checkpoint import best_epoch, write_history
from fairtrial.training.contract import AfterEpoch, FitResult, ModelSize

if TYPE_CHECKING:
    from fairtrial.backends._ultralytics_trainer import Trainer

__all__ = ["Settings", "detector", "fit"]

# --------------------------------------------------------------------------- training


def fit(
    settings: dict[str, Any],
    view: SplitDataset,
    initial: Path | None,
    folder: Path,
    threads: int,
    after_epoch: AfterEpoch,
) -> FitResult:
    """Train one detector in `folder`: weights.pt (best epoch on val), history.csv, state.pt.

    `settings` are those of `Settings`, resolved. A state that an interrupted attempt left is
    gone on from. Returns the facts of the run: parameters, GFLOPs at the image size, layers,
    best_epoch, epochs_run, and `deviations` (why a resumed run may differ from another one).
    Raises BackendError where Ultralytics used other settings than were asked for.
    """
    with workplace() as place:
        if initial is not None:
            _refuse_other_architecture(settings["model"], initial)
        if settings["epochs"] == 0:
            model, rows, deviations = load(initial).model, [], []
        else:
            trainer = _train(settings, initial, lay_out(view, place), folder, threads, after_epoch)
            model, rows, deviations = trainer.best_model(), trainer.rows, trainer.deviations
        save_weights(model, folder / "weights.pt")
        size = _size(model, settings["imgsz"])
    write_history(folder, rows)
    return FitResult(size, best_epoch(rows), len(rows), deviations=tuple(deviations))


def _train(
    settings: dict[str, Any],
    initial: Path | None,
    data: Path,
    folder: Path,
    threads: int,
    after_epoch: Callable[[dict[str, Any]], None],
) -> Trainer:
    from fairtrial.backends._ultralytics_audit import audit
    from fairtrial.backends._ultralytics_trainer import Trainer, TransformerTrainer

    asked = _arguments(settings)
    arguments = asked | {
        "model": f"{settings['model']}.yaml",
        "data": str(data),
        "pretrained": str(initial) if initial else False,
        "device": _device(),
        "deterministic": True,
        "plots": False,
        "project": str(data.parent),
        "name": "run",
        "mode": "train",
        "task": "detect",
    }
    kind = TransformerTrainer if is_transformer(settings["model"]) else Trainer
    trainer = kind(arguments, asked, settings["fitness"], folder, threads, after_epoch)
    trainer.train()
    audit(trainer, asked)
    return trainer


OURS = {"model", "pretrained", "fitness", "replicate"}  # settings that Ultralytics does not know


def _arguments(settings: dict[str, Any]) -> dict[str, Any]:
    """Our settings as Ultralytics' arguments. `nbs` null: one optimizer step a batch."""
    own = {name: value for name, value in settings.items() if name not in OURS}
    return own | {"nbs": settings["nbs"] or settings["batch"]}


def _refuse_other_architecture(name: str, checkpoint: Path) -> None:
    """Ultralytics takes over the tensors that fit and says nothing if hardly any does."""
    from ultralytics.nn.tasks import DetectionModel, RTDETRDetectionModel
    from ultralytics.utils.torch_utils import intersect_dicts

    theirs = load(checkpoint).model.float().state_dict()
    kind = RTDETRDetectionModel if is_transformer(name) else DetectionModel
    ours = kind(f"{name}.yaml", nc=80, verbose=False).state_dict()
    fitting = len(intersect_dicts(theirs, ours))
    if fitting < 0.9 * len(ours):
        raise BackendError(
            f"{checkpoint}: not a checkpoint of {name}: "
            f"only {fitting} of the model's {len(ours)} tensors fit"
        )


def _size(model: Any, imgsz: int) -> ModelSize:
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


def _set_threads(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)


# --------------------------------------------------------------------------- predicting


@contextmanager
def detector(
    weights: Path, categories: dict[int, str], settings: dict[str, Any], threads: int
) -> Iterator[Callable[[Path], tuple[list[Detection], dict[str, float]]]]:
    """A function from an image file to its detections and to milliseconds by part.

    One image at a time, so that no image's boxes depend on its neighbours in a batch. The
    model's classes are matched to `categories` by name; those that have no match are left out.
    """
    with workplace():
        import cv2
        from ultralytics.utils.ops import clip_boxes

        model = load(weights)
        _set_threads(threads)
        numbers = {name: number for number, name in categories.items()}
        classes = {i: numbers[name] for i, name in model.names.items() if name in numbers}
        if not classes:
            raise BackendError(f"{weights}: none of its classes is in {', '.join(numbers)}")
        wanted = {name: settings[name] for name in ("imgsz", "conf", "iou", "max_det")}
        wanted |= {"classes": sorted(classes), "device": _device(), "verbose": False}

        def detect(path: Path) -> tuple[list[Detection], dict[str, float]]:
            pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
            if pixels is None:  # Ultralytics would look at pictures of its own instead
                raise BackendError(f"{path}: cannot be read as an image")
            found = model.predict(pixels, **wanted)[0]
            boxes = clip_boxes(found.boxes.xyxy.clone(), found.orig_shape).tolist()
            rows = zip(boxes, found.boxes.conf.tolist(), found.boxes.cls.tolist(), strict=True)
            detections = [
                Detection(classes[int(c)], (x1, y1, x2 - x1, y2 - y1), score)
                for (x1, y1, x2, y2), score, c in rows
            ]
            return detections, dict(found.speed)

        yield detect
