"""The settings of classification networks."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from fairtrial.files.yamlfile import LARGEST, PositiveInt
from fairtrial.scoring import fitness
from fairtrial.training.schedules import Scheduler, ScheduleSettings

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Width = PositiveInt

RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
OTHERS = (
    "convnext_tiny",
    "densenet121",
    "efficientnet_b0",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "regnet_y_400mf",
    "shufflenet_v2_x1_0",
    "vgg11_bn",
)
FAMILIES = ("yolov8", "yolo11", "yolo12", "yolo26")
ULTRALYTICS = tuple(f"{family}{scale}-cls" for family in FAMILIES for scale in "nsmlx")
MODELS = ("mlp", "cnn", *RESNETS, *OTHERS, *ULTRALYTICS)


class WidthRule(BaseModel):
    """A rule for widths instead of a list: the first width, the number of layers, and how each
    further width follows."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    first: Width
    layers: Annotated[int, Field(ge=1, le=64)]
    rule: Literal["divide by 2", "divide by 4", "alternating"]

    def widths(self) -> list[int]:
        """The list of widths. `alternating`: the first width and half of it; none is below 1."""
        if self.rule == "alternating":
            return [max(1, self.first // (1 + n % 2)) for n in range(self.layers)]
        divisor = int(self.rule[-1])
        return [max(1, self.first // divisor**n) for n in range(self.layers)]


class Architecture(BaseModel):
    """The settings that a network is built from, as weights.pt holds them."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    model: str
    imgsz: int
    widths: list[int] | None
    blocks: list[int] | None
    activation: str
    dropout: float
    batch_norm: bool = True
    flatten: bool = False


class Settings(ScheduleSettings):
    """Keys with the same meaning as those of detectors have the same names."""

    fitness_keys: ClassVar[tuple[str, ...]] = fitness.TASK_KEYS["classify"]

    model: str
    imgsz: Annotated[int, Field(ge=8, le=LARGEST)]
    widths: list[Width] | WidthRule | None
    blocks: Annotated[list[Width], Field(min_length=1)] | None
    activation: Literal["relu", "leaky_relu", "sigmoid", "elu", "silu"]
    dropout: Annotated[float, Field(ge=0, lt=1)]
    augment: list[Literal["flip", "crop"]]
    optimizer: Literal["SGD", "Adam", "AdamW", "Adagrad", "Adadelta"]
    lr0: Positive
    lrf: Annotated[float, Field(gt=0, le=1)]
    scheduler: Scheduler
    momentum: Annotated[float, Field(ge=0, lt=1)]
    weight_decay: NotNegative
    amp: bool
    batch_norm: Annotated[bool, Field(exclude_if=lambda value: value)] = True
    flatten: Annotated[bool, Field(exclude_if=lambda value: not value)] = False
    augment_val_leak: Annotated[bool, Field(exclude_if=lambda value: not value)] = False

    @property
    def task(self) -> str:
        """A class for each image."""
        return "classify"

    @field_validator("model")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in MODELS:
            raise ValueError(f"no classification network; known: {', '.join(MODELS)}")
        return name

    @field_validator("widths")
    @classmethod
    def _listed(cls, widths: list[int] | WidthRule | None) -> list[int] | None:
        """Equal widths are equal settings, however they were written."""
        return widths.widths() if isinstance(widths, WidthRule) else widths

    @field_validator("augment")
    @classmethod
    def _sorted(cls, names: list[str]) -> list[str]:
        return sorted(set(names))

    @field_validator("blocks")
    @classmethod
    def _of_a_cnn(cls, blocks: list[int] | None, info: ValidationInfo) -> list[int] | None:
        if blocks is not None and info.data.get("model") != "cnn":
            raise ValueError("only `model: cnn` has blocks of convolutions")
        return blocks

    @field_validator("batch")
    @classmethod
    def _more_than_one(cls, batch: int) -> int:
        if batch == 1:
            raise ValueError("must be 2 or more: batch norm cannot learn from one image")
        return batch

    @field_validator("epochs")
    @classmethod
    def _learned(cls, epochs: int, info: ValidationInfo) -> int:
        if epochs == 0:
            raise ValueError("must be 1 or more: the last layer is new and has learned nothing")
        return epochs


def architecture_of(settings: Settings) -> Architecture:
    """The part of the settings that describes the network."""
    rule = settings.widths
    return Architecture(
        model=settings.model,
        imgsz=settings.imgsz,
        widths=rule.widths() if isinstance(rule, WidthRule) else rule,
        blocks=settings.blocks,
        activation=settings.activation,
        dropout=settings.dropout,
        batch_norm=settings.batch_norm,
        flatten=settings.flatten,
    )
