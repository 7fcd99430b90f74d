"""How the learning rate of our own training loops falls over the epochs."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from fairtrial.files.yamlfile import PositiveInt
from fairtrial.training.effects import Effect, Values
from fairtrial.training.settings import TrainingSettings

Scheduler = Literal["none", "exponential", "step", "cosine"]
Factor = Annotated[float, Field(gt=0, lt=1)]
LEVELS = 3  # of `step`, where neither `milestones` nor `step_size` says when the rate falls


def _is_none(value: object) -> bool:
    return value is None


class ScheduleSettings(TrainingSettings):
    """The settings of the shapes, beside `scheduler` and `lrf`. Each is left out at its default, so
    that settings (and with them jobs and keys) are those of a release without it."""

    milestones: Annotated[list[PositiveInt] | None, Field(exclude_if=_is_none)] = None
    step_size: Annotated[PositiveInt | None, Field(exclude_if=_is_none)] = None
    lr_factor: Annotated[Factor | None, Field(exclude_if=_is_none)] = None

    @field_validator("milestones")
    @classmethod
    def _rising(cls, milestones: list[int] | None) -> list[int] | None:
        if milestones is not None and (not milestones or milestones != sorted(set(milestones))):
            raise ValueError("must be rising epochs, such as [30, 40]")
        return milestones

    @field_validator("step_size")
    @classmethod
    def _alone(cls, size: int | None, info: ValidationInfo) -> int | None:
        if size is not None and info.data.get("milestones") is not None:
            raise ValueError("`milestones` says already when the rate falls; keep one")
        return size


def falling(scheduler: Scheduler, settings: ScheduleSettings, lrf: float, epoch: int) -> float:
    """The learning rate of an epoch (from 0) as a share of that of the first.

    `exponential`: times `lr_factor` after each epoch. `step`: times `lr_factor` after each of the
    epochs `milestones`, or after each `step_size` epochs; with neither, three equally long levels.
    Without `lr_factor` both end at `lrf`. `cosine`: half a cosine to `lrf`; `none`: constant. These
    are torch's ExponentialLR, MultiStepLR, StepLR and CosineAnnealingLR over `epochs` - 1.
    """
    if scheduler == "none":
        return 1.0
    progress = epoch / max(1, settings.epochs - 1)
    if scheduler == "cosine":
        return lrf + (1 - lrf) * (1 + math.cos(math.pi * progress)) / 2
    if scheduler == "exponential":
        falls: float = epoch
        to_lrf = progress
    else:
        falls, all_falls = _falls(settings, epoch)
        to_lrf = falls / all_falls
    return float(lrf**to_lrf if settings.lr_factor is None else settings.lr_factor**falls)


def _falls(settings: ScheduleSettings, epoch: int) -> tuple[int, int]:
    """How often `step` has lowered the rate before an epoch (from 0), and in the whole training (at
    least 1)."""
    last = settings.epochs - 1
    if settings.milestones is not None:
        falls, all_falls = (sum(m <= n for m in settings.milestones) for n in (epoch, last))
    elif settings.step_size is not None:
        falls, all_falls = epoch // settings.step_size, last // settings.step_size
    else:
        return min(LEVELS - 1, LEVELS * epoch // settings.epochs), LEVELS - 1
    return falls, max(1, all_falls)


def _falls_to_lrf(values: Values) -> bool:
    scheduler = values.get("scheduler")
    by_factor = scheduler in {"step", "exponential"} and values.get("lr_factor") is not None
    return values["epochs"] > 1 and scheduler != "none" and not by_factor


def _falls_within(values: Values) -> bool:
    first = (values.get("milestones") or [values.get("step_size") or 1])[0]
    return values.get("scheduler") == "step" and first < values["epochs"]


EFFECTS = (
    Effect(
        ("lrf",),
        "where the rate ends at it: with a second epoch, a `scheduler` other than none, and no "
        "`lr_factor`",
        ("epochs", "scheduler", "lr_factor"),
        _falls_to_lrf,
    ),
    Effect(
        ("scheduler",),
        "where the rate falls: with a second epoch, and `lrf` other than 1 or an `lr_factor`",
        ("epochs", "lrf", "lr_factor"),
        lambda values: (
            values["epochs"] > 1 and (values["lrf"] != 1 or values.get("lr_factor") is not None)
        ),
        off=("none", None),
    ),
    Effect(
        ("milestones", "step_size"),
        "with `scheduler` step, and where the rate falls within `epochs`",
        ("epochs", "scheduler"),
        _falls_within,
        off=(None,),
    ),
    Effect(
        ("lr_factor",),
        "with `scheduler` step or exponential, and a second epoch",
        ("epochs", "scheduler"),
        lambda values: values["epochs"] > 1 and values.get("scheduler") in {"step", "exponential"},
        off=(None,),
    ),
)
