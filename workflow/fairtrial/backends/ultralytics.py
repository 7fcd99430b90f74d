"""Ultralytics' detectors (YOLOv5u, v8, v9, v10, 11, 12, 26) by the names of their yaml files."""

from __future__ import annotations

import csv
import importlib.util
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from fairtrial import BackendError
from fairtrial.backends._ultralytics_files import lay_out, load, save_weights, workplace
from fairtrial.dataset import Detection, View, whole_file

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]


class Settings(BaseModel):
    """The keys of Ultralytics' own training arguments; their defaults stand in params.yaml."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    model: str
    weights: Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]*/[^/].*$")] | None
    epochs: Annotated[int, Field(ge=0)]
    patience: Annotated[int, Field(ge=0)]
    imgsz: Annotated[int, Field(ge=32, multiple_of=32)]
    batch: Annotated[int, Field(ge=1)]
    nbs: Annotated[int, Field(ge=1)] | None
    optimizer: Literal["SGD", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSProp"]
    lr0: Positive
    lrf: Positive
    momentum: Share
    weight_decay: NotNegative
    warmup_epochs: NotNegative
    warmup_momentum: Share
    warmup_bias_lr: NotNegative
    cos_lr: bool
    freeze: Annotated[int, Field(ge=0)] | None
    seed: Annotated[int, Field(ge=0)]
    amp: bool
    workers: Annotated[int, Field(ge=0)]
    box: NotNegative
    cls: NotNegative
    cls_pw: Share
    dfl: NotNegative
    mosaic: Share
    close_mosaic: Annotated[int, Field(ge=0)]
    mixup: Share
    cutmix: Share
    hsv_h: Share
    hsv_s: Share
    hsv_v: Share
    degrees: Annotated[float, Field(ge=0, le=180)]
    translate: Share
    scale: Share
    shear: Annotated[float, Field(ge=0, le=180)]
    perspective: Annotated[float, Field(ge=0, le=0.001)]
    flipud: Share
    fliplr: Share
    multi_scale: Share

    @field_validator("optimizer", mode="before")
    @classmethod
    def _chosen(cls, name: Any) -> Any:
        if name == "auto":
            raise ValueError("it ignores lr0 and momentum; name one: SGD, Adam, AdamW, …")
        return name

    @field_validator("model")
    @classmethod
    def _known(cls, name: str) -> str:
        known = architectures()
        if name not in known:
            import difflib

            near = ", ".join(difflib.get_close_matches(name, known, 3)) or "yolov8n, yolo11s"
            raise ValueError(f"no detector of this name; near: {near}")
        return name

    @field_validator("epochs")
    @classmethod
    def _trained(cls, epochs: int, info: Any) -> int:
        if epochs == 0 and info.data.get("weights") is None:
            raise ValueError("a model without `weights` and without an epoch has learned nothing")
        return epochs


@cache
def architectures() -> frozenset[str]:
    """The names of all detectors, with their scale: yolov8n, yolov8s, …, yolo26x."""
    spec = importlib.util.find_spec("ultralytics")  # finds the folder without importing it
    if spec is None or not spec.submodule_search_locations:
        raise BackendError("ultralytics is not installed; `make venv` installs it")
    folder = Path(spec.submodule_search_locations[0], "cfg", "models")
    found: set[str] = set()
    for path in folder.rglob("yolo*.yaml"):
        if re.search(r"-(seg|pose|obb|cls|world|worldv2|rtdetr|depth|sem)|yoloe", path.stem):
            continue
        head, dash, tail = path.stem.partition("-")
        text = path.read_text(encoding="utf-8")
        scales = re.findall(r"^ {2}([a-z]): \[", text, re.MULTILINE) or [""]
        if re.search(r"\d[a-z]$", head):  # one file a scale: yolov9c.yaml, yolov10n.yaml
            scales = [""]
        found |= {head + scale + dash + tail for scale in scales}
    return frozenset(found)


# --------------------------------------------------------------------------- training


def fit(
    settings: dict[str, Any], view: View, initial: Path | None, folder: Path, threads: int
) -> dict[str, Any]:
    """Train one detector; writes weights.pt (best epoch on val) and history.csv to `folder`.

    `settings` are those of `Settings`, resolved. Returns the facts of the run: parameters,
    GFLOPs at the image size, layers, best_epoch, epochs_run.
    Raises BackendError where Ultralytics used other settings than were asked for.
    """
    with workplace() as place:
        if settings["epochs"] == 0:
            model = load(initial)
            rows: list[dict[str, Any]] = []
            best = initial
        else:
            trainer, rows = _train(settings, view, initial, place, threads)
            _refuse_other_settings(settings, trainer)
            best = trainer.best
            model = load(best)
        save_weights(best, folder / "weights.pt")
    _write_history(rows, folder / "history.csv")
    scores = [row["val/AP"] for row in rows]
    return _size(model, settings["imgsz"]) | {
        "best_epoch": scores.index(max(scores)) + 1 if scores else None,
        "epochs_run": len(rows),
    }


def _train(
    settings: dict[str, Any], view: View, initial: Path | None, place: Path, threads: int
) -> tuple[Any, list[dict[str, Any]]]:
    from ultralytics import YOLO

    history = _History()
    if initial is not None:
        _refuse_other_architecture(settings["model"], initial)
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
    )
    return model.trainer, history.rows


def _arguments(settings: dict[str, Any]) -> dict[str, Any]:
    """Our settings as Ultralytics' arguments. `nbs` null: one optimizer step a batch."""
    own = {name: value for name, value in settings.items() if name not in {"model", "weights"}}
    return own | {"nbs": settings["nbs"] or settings["batch"]}


class _History:
    """A row an epoch, taken from the trainer's events."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._open = False

    def listen(self, model: Any) -> None:
        model.add_callback("on_train_epoch_start", self._begin)
        model.add_callback("on_fit_epoch_end", self._end)

    def _begin(self, _: Any) -> None:
        self._open = True

    def _end(self, trainer: Any) -> None:
        """Fires once more after the final evaluation, for which no epoch has begun."""
        if self._open:
            self.rows.append(_row(trainer))
        self._open = False


def _row(trainer: Any) -> dict[str, Any]:
    """One epoch: losses on train and val, Ultralytics' own figures on val, learning rate."""
    found = {"epoch": trainer.epoch + 1}
    found |= trainer.label_loss_items(trainer.tloss, prefix="train")
    figures = {
        "metrics/precision(B)": "val/precision",
        "metrics/recall(B)": "val/recall",
        "metrics/mAP50(B)": "val/AP50",
        "metrics/mAP50-95(B)": "val/AP",
    }
    found |= {figures.get(name, name): float(value) for name, value in trainer.metrics.items()}
    return found | {"lr": float(trainer.lr["lr/pg0"])}


def _write_history(rows: list[dict[str, Any]], path: Path) -> None:
    columns = list(rows[0]) if rows else ["epoch"]
    with whole_file(path) as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})


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
            found = model.predict(pixels, **wanted)[0]
            boxes = found.boxes.xyxy.tolist()
            rows = zip(boxes, found.boxes.conf.tolist(), found.boxes.cls.tolist(), strict=True)
            detections = [
                Detection(classes[int(c)], (x1, y1, x2 - x1, y2 - y1), score)
                for (x1, y1, x2, y2), score, c in rows
            ]
            return detections, dict(found.speed)

        yield detect
