"""When each setting of Ultralytics' detectors acts, as its trainer reads it."""

from __future__ import annotations

from fairtrial.backends._ultralytics_settings import Settings, is_transformer
from fairtrial.training.effects import CLASSES, FALLING_RATE, Effect, Values, common

MIXED = ("mosaic", "mixup", "cutmix")


def _open_epochs(values: Values) -> float:
    """The epochs before the images are no longer mixed; 0 of `close_mosaic`: all."""
    return float(max(0, values["epochs"] - values["close_mosaic"]))


def _accumulates(values: Values) -> bool:
    """Whether `nbs` sums gradients up or, as it is not `batch`, scales the weight decay."""
    nbs, batch = values["nbs"] or values["batch"], values["batch"]
    return bool(round(nbs / batch) > 1 or (nbs != batch and values["weight_decay"] > 0))


def _may_have_several_classes(values: Values) -> bool:
    return values.get(CLASSES) != 1


EFFECTS = (
    *common(Settings),
    Effect(
        MIXED,
        "before the last `close_mosaic` epochs, in which none of mosaic, mixup and cutmix is made",
        ("epochs", "close_mosaic"),
        lambda values: _open_epochs(values) > 0,
        off=(0,),
        epochs=_open_epochs,
    ),
    Effect(
        ("close_mosaic",),
        "where one of `mosaic`, `mixup` and `cutmix` is above 0",
        MIXED,
        lambda values: any(values[name] > 0 for name in MIXED),
    ),
    Effect(
        ("warmup_epochs",),
        "as it is set where it is at most `epochs` - 1: Ultralytics ends it before the last epoch",
        ("epochs",),
        lambda values: values["warmup_epochs"] <= values["epochs"] - 1,
        off=(0,),
    ),
    Effect(
        ("warmup_momentum", "warmup_bias_lr"),
        "where there is a warm-up (`warmup_epochs` above 0, `epochs` above 1)",
        ("epochs", "warmup_epochs"),
        lambda values: values["warmup_epochs"] > 0 and values["epochs"] > 1,
    ),
    Effect(
        ("warmup_momentum",),
        "with `optimizer` SGD or RMSProp: the beta1 of Adam and its kind is constant",
        ("optimizer",),
        lambda values: values["optimizer"] in {"SGD", "RMSProp"},
    ),
    *FALLING_RATE,
    Effect(
        ("nbs",),
        "where gradients add up over `nbs`/`batch` steps, or weights decay",
        ("batch", "weight_decay"),
        lambda values: values["nbs"] == values["batch"] or _accumulates(values),
        off=(None,),
    ),
    Effect(
        ("box", "cls", "dfl", "cls_pw"),
        "on YOLO models: RT-DETR has a loss of its own with fixed weights",
        ("model",),
        lambda values: not is_transformer(values["model"]),
    ),
    Effect(
        ("cls_pw",),
        "where there are two classes or more",
        (CLASSES,),
        _may_have_several_classes,
        off=(0,),
    ),
    Effect(
        ("cls_remap",),
        "where a YOLO model starts from a checkpoint (`pretrained`)",
        ("model", "pretrained"),
        lambda values: bool(values["pretrained"]) and not is_transformer(values["model"]),
        off=(False,),
    ),
)


def size_note(values: Values) -> str:
    """What is to be known of the size of a model beside its number of parameters; may be empty."""
    started = values.get("pretrained") and values.get("epochs")
    if not started or is_transformer(values["model"]):
        return ""
    return (
        "From a checkpoint the class branch of a YOLO model keeps the checkpoint's width, with "
        "cls_remap or without, so its parameters may be more than those of the model from scratch"
    )
