"""When each setting of RetinaNet acts."""

from __future__ import annotations

from fairtrial.backends._retinanet_settings import Settings
from fairtrial.training.effects import Effect, common

EFFECTS = (
    *common(Settings),
    Effect(
        ("lrf",),
        "where there is a second epoch",
        ("epochs",),
        lambda values: values["epochs"] > 1,
    ),
    Effect(
        ("cos_lr",),
        "where the rate falls (`lrf` other than 1) over three epochs or more",
        ("epochs", "lrf"),
        lambda values: values["epochs"] > 2 and values["lrf"] != 1,
        off=(False,),
    ),
)
