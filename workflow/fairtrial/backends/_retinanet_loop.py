"""The loop: epochs of RetinaNet, each committed to the disk with all that the next depends on.

What is random in an epoch is drawn from (seed, epoch), so no random state need be kept, and a
training that was killed at any moment goes on as if it had not been.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision

from fairtrial import BackendError
from fairtrial.backends import _retinanet_images as pictures
from fairtrial.backends import _retinanet_model as model
from fairtrial.backends._retinanet_evaluate import evaluate
from fairtrial.backends._retinanet_processes import Process
from fairtrial.data.dataset import SplitDataset
from fairtrial.scoring import fitness
from fairtrial.training import checkpoint
from fairtrial.training.audit import refuse_differences

OPTIMIZERS = {"SGD": torch.optim.SGD, "Adam": torch.optim.Adam, "AdamW": torch.optim.AdamW}
LOSSES = {"bbox_regression": "box_loss", "classification": "cls_loss"}
EMA_WARM_UP = 2000  # steps over which the average comes to look back as far as `ema` says

Row = dict[str, Any]


def train(
    settings: dict[str, Any],
    view: SplitDataset,
    initial: Path | None,
    folder: Path,
    after_epoch: Callable[[Row], None] | None,
    process: Process,
) -> RetinaNetTraining:
    """Train to the last epoch, from what `folder` holds; only process 0 writes there."""
    training = RetinaNetTraining(settings, view, initial, process)
    state = checkpoint.last_state(folder)
    if state is not None:
        training.restore(state)
    audit(settings, training)
    while not checkpoint.finished(training.rows, settings["epochs"], settings["patience"]):
        row = training.run_epoch()
        if process.rank == 0:
            checkpoint.commit(folder, training.state(), training.rows)
            print(", ".join(f"{name} {value:.4g}" for name, value in row.items()), flush=True)
            if after_epoch:
                after_epoch(row)
    return training


class RetinaNetTraining:
    """The live parts of one training. `rows` is its history, `best` the weights of its best
    epoch, `deviations` why it may differ from a training that nobody interrupted."""

    def __init__(
        self, settings: dict[str, Any], view: SplitDataset, initial: Path | None, process: Process
    ) -> None:
        self.settings, self.process = settings, process
        self.names = [name for _, name in sorted(view.dataset.categories.items())]
        torch.manual_seed(settings["seed"])
        self.net = model.build(settings, len(self.names), frozen_norm=initial is not None)
        if initial is not None:
            model.start_from(self.net, initial, self.names)
        self.net.to(process.device)
        self.average = copy.deepcopy(self.net) if settings["ema"] else None
        self.shared = process.share(self.net)
        self.optimizer = optimizer(self.net, settings)
        self.scaler = torch.amp.GradScaler(enabled=settings["amp"] and process.on_gpu)
        self.view, self.images = view, pictures.Images(view, "train", settings, augment=True)
        self.rows: list[Row] = []
        self.best: dict[str, Any] = {}
        self.deviations: list[str] = []
        self._conditions = checkpoint.conditions(
            torch.get_num_threads(),
            torchvision=torchvision.__version__,
            processes=str(process.world),
        )

    def run_epoch(self) -> Row:
        """Train one epoch and judge it on val. Returns its row of the history."""
        losses, rate = self._learn(len(self.rows))
        judged = self.net if self.average is None else self.average
        found = evaluate(judged, self.view, self.settings, self.process)
        row = fitness.with_fitness(
            {"epoch": len(self.rows) + 1} | losses | found, self.settings["fitness"]
        )
        self.rows.append(row | {"lr": rate})
        if checkpoint.best_epoch(self.rows) == len(self.rows):
            self.best = {n: v.detach().cpu().clone() for n, v in judged.state_dict().items()}
        return self.rows[-1]

    def _learn(self, epoch: int) -> tuple[Row, float]:
        """One epoch over train. Returns its mean losses and its last learning rate."""
        settings, process = self.settings, self.process
        whole = pictures.batches(self.images.images, settings, epoch)
        if not whole:
            raise BackendError(f"drop_last leaves no batch of {settings['batch']} in train")
        parts = [pictures.shared(batch, process.rank, process.world) for batch in whole]
        self.images.epoch = epoch
        torch.manual_seed(
            int(np.random.SeedSequence([settings["seed"], epoch]).generate_state(1)[0])
        )
        loaded = process.load(self.images, [part for part, _ in parts], settings["workers"])
        sums, rate = torch.zeros(len(LOSSES), device=process.device), 0.0
        self.net.train()
        for step, (images, targets) in enumerate(loaded):
            rate = learning_rate(settings, epoch, step, len(whole))
            sums += self._step(images, targets, parts[step][1], rate)
            if self.average is not None:
                follow(self.average, self.net, settings["ema"], epoch * len(whole) + step + 1)
        sums = process.mean(sums / len(whole))
        if not bool(sums.isfinite().all()):
            raise BackendError(
                f"the loss is not a number any more in epoch {epoch + 1}; lower `lr0` or `clip`"
            )
        means = dict(zip(LOSSES.values(), sums.tolist(), strict=True))
        return {f"train/{name}": value for name, value in means.items()}, rate

    def _step(self, images: Any, targets: Any, weight: float, rate: float) -> Any:
        """One step of the optimizer. Returns the losses in the order of LOSSES."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast(self.process.device.type, enabled=self.scaler.is_enabled()):
            found = self.shared(*self.process.take(images, targets))
        losses = torch.stack([found[name] for name in LOSSES]) * weight
        self.optimizer.zero_grad()
        self.scaler.scale(losses.sum()).backward()
        if self.settings["clip"]:
            self.scaler.unscale_(self.optimizer)
            torch.nn.utils.clip_grad_norm_(self.net.parameters(), self.settings["clip"])
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return losses.detach()

    def state(self) -> dict[str, Any]:
        """Everything that the next epoch depends on: tensors and plain values."""
        average = self.average.state_dict() if self.average is not None else None
        return {
            "rows": self.rows,
            "net": self.net.state_dict(),
            "average": average,
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "best": self.best,
            "conditions": self._conditions,
            "deviations": self.deviations,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        self.rows, self.best = state["rows"], state["best"]
        now = checkpoint.deviations(state["conditions"], self._conditions)
        self.deviations = state["deviations"] + now
        self.net.load_state_dict(state["net"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        if state["scaler"]:  # empty where it began on the CPU
            self.scaler.load_state_dict(state["scaler"])


def audit(asked: dict[str, Any], training: RetinaNetTraining) -> None:
    """Raise BackendError with a table where the live parts tell of another setting."""
    net, decaying = training.net, training.optimizer.param_groups[0]
    frozen = [p for p in net.backbone.body.parameters() if not p.requires_grad]
    layers = [name for name, _ in net.named_modules() if re.search(r"layer\d\.\d+\.conv\d$", name)]
    network = {
        "depth": len(layers) + 2,  # the first and the last layer of a ResNet stand outside
        "imgsz": net.transform.max_size,
        "freeze": asked["freeze"] if bool(asked["freeze"]) == bool(frozen) else "other layers",
        "alpha": net.head.classification_head.alpha,
        "gamma": net.head.classification_head.gamma,
    }
    stepped = {
        "optimizer": type(training.optimizer).__name__,
        "momentum": decaying["momentum"] if "momentum" in decaying else decaying["betas"][0],
        "weight_decay": decaying["weight_decay"],
    }
    used = {"the network": network, "the optimizer": stepped}
    refuse_differences("RetinaNet", asked, used)


def optimizer(net: Any, settings: dict[str, Any]) -> Any:
    """The optimizer by name. Biases and norms do not decay; `momentum` is Adam's beta1."""
    learned = [p for p in net.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in learned if p.ndim > 1], "weight_decay": settings["weight_decay"]},
        {"params": [p for p in learned if p.ndim <= 1], "weight_decay": 0.0},
    ]
    more: dict[str, Any] = {"betas": (settings["momentum"], 0.999)}
    if settings["optimizer"] == "SGD":
        more = {"momentum": settings["momentum"], "nesterov": settings["momentum"] > 0}
    return OPTIMIZERS[settings["optimizer"]](groups, lr=settings["lr0"], **more)


def learning_rate(settings: dict[str, Any], epoch: int, step: int, steps: int) -> float:
    """The rate of one step (both counted from 0) of an epoch of `steps`.

    It falls from `lr0` to `lr0 * lrf`, epoch by epoch, along a line or half a cosine; within
    the first `warmup_epochs` it rises from 0, step by step.
    """
    share = epoch / settings["epochs"]
    left = (1 + math.cos(math.pi * share)) / 2 if settings["cos_lr"] else 1 - share
    rate = settings["lr0"] * (settings["lrf"] + (1 - settings["lrf"]) * left)
    warm_up = settings["warmup_epochs"] * steps
    done = epoch * steps + step + 1
    return float(rate * min(1.0, done / warm_up)) if warm_up else float(rate)


def follow(average: Any, net: Any, decay: float, steps: int) -> None:
    """Move the averaged weights towards the net's: by 1 - decay, more in the first steps.

    What is counted rather than learned is taken as it is.
    """
    kept = decay * (1 - math.exp(-steps / EMA_WARM_UP))
    with torch.no_grad():
        for ours, theirs in zip(
            average.state_dict().values(), net.state_dict().values(), strict=True
        ):
            if ours.is_floating_point():
                ours.lerp_(theirs, 1 - kept)
            else:
                ours.copy_(theirs)


def seed_of(seed: int, epoch: int) -> int:
    """The seed of one epoch, so that no random state need outlive it."""
    return int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0])
