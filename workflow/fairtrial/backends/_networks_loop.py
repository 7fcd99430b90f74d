"""The loop of classification networks: epochs, each committed with all that the next needs.

What is random in an epoch is drawn from (seed, epoch), so a training that was killed at any
moment goes on as if it had not been.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fairtrial import BackendError
from fairtrial.backends import _networks_images as pictures
from fairtrial.backends import _networks_model as model
from fairtrial.data.dataset import SplitDataset
from fairtrial.scoring import class_metrics, fitness
from fairtrial.training import checkpoint
from fairtrial.training.audit import refuse_differences

Row = dict[str, Any]

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "SGD": torch.optim.SGD,
    "Adam": torch.optim.Adam,
    "AdamW": torch.optim.AdamW,
    "Adagrad": torch.optim.Adagrad,
    "Adadelta": torch.optim.Adadelta,
}
SHOWN = ("accuracy", "top5", "precision", "recall", "f1")  # figures of val in the history
LARGEST = 256  # images at once where nothing is learned


class NetworkTraining:
    """The live parts of one training; `rows` is its history, `best` the weights of its best
    epoch, `deviations` why it may not repeat to the bit."""

    def __init__(
        self,
        settings: dict[str, Any],
        view: SplitDataset,
        initial: Path | None,
        folder: Path,
        threads: int,
    ) -> None:
        self.settings, self._folder = settings, folder
        self.names = [name for _, name in sorted(view.dataset.categories.items())]
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._train = pictures.SplitImages(view, "train", settings["imgsz"])
        self._val = pictures.SplitImages(view, "val", settings["imgsz"])
        torch.manual_seed(settings["seed"])
        self.net = model.build(settings, len(self.names), *pictures.channels(self._train))
        if initial is not None:
            model.start_from(self.net, initial, settings)
        self.net.to(self._device)
        self._optimizer = optimizer(self.net, settings)
        self._scaler = torch.amp.GradScaler(enabled=settings["amp"] and self._on_gpu)
        self._conditions = checkpoint.conditions(threads)
        self.rows: list[Row] = []
        self.best: dict[str, Any] = {}
        self.deviations: list[str] = []
        self._restore()

    @property
    def _on_gpu(self) -> bool:
        return bool(self._device.type == "cuda")

    def run(self, after_epoch: Callable[[Row], None]) -> None:
        """Train to the last epoch, or until `patience` epochs have brought nothing better."""
        epochs, patience = self.settings["epochs"], self.settings["patience"]
        while not checkpoint.finished(self.rows, epochs, patience):
            row = self._epoch(len(self.rows))
            checkpoint.commit(self._folder, self._state(), self.rows)
            print(", ".join(f"{name} {value:.4g}" for name, value in row.items()), flush=True)
            after_epoch(row)

    def _epoch(self, epoch: int) -> Row:
        """Train one epoch and judge it on val. Returns its row of the history."""
        rate = learning_rate(self.settings, epoch)
        row = {"epoch": epoch + 1, **self._learn(epoch, rate), **self._judge()}
        self.rows.append(fitness.with_fitness(row, self.settings["fitness"]) | {"lr": rate})
        if checkpoint.best_epoch(self.rows) == len(self.rows):
            self.best = {n: v.detach().cpu().clone() for n, v in self.net.state_dict().items()}
        return self.rows[-1]

    def _learn(self, epoch: int, rate: float) -> Row:
        """One epoch over train, in an order of its own. Returns its mean loss and accuracy."""
        drawn = int(np.random.SeedSequence([self.settings["seed"], epoch]).generate_state(1)[0])
        torch.manual_seed(drawn)  # dropout
        random = torch.Generator().manual_seed(drawn)
        order = torch.randperm(len(self._train), generator=random).numpy()
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self.net.train()
        loss, hits, learned = 0.0, 0, 0
        for start in range(0, len(order), self.settings["batch"]):
            chosen = order[start : start + self.settings["batch"]]
            if len(chosen) == 1 and len(order) > 1:
                continue  # batch norm cannot learn from one image; another epoch has another one
            batch = pictures.augmented(self._train.take(chosen), self.settings["augment"], random)
            found, right = self._step(batch, torch.from_numpy(self._train.classes[chosen]))
            loss, hits = loss + found * len(chosen), hits + right
            learned += len(chosen)
        if not math.isfinite(loss):
            raise BackendError(f"the loss is not a number any more in epoch {epoch + 1}; lower lr0")
        return {"train/cross_entropy_loss": loss / learned, "train/accuracy": hits / learned}

    def _step(self, batch: torch.Tensor, classes: torch.Tensor) -> tuple[float, int]:
        """One step of the optimizer. Returns the mean loss, and how many were right."""
        batch, classes = batch.to(self._device), classes.to(self._device)
        with torch.autocast(self._device.type, enabled=self._scaler.is_enabled()):
            scores = self.net(batch)
            loss = torch.nn.functional.cross_entropy(scores, classes)
        self._optimizer.zero_grad()
        self._scaler.scale(loss).backward()
        self._scaler.step(self._optimizer)
        self._scaler.update()
        return loss.item(), int((scores.argmax(1) == classes).sum().item())

    def _judge(self) -> Row:
        """Loss and figures on val."""
        likely = np.concatenate(
            [probabilities(self.net, b, self._device) for b, _ in self._val.batches(LARGEST)]
        )
        found = class_metrics.metrics(self._val.classes, likely)
        return {"val/cross_entropy_loss": found["log_loss"]} | {
            f"val/{name}": found[name] for name in SHOWN
        }

    def _state(self) -> dict[str, Any]:
        return {
            "conditions": self._conditions,
            "deviations": self.deviations,
            "rows": self.rows,
            "net": self.net.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
            "best": self.best,
        }

    def _restore(self) -> None:
        state = checkpoint.last_state(self._folder)
        if state is None:
            return
        self.rows, self.best = state["rows"], state["best"]
        self.net.load_state_dict(state["net"])
        self._optimizer.load_state_dict(state["optimizer"])
        if state["scaler"]:  # empty where it began on the CPU
            self._scaler.load_state_dict(state["scaler"])
        found = checkpoint.deviations(state["conditions"], self._conditions)
        self.deviations = sorted({*state["deviations"], *found})

    def audit(self) -> None:
        """Raise BackendError with a table where the live parts tell of another setting."""
        asked, group = self.settings, self._optimizer.param_groups[0]
        stepped = {
            "optimizer": type(self._optimizer).__name__,
            "weight_decay": group["weight_decay"],
            "lr0": self.rows[0]["lr"] if self.rows else asked["lr0"],
        }
        if "momentum" in group or "betas" in group:
            stepped["momentum"] = group.get("momentum", group.get("betas", (None,))[0])
        network = {"dropout": asked["dropout"] if _drops_as_asked(self.net, asked) else "another"}
        refuse_differences(
            asked["model"], asked, {"the network": network, "the optimizer": stepped}
        )


def _drops_as_asked(net: model.Network, asked: dict[str, Any]) -> bool:
    """Networks of torchvision may have dropout of their own before the head."""
    own = asked["model"] in model.WIDTHS
    found = {part.p for part in net.modules() if isinstance(part, torch.nn.Dropout)}
    return not own or found <= {asked["dropout"]}


def optimizer(net: model.Network, settings: dict[str, Any]) -> torch.optim.Optimizer:
    """The optimizer by name. `momentum` is Adam's beta1; Adagrad and Adadelta have none."""
    name, momentum = settings["optimizer"], settings["momentum"]
    more: dict[str, Any] = {}
    if name == "SGD":
        more = {"momentum": momentum, "nesterov": momentum > 0}
    elif name in {"Adam", "AdamW"}:
        more = {"betas": (momentum, 0.999)}
    decay = settings["weight_decay"]
    return OPTIMIZERS[name](net.parameters(), lr=settings["lr0"], weight_decay=decay, **more)


def learning_rate(settings: dict[str, Any], epoch: int) -> float:
    """The rate of an epoch, counted from 0: from `lr0` in the first to `lr0 * lrf` in the last.

    `exponential` by one factor an epoch, `step` on three equally long levels, `cosine` along
    half a cosine; `none` stays.
    """
    lr0, lrf, epochs = settings["lr0"], settings["lrf"], settings["epochs"]
    share = epoch / max(1, epochs - 1)
    left = {
        "none": 1.0,
        "exponential": lrf**share,
        "step": lrf ** (min(2, 3 * epoch // epochs) / 2),
        "cosine": lrf + (1 - lrf) * (1 + math.cos(math.pi * share)) / 2,
    }
    return float(lr0 * left[settings["scheduler"]])


def probabilities(net: model.Network, batch: torch.Tensor, device: torch.device) -> Any:
    """The probabilities (n, k) of a batch of pixels (n, 3, size, size), float64."""
    net.eval()
    with torch.inference_mode():
        return torch.softmax(net(batch.to(device)).double(), dim=1).cpu().numpy()
