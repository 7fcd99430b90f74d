"""The settings that every backend has."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from fairtrial.files.yamlfile import Closed, NonNegativeInt, PositiveInt
from fairtrial.scoring import fitness
from fairtrial.settings.search import Seed

# Marks a setting that only an experiment sets: the value in params.yaml is that of other backends.
OF_EXPERIMENTS = "of experiments"

Weight = Annotated[float, Field(ge=0)]


class TrainingSettings(Closed):
    """The settings that every backend has; the `Settings` of a backend add to them.

    fitness_keys: the metrics that its fitness may weigh.
    """

    fitness_keys: ClassVar[tuple[str, ...]] = fitness.TASK_KEYS["detect"]

    pretrained: str | None
    epochs: NonNegativeInt
    patience: NonNegativeInt
    imgsz: PositiveInt
    batch: PositiveInt
    seed: Seed
    fitness: dict[str, Weight] | None
    replicate: PositiveInt
    # Of the images in train. It acts on the data set before a backend sees that. Left out where it
    # is 1, so that settings (and with them jobs and keys) are those of a release without it.
    train_share: Annotated[float, Field(gt=0, le=1, exclude_if=lambda share: share == 1)] = 1.0

    @property
    def task(self) -> str:
        """`detect` or `classify`: the module of scoring/ that scores its predictions."""
        return "detect"

    @field_validator("pretrained")
    @classmethod
    def _of_a_source(cls, name: str | None) -> str | None:
        if name is not None and not re.match(r"[A-Za-z0-9][\w.-]*/[^/]", name):
            raise ValueError("must be <source>/<file>, such as weights/yolov8n.pt")
        return name

    @field_validator("epochs")
    @classmethod
    def _learned(cls, epochs: int, info: ValidationInfo) -> int:
        if epochs == 0 and info.data.get("pretrained") is None:
            raise ValueError(
                "a model without `pretrained` and without an epoch has learned nothing"
            )
        return epochs

    @field_validator("fitness", mode="before")
    @classmethod
    def _kept_names(cls, metric_weights: object) -> object:
        return fitness.kept_names(metric_weights)

    @field_validator("fitness")
    @classmethod
    def _normalised(
        cls, metric_weights: dict[str, float] | None, info: ValidationInfo
    ) -> dict[str, float] | None:
        """Metric weights in one form, so that equal rules are equal settings.

        None without an epoch, since no best one is then chosen.
        """
        for name in metric_weights or {}:
            if name not in cls.fitness_keys:
                known = ", ".join(fitness.written_names(cls.fitness_keys))
                raise ValueError(f"`{name}` is not a metric; known: {known}")
        normalised = fitness.normalised(metric_weights)
        return None if info.data.get("epochs") == 0 else normalised
