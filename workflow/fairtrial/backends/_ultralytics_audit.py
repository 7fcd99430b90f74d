"""What Ultralytics says it used, from four of its records, beside what it was asked for.

It changes some settings without an error: half the batch when memory runs out, another
learning rate with `optimizer=auto`, …
"""

from __future__ import annotations

from typing import Any

from fairtrial.training.audit import refuse_differences

NOT_JUDGED = {"workers"}  # 0 on the CPU whatever was asked: how data is loaded, not what


def audit(trainer: Any, asked: dict[str, Any]) -> None:
    """Raise BackendError with a table where any record tells of another setting.

    trainer: Ultralytics', set up; asked: its arguments by name.
    """
    import torch
    from ultralytics.utils import YAML

    own = {"batch": trainer.batch_size, "epochs": trainer.epochs}
    if trainer.device.type == "cuda":  # on the CPU there is none, whatever was asked
        own["amp"] = trainer.amp
    used: dict[str, dict[str, Any]] = {
        "its trainer": vars(trainer.args) | own,
        "args.yaml": YAML.load(trainer.save_dir / "args.yaml"),
        "its optimizer": _stepped_by(trainer, str(asked["optimizer"])),
    }
    if trainer.last.exists():
        saved = torch.load(trainer.last, map_location="cpu", weights_only=False)
        used["its checkpoint"] = saved["train_args"]
    judged = {name: value for name, value in asked.items() if name not in NOT_JUDGED}
    refuse_differences("Ultralytics", judged, used)


def _stepped_by(trainer: Any, asked: str) -> dict[str, Any]:
    """What the optimizer itself was built with."""
    name, group = type(trainer.optimizer).__name__, trainer.optimizer.param_groups[0]
    same = name.lower() == asked.lower()  # RMSProp, torch's RMSprop
    found = {"optimizer": asked if same else name, "lr0": group["initial_lr"]}
    if "betas" in group:
        found["momentum"] = group["betas"][0]
    elif trainer.epoch >= trainer.args.warmup_epochs:  # until then it rises
        found["momentum"] = group["momentum"]
    return found
