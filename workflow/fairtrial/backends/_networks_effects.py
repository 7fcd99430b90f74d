"""When each setting of classification networks acts."""

from __future__ import annotations

from fairtrial.backends._networks_settings import Settings
from fairtrial.training import schedules
from fairtrial.training.effects import Effect, Values, common


def _hidden(values: Values) -> bool:
    """Whether there is a dense layer before the last one."""
    if values["widths"] is None:
        return values["model"] in {"mlp", "cnn"}
    return bool(values["widths"])


EFFECTS = (
    *common(Settings),
    Effect(
        ("momentum",),
        "with `optimizer` SGD, Adam or AdamW: Adagrad and Adadelta have none",
        ("optimizer",),
        lambda values: values["optimizer"] not in {"Adagrad", "Adadelta"},
    ),
    *schedules.EFFECTS,
    Effect(
        ("augment_val_leak",),
        "with an augmentation (`augment`)",
        ("augment",),
        lambda values: bool(values["augment"]),
        off=(False,),
    ),
    Effect(
        ("batch_norm", "flatten"),
        "on `model: cnn`",
        ("model",),
        lambda values: values["model"] == "cnn",
    ),
    Effect(
        ("activation",),
        "on the dense layers that `widths` adds, and on the convolutions of a `cnn`",
        ("model", "widths"),
        lambda values: values["model"] == "cnn" or _hidden(values),
    ),
    Effect(
        ("dropout",),
        "on the dense layers that `widths` adds",
        ("model", "widths"),
        _hidden,
        off=(0,),
    ),
)
