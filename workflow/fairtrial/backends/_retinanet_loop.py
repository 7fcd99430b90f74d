"""The training loop of RetinaNet, on one or several GPUs or on the CPU."""

from __future__ import annotations

import contextlib
import copy
import math
import re
from pathlib import Path
from typing import Any

import torch
import torchvision

from fairtrial import BackendError
from fairtrial.backends import _retinanet_images as pictures
from fairtrial.backends import _retinanet_model as model
from fairtrial.backends._retinanet_evaluate import evaluate
from fairtrial.backends._retinanet_processes import Process
from fairtrial.backends._retinanet_settings import Settings
from fairtrial.data.dataset import SplitDataset
from fairtrial.training import checkpoint, schedules
from fairtrial.training.audit import refuse_differences
from fairtrial.training.contract import AfterEpoch, HistoryRow
from fairtrial.training.resumable import ResumableTraining, epoch_seed

OPTIMIZERS = {"SGD": torch.optim.SGD, "Adam": torch.optim.Adam, "AdamW": torch.optim.AdamW}
LOSSES = {"bbox_regression": "box_loss", "classification": "cls_loss"}
EMA_WARM_UP = 2000  # steps: time constant with which the average's decay rises from 0 to `ema`


def train(
    settings: Settings,
    data: SplitDataset,
    pretrained: Path | None,
    folder: Path,
    after_epoch: AfterEpoch | None,
    process: Process,
) -> RetinaNetTraining:
    """Train to the last epoch, from what `folder` holds; only process 0 writes there."""
    training = RetinaNetTraining(settings, data, pretrained, process)
    training.resume(folder)
    audit(settings, training)
    with contextlib.closing(training):
        training.run(folder, after_epoch if process.rank == 0 else None)
    return training


