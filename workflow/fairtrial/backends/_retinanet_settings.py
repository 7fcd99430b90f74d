"""The settings of RetinaNet."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fairtrial.files.yamlfile import LARGEST, NonNegativeInt
from fairtrial.training.schedules import Scheduler, ScheduleSettings
from fairtrial.training.settings import OF_EXPERIMENTS

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]


class Settings(ScheduleSettings):
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
    # None: along a line, or with `cos_lr` a cosine. In params.yaml it is that of the networks.
    scheduler: Annotated[
        Scheduler | None, Field(exclude_if=lambda name: name is None), OF_EXPERIMENTS
    ] = None
