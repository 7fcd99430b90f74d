"""What Ultralytics used according to four of its records, compared with the settings.

It changes some settings without an error: half the batch when memory runs out, another
learning rate with `optimizer=auto`, …
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fairtrial.training.audit import refuse_differences
from fairtrial.training.unpickling import unpickled

if TYPE_CHECKING:
    from ultralytics.models.yolo.detect import DetectionTrainer

NOT_COMPARED = {"workers"}  # Ultralytics uses 0 on the CPU; no result depends on it


def audit(trainer: DetectionTrainer, requested: dict[str, Any]) -> None:
    """Raise BackendError with a table where any record has another setting.

    trainer: Ultralytics', set up; requested: its arguments by name.
    """
    from ultralytics.utils import YAML

    of_trainer = {"batch": trainer.batch_size, "epochs": trainer.epochs}
    if trainer.device.type == "cuda":  # on the CPU there is none, whatever the setting
        of_trainer["amp"] = trainer.amp
    used: dict[str, dict[str, Any]] = {
        "its trainer": vars(trainer.args) | of_trainer,
        "args.yaml": YAML.load(trainer.save_dir / "args.yaml"),
        "its optimizer": _of_optimizer(trainer, str(requested["optimizer"])),
    }
    if trainer.last.exists():
        saved = unpickled(trainer.last)
        used["its checkpoint"] = saved["train_args"]
    compared = {name: value for name, value in requested.items() if name not in NOT_COMPARED}
    refuse_differences("Ultralytics", compared, used)


def _of_optimizer(trainer: DetectionTrainer, requested: str) -> dict[str, object]:
    """The settings of the optimizer itself; `requested`: its name in the run's settings."""
    name, group = type(trainer.optimizer).__name__, trainer.optimizer.param_groups[0]
    is_same = name.lower() == requested.lower()  # RMSProp, torch's RMSprop
    settings = {"optimizer": requested if is_same else name, "lr0": group["initial_lr"]}
    if "betas" in group:
        settings["momentum"] = group["betas"][0]
    elif trainer.epoch >= trainer.args.warmup_epochs:  # until then it rises
        settings["momentum"] = group["momentum"]
    return settings
