"""When each setting of RetinaNet acts."""

from __future__ import annotations

from fairtrial.backends._retinanet_settings import Settings
from fairtrial.training import schedules
from fairtrial.training.effects import Effect, common

EFFECTS = (
    *common(Settings),
    *schedules.EFFECTS,
    Effect(
        ("cos_lr",),
        "without a `scheduler`, where the rate falls (`lrf` other than 1) over three epochs or "
        "more",
        ("epochs", "lrf", "scheduler"),
        lambda values: (
            values["epochs"] > 2 and values["lrf"] != 1 and values.get("scheduler") is None
        ),
        off=(False,),
    ),
)