class RetinaNetTraining(ResumableTraining):
    """One training of a detector in one of the processes that share it.

    names: the classes in the order of the network's outputs; average: the exponential moving
    average (EMA) of its weights, None where `ema` is null.
    """

    net: model.Net

    def __init__(
        self, settings: Settings, data: SplitDataset, pretrained: Path | None, process: Process
    ) -> None:
        self.settings, self.process = settings, process
        self.names = [name for _, name in sorted(data.dataset.categories.items())]
        torch.manual_seed(settings.seed)
        spec = model.ModelSpec.of(settings, frozen_norm=pretrained is not None)
        net = model.build(spec, len(self.names))
        if pretrained is not None:
            model.start_from(net, pretrained, self.names)
        net.to(process.device)
        self.average = copy.deepcopy(net) if settings.ema else None
        self.shared = process.share(net)
        self.data = data
        self.images = pictures.Images(data, "train", settings, augment=True)
        self._train = process.load(self.images, self._batches, settings)
        val = pictures.Images(data, "val", settings, augment=False)
        ours = pictures.in_order(val.images, settings.batch)[process.rank :: process.world]
        self._val = process.load(val, lambda _: ours, settings)
        conditions = checkpoint.conditions(
            torch.get_num_threads(),
            torchvision=torchvision.__version__,
            processes=str(process.world),
        )
        scaler = torch.amp.GradScaler(enabled=settings.amp and process.on_gpu)
        super().__init__(settings, net, optimizer(net, settings), scaler, conditions)

    @property
    def evaluated(self) -> model.Net:
        """The network that is scored and kept: the averaged one, where there is one."""
        return self.net if self.average is None else self.average

    def evaluate(self) -> HistoryRow:
        """Losses and metrics on val."""
        batches = self._val.of(len(self.rows))
        return evaluate(self.evaluated, self.data, batches, self.process)

    def close(self) -> None:
        """End the loading processes."""
        self._train.close()
        self._val.close()

    def _parts(self, epoch: int) -> list[tuple[list[int], float]]:
        """This process's part of each batch of an epoch, and the weight of its loss."""
        batches = pictures.batches(self.images.images, self.settings, epoch)
        return [pictures.shared(b, self.process.rank, self.process.world) for b in batches]

    def _batches(self, epoch: int) -> list[list[int]]:
        return [part for part, _ in self._parts(epoch)]

    def learn(self, epoch: int) -> tuple[HistoryRow, float]:
        """One epoch (from 0) over train. Returns its mean losses and its last learning rate."""
        settings, process = self.settings, self.process
        parts = self._parts(epoch)
        if not parts:
            raise BackendError(f"drop_last leaves no batch of {settings.batch} in train")
        torch.manual_seed(epoch_seed(settings.seed, epoch))
        sums, rate = torch.zeros(len(LOSSES), device=process.device), 0.0
        self.net.train()
        for step, (images, targets) in enumerate(self._train.of(epoch)):
            rate = learning_rate(settings, epoch, step, len(parts))
            sums += self._step(images, targets, parts[step][1], rate)
            if self.average is not None and settings.ema is not None:
                steps = epoch * len(parts) + step + 1
                update_average(self.average, self.net, settings.ema, steps)
        sums = process.mean(sums / len(parts))
        if not bool(sums.isfinite().all()):
            raise BackendError(
                f"the loss is NaN or infinite in epoch {epoch + 1}; lower `lr0` or `clip`"
            )
        means = dict(zip(LOSSES.values(), sums.tolist(), strict=True))
        return {f"train/{name}": value for name, value in means.items()}, rate

    def _step(
        self,
        images: list[torch.Tensor],
        targets: list[pictures.Target],
        weight: float,
        rate: float,
    ) -> torch.Tensor:
        """One step of the optimizer. Returns the losses (2,) in the order of LOSSES, times
        `weight`, which balances the parts of a batch that several processes share."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast(self.process.device.type, enabled=self.scaler.is_enabled()):
            by_name = self.shared(*self.process.to_device(images, targets))
        losses = torch.stack([by_name[name] for name in LOSSES]) * weight
        self.optimizer.zero_grad()
        self.scaler.scale(losses.sum()).backward()
        if self.settings.clip:
            self.scaler.unscale_(self.optimizer)
            torch.nn.utils.clip_grad_norm_(self.net.parameters(), self.settings.clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return losses.detach()

    def state(self) -> dict[str, Any]:
        """Everything that the next epoch depends on: tensors and plain values."""
        average = self.average.state_dict() if self.average is not None else None
        return super().state() | {"average": average}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        super().restore(state)
        if self.average is not None:
            self.average.load_state_dict(state["average"])


def audit(settings: Settings, training: RetinaNetTraining) -> None:
    """Raise BackendError with a table where network or optimizer differ from the settings."""
    net, decaying = training.net, training.optimizer.param_groups[0]
    frozen = [p for p in net.backbone.body.parameters() if not p.requires_grad]
    layers = [name for name, _ in net.named_modules() if re.search(r"layer\d\.\d+\.conv\d$", name)]
    network = {
        "depth": len(layers) + 2,  # ResNet's number counts its first and last layer, too
        "imgsz": net.transform.max_size,
        "freeze": settings.freeze if bool(settings.freeze) == bool(frozen) else "other layers",
        "alpha": net.head.classification_head.alpha,
        "gamma": net.head.classification_head.gamma,
    }
    optimizer = {
        "optimizer": type(training.optimizer).__name__,
        "momentum": decaying["momentum"] if "momentum" in decaying else decaying["betas"][0],
        "weight_decay": decaying["weight_decay"],
    }
    used = {"the network": network, "the optimizer": optimizer}
    refuse_differences("RetinaNet", settings.model_dump(), used)


def optimizer(net: model.Net, settings: Settings) -> torch.optim.Optimizer:
    """The optimizer by name. Biases and norms do not decay; `momentum` is Adam's beta1."""
    learned = [p for p in net.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in learned if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in learned if p.ndim <= 1], "weight_decay": 0.0},
    ]
    options: dict[str, Any] = {"betas": (settings.momentum, 0.999)}
    if settings.optimizer == "SGD":
        options = {"momentum": settings.momentum, "nesterov": settings.momentum > 0}
    return OPTIMIZERS[settings.optimizer](groups, lr=settings.lr0, **options)


def learning_rate(settings: Settings, epoch: int, step: int, steps: int) -> float:
    """The learning rate of one step of an epoch of `steps`; epoch and step count from 0.

    It falls from `lr0`, epoch by epoch: as `scheduler` says, or to `lr0 * lrf` along a line or half
    a cosine. Within the first `warmup_epochs` it rises from 0, step by step.
    """
    progress = epoch / settings.epochs
    left = (1 + math.cos(math.pi * progress)) / 2 if settings.cos_lr else 1 - progress
    share = settings.lrf + (1 - settings.lrf) * left
    if settings.scheduler is not None:
        share = schedules.falling(settings.scheduler, settings, settings.lrf, epoch)
    rate = settings.lr0 * share
    warm_up = settings.warmup_epochs * steps
    done = epoch * steps + step + 1
    return float(rate * min(1.0, done / warm_up)) if warm_up else float(rate)


def update_average(average: model.Net, net: model.Net, decay: float, steps: int) -> None:
    """Move the averaged weights towards the net's: by 1 - decay, more in the first steps.

    steps: the steps of the optimizer so far. Integers, such as a batch norm's count of batches,
    are copied. Changes `average`.
    """
    decay = decay * (1 - math.exp(-steps / EMA_WARM_UP))
    with torch.no_grad():
        for ours, theirs in zip(
            average.state_dict().values(), net.state_dict().values(), strict=True
        ):
            if ours.is_floating_point():
                ours.lerp_(theirs, 1 - decay)
            else:
                ours.copy_(theirs)
