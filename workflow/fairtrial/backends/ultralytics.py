"""Ultralytics' detectors (YOLOv5u, v8, v9, v10, 11, 12, 26) by the names of their yaml files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fairtrial import BackendError
from fairtrial.backends._ultralytics_files import lay_out, load, save_weights, workplace
from fairtrial.backends._ultralytics_settings import Settings
from fairtrial.checkpoint import best_epoch, write_history
from fairtrial.dataset import Detection, View
from fairtrial.fitness import judged

__all__ = ["Settings", "detector", "fit"]

# --------------------------------------------------------------------------- training


def fit(
    settings: dict[str, Any],
    view: View,
    initial: Path | None,
    folder: Path,
    threads: int,
    after_epoch: Callable[[dict[str, Any]], None],
) -> dict[str, Any]:
    """Train one detector; writes weights.pt (best epoch on val) and history.csv to `folder`.

    `settings` are those of `Settings`, resolved. Returns the facts of the run: parameters,
    GFLOPs at the image size, layers, best_epoch, epochs_run. `after_epoch` is called with each
    epoch's row and may raise.
    Raises BackendError where Ultralytics used other settings than were asked for.
    """
    with workplace() as place:
        if initial is not None:
            _refuse_other_architecture(settings["model"], initial)
        if settings["epochs"] == 0:
            model = load(initial)
            rows: list[dict[str, Any]] = []
            best = initial
        else:
            history = _History(settings["fitness"], after_epoch)
            trainer = _train(settings, view, initial, place, threads, history)
            rows = history.rows
            _refuse_other_settings(settings, trainer)
            best = trainer.best
            model = load(best)
        save_weights(best, folder / "weights.pt")
    write_history(folder, rows)
    found = _size(model, settings["imgsz"])
    return found | {"best_epoch": best_epoch(rows), "epochs_run": len(rows)}


def _train(
    settings: dict[str, Any],
    view: View,
    initial: Path | None,
    place: Path,
    threads: int,
    history: _History,
) -> Any:
    from ultralytics import YOLO

    model = YOLO(f"{settings['model']}.yaml", task="detect")
    model.add_callback("on_train_start", lambda _: _set_threads(threads))
    history.listen(model)
    model.train(
        **_arguments(settings),
        data=str(lay_out(view, place)),
        pretrained=str(initial) if initial else False,
        device=_device(),
        deterministic=True,
        plots=False,
        project=str(place),
        name="run",
        trainer=_trainer(settings["fitness"]),
    )
    return model.trainer


def _trainer(weights: dict[str, float] | None) -> Any:
    """Ultralytics' trainer with our rule for the best epoch."""
    from ultralytics.models.yolo.detect import DetectionTrainer

    class Trainer(DetectionTrainer):  # type: ignore[misc]
        best_fitness: float | None

        def validate(self) -> tuple[dict[str, float], float]:
            best: float | None = self.best_fitness
            metrics, _ = super().validate()
            row = {FIGURES.get(name, name): value for name, value in metrics.items()}
            fitness = judged(row, weights)["val/fitness"]
            self.best_fitness = fitness if best is None else max(best, fitness)
            return metrics, fitness

    return Trainer


OURS = {"model", "weights", "fitness", "replicate"}  # settings that Ultralytics does not know


def _arguments(settings: dict[str, Any]) -> dict[str, Any]:
    """Our settings as Ultralytics' arguments. `nbs` null: one optimizer step a batch."""
    own = {name: value for name, value in settings.items() if name not in OURS}
    return own | {"nbs": settings["nbs"] or settings["batch"]}


class _History:
    """A row an epoch, taken from the trainer's events."""

    def __init__(
        self, fitness: dict[str, float] | None, after_epoch: Callable[[dict[str, Any]], None]
    ) -> None:
        self.rows: list[dict[str, Any]] = []
        self._fitness = fitness
        self._then = after_epoch
        self._open = False

    def listen(self, model: Any) -> None:
        model.add_callback("on_train_epoch_start", self._begin)
        model.add_callback("on_fit_epoch_end", self._end)

    def _begin(self, _: Any) -> None:
        self._open = True

    def _end(self, trainer: Any) -> None:
        """Fires once more after the final evaluation, for which no epoch has begun."""
        if self._open:
            self.rows.append(judged(_row(trainer), self._fitness))
            self._then(self.rows[-1])
        self._open = False


FIGURES = {
    "metrics/precision(B)": "val/precision",
    "metrics/recall(B)": "val/recall",
    "metrics/mAP50(B)": "val/AP50",
    "metrics/mAP50-95(B)": "val/AP",
}


def _row(trainer: Any) -> dict[str, Any]:
    """One epoch: losses on train and val, Ultralytics' own figures on val, learning rate."""
    found = {"epoch": trainer.epoch + 1}
    found |= trainer.label_loss_items(trainer.tloss, prefix="train")
    found |= {FIGURES.get(name, name): float(value) for name, value in trainer.metrics.items()}
    return found | {"lr": float(trainer.lr["lr/pg0"])}


def _refuse_other_settings(settings: dict[str, Any], trainer: Any) -> None:
    """Ultralytics changes some settings without an error (batch when memory runs out, …)."""
    used = vars(trainer.args) | {"batch": trainer.batch_size}
    asked = _arguments(settings)
    asked.pop("workers")  # 0 on the CPU whatever was asked; how data is loaded, not what
    wrong = [f"  {k}: asked {v!r}, used {used[k]!r}" for k, v in asked.items() if used[k] != v]
    if wrong:
        raise BackendError("Ultralytics used other settings than asked for:\n" + "\n".join(wrong))


def _refuse_other_architecture(name: str, checkpoint: Path) -> None:
    """Ultralytics takes over the tensors that fit and says nothing if hardly any does."""
    from ultralytics.nn.tasks import DetectionModel
    from ultralytics.utils.torch_utils import intersect_dicts

    theirs = load(checkpoint).model.float().state_dict()
    ours = DetectionModel(f"{name}.yaml", nc=80, verbose=False).state_dict()
    fitting = len(intersect_dicts(theirs, ours))
    if fitting < 0.9 * len(ours):
        raise BackendError(
            f"{checkpoint}: not a checkpoint of {name}: "
            f"only {fitting} of the model's {len(ours)} tensors fit"
        )


def _size(model: Any, imgsz: int) -> dict[str, Any]:
    from ultralytics.utils.torch_utils import get_flops, get_num_params

    net = model.model.float()
    flops = get_flops(net, imgsz)
    return {
        "parameters": int(get_num_params(net)),
        "gflops": round(float(flops), 3) or None,
        "layers": sum(1 for _ in net.modules()),
    }


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
            boxes = found.boxes.xyxy.tolist()
            rows = zip(boxes, found.boxes.conf.tolist(), found.boxes.cls.tolist(), strict=True)
            detections = [
                Detection(classes[int(c)], (x1, y1, x2 - x1, y2 - y1), score)
                for (x1, y1, x2, y2), score, c in rows
            ]
            return detections, dict(found.speed)

        yield detect
