"""The settings of Ultralytics' detectors, and the names of all these detectors."""

from __future__ import annotations

import difflib
import importlib.util
import re
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from fairtrial import BackendError
from fairtrial.files.yamlfile import LARGEST, NonNegativeInt, PositiveInt, read_yaml
from fairtrial.training.settings import TrainingSettings

Share = Annotated[float, Field(ge=0, le=1)]
PositiveShare = Annotated[float, Field(gt=0, le=1)]
NotNegative = Annotated[float, Field(ge=0)]
P6_STRIDE = 64  # pixels of the image that a place of the coarsest map stands for
BETAS = frozenset({"Adam", "AdamW", "Adamax", "NAdam", "RAdam"})
TRANSFORMER_IMGSZ = 128  # pixels: a smaller image has fewer than the 300 positions of its decoder


class Settings(TrainingSettings):
    """Keys named as Ultralytics' training arguments; their defaults are in params.yaml."""

    model: str
    imgsz: Annotated[int, Field(ge=32, le=LARGEST, multiple_of=32)]
    nbs: PositiveInt | None
    optimizer: Literal["SGD", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSProp"]
    lr0: PositiveShare
    lrf: PositiveShare
    momentum: Share
    weight_decay: Share
    warmup_epochs: NotNegative
    warmup_momentum: Share
    warmup_bias_lr: Share
    cos_lr: bool
    freeze: NonNegativeInt | None
    amp: bool
    workers: NonNegativeInt
    box: NotNegative
    cls: NotNegative
    cls_pw: Share
    dfl: NotNegative
    mosaic: Share
    close_mosaic: NonNegativeInt
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
    cls_remap: bool = False

    @field_validator("optimizer", mode="before")
    @classmethod
    def _refuse_auto(cls, name: object) -> object:
        if name == "auto":
            raise ValueError("it ignores lr0 and momentum; name one: SGD, Adam, AdamW, …")
        return name

    @field_validator("model")
    @classmethod
    def _known(cls, name: str, info: ValidationInfo) -> str:
        known = architectures()
        name = re.sub(r"^(yolov5[nsmlx])u$", r"\1", name.removesuffix(".yaml"))  # the same model
        if name not in known:
            near = ", ".join(difflib.get_close_matches(name, known, 3)) or "yolov8n, yolo11s"
            raise ValueError(f"no detector of this name; near: {near}")
        if is_transformer(name) and info.data.get("imgsz", 0) < TRANSFORMER_IMGSZ:
            raise ValueError(f"RT-DETR needs an imgsz of {TRANSFORMER_IMGSZ} or more")
        if name.endswith("-p6") and info.data.get("imgsz", 0) % P6_STRIDE:
            raise ValueError(f"this model needs an imgsz that is a multiple of {P6_STRIDE}")
        return name

    @field_validator("momentum")
    @classmethod
    def _of_the_optimizer(cls, momentum: float, info: ValidationInfo) -> float:
        optimizer = info.data.get("optimizer")
        if optimizer == "SGD" and momentum == 0:
            raise ValueError("must be above 0 where `optimizer` is SGD")
        if optimizer in BETAS and momentum == 1:
            raise ValueError(f"must be below 1 where `optimizer` is {optimizer}, whose beta1 it is")
        return momentum

    @field_validator("freeze")
    @classmethod
    def _leaves_a_layer(cls, freeze: int | None, info: ValidationInfo) -> int | None:
        model = info.data.get("model")
        if freeze and model and freeze >= layers(model):
            raise ValueError(f"must be below {layers(model)}: {model} has that many layers")
        return freeze


def is_transformer(model: str) -> bool:
    """Whether a name is one of RT-DETR, which Ultralytics trains with classes of its own."""
    return model.startswith("rtdetr-")


@cache
def architectures() -> frozenset[str]:
    """The names of all detectors, with their scale: yolov8n, …, yolo26x, rtdetr-l, …"""
    return frozenset(_descriptions())


@cache
def layers(model: str) -> int:
    """The number of layers of a detector, as `freeze` counts them."""
    description = read_yaml(_descriptions()[model])
    return len(description["backbone"]) + len(description["head"])


@cache
def _descriptions() -> dict[str, Path]:
    """Ultralytics' description of each detector, by the detector's name."""
    spec = importlib.util.find_spec("ultralytics")  # finds the folder without importing it
    if spec is None or not spec.submodule_search_locations:
        raise BackendError("ultralytics is not installed; `make venv` installs it")
    folder = Path(spec.submodule_search_locations[0], "cfg", "models")
    files = {path.stem: path for path in folder.rglob("rtdetr-*.yaml")}  # one file a scale
    for path in folder.rglob("yolo*.yaml"):
        if re.search(r"-(seg|pose|obb|cls|world|worldv2|rtdetr|depth|sem)|yoloe", path.stem):
            continue
        head, dash, tail = path.stem.partition("-")
        text = path.read_text(encoding="utf-8")
        scales = re.findall(r"^ {2}([a-z]): \[", text, re.MULTILINE) or [""]
        if re.search(r"\d[a-z]$", head):  # one file a scale: yolov9c.yaml, yolov10n.yaml
            scales = [""]
        files |= {head + scale + dash + tail: path for scale in scales}
    return files
