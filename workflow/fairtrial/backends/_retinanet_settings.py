"""The settings of RetinaNet."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fairtrial.files.yamlfile import LARGEST, NonNegativeInt
from fairtrial.training.settings import TrainingSettings

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]


class Settings(TrainingSettings):
    """Keys with the same meaning as those of Ultralytics have the same names."""

    depth: Literal[18, 34, 50, 101, 152]
    imgsz: Annotated[int, Field(ge=32, le=LARGEST, multiple_of=32)]
    drop_last: bool
    optimizer: Literal["SGD", "Adam", "AdamW"]
    lr0: Positive
    lrf: Positive
    cos_lr: bool
    momentum: Annotated[float, Field(ge=0, lt=1)]
    weight_decay: NotNegative
    warmup_epochs: NotNegative
    clip: Positive | None
    ema: Annotated[float, Field(gt=0, lt=1)] | None
    freeze: Annotated[int, Field(ge=0, le=5)] | None
    prior: Annotated[float, Field(gt=0, lt=1)]
    alpha: Annotated[float, Field(gt=0, lt=1)]
    gamma: NotNegative
    scale: Annotated[float, Field(ge=0, lt=1)]
    fliplr: Share
    flipud: Share
    amp: bool
    workers: NonNegativeInt
