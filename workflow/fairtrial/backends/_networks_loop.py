"""The training loop of classification networks."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from fairtrial import BackendError
from fairtrial.backends import _networks_images as pictures
from fairtrial.backends import _networks_model as model
from fairtrial.backends._networks_settings import Settings, architecture_of
from fairtrial.data.dataset import SplitDataset
from fairtrial.scoring import class_metrics
from fairtrial.training import checkpoint, schedules
from fairtrial.training.audit import refuse_differences
from fairtrial.training.contract import HistoryRow
from fairtrial.training.resumable import ResumableTraining, epoch_seed

if TYPE_CHECKING:
    from numpy.typing import NDArray

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "SGD": torch.optim.SGD,
    "Adam": torch.optim.Adam,
    "AdamW": torch.optim.AdamW,
    "Adagrad": torch.optim.Adagrad,
    "Adadelta": torch.optim.Adadelta,
}
METRICS = ("accuracy", "top5", "precision", "recall", "f1")  # on val, in the history
EVALUATION_BATCH = 256  # images a batch on val; no metric depends on it


class NetworkTraining(ResumableTraining):
    """One training of a network, resumed from what `folder` holds of it.

    names: the classes in the order of the network's outputs.
    """

    def __init__(
        self,
        settings: Settings,
        data: SplitDataset,
        pretrained: Path | None,
        folder: Path,
        threads: int,
    ) -> None:
        self.settings = settings
        self.names = [name for _, name in sorted(data.dataset.categories.items())]
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        learned = ("train", "val") if settings.augment_val_leak else ("train",)
        self._train = pictures.SplitImages(data, settings.imgsz, *learned)
        self._val = pictures.SplitImages(data, settings.imgsz, "val")
        torch.manual_seed(settings.seed)
        statistics = pictures.channel_statistics(self._train)
        net = model.build(architecture_of(settings), len(self.names), *statistics)
        if pretrained is not None:
            model.start_from(net, pretrained, settings.model)
        net.to(self._device)
        scaler = torch.amp.GradScaler(enabled=settings.amp and self._device.type == "cuda")
        conditions = checkpoint.conditions(threads)
        super().__init__(settings, net, optimizer(net, settings), scaler, conditions)
        self.resume(folder)

    def learn(self, epoch: int) -> tuple[HistoryRow, float]:
        """One epoch (from 0) over train, in an order drawn from seed and epoch. Returns mean loss
        and accuracy, and the learning rate. Raises BackendError where the loss is not finite."""
        seed = epoch_seed(self.settings.seed, epoch)
        torch.manual_seed(seed)  # dropout
        random = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(self._train), generator=random).numpy()
        rate = learning_rate(self.settings, epoch)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.net.train()
        loss, hits, images = 0.0, 0, 0
        for start in range(0, len(order), self.settings.batch):
            numbers = order[start : start + self.settings.batch]
            if len(numbers) == 1 and len(order) > 1:
                continue  # batch norm cannot learn from one image; each epoch omits another one
            batch = pictures.augmented(self._train.take(numbers), self.settings.augment, random)
            classes = torch.from_numpy(self._train.classes[numbers])
            batch_loss, batch_hits = self._step(batch, classes)
            loss, hits = loss + batch_loss * len(numbers), hits + batch_hits
            images += len(numbers)
        if not math.isfinite(loss):
            raise BackendError(f"the loss is NaN or infinite in epoch {epoch + 1}; lower `lr0`")
        return {"train/cross_entropy_loss": loss / images, "train/accuracy": hits / images}, rate

    def _step(self, batch: torch.Tensor, classes: torch.Tensor) -> tuple[float, int]:
        """One step of the optimizer on pixels (n, 3, size, size) and class numbers (n,).

        Returns the mean loss and the number of images that were classified correctly.
        """
        batch, classes = batch.to(self._device), classes.to(self._device)
        with torch.autocast(self._device.type, enabled=self.scaler.is_enabled()):
            logits = self.net(batch)
            loss = torch.nn.functional.cross_entropy(logits, classes)
        self.optimizer.zero_grad()
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return loss.item(), int((logits.argmax(1) == classes).sum().item())

    def evaluate(self) -> HistoryRow:
        """Loss and metrics on val."""
        batches = self._val.batches(EVALUATION_BATCH)
        predicted = np.concatenate([probabilities(self.net, b, self._device) for b, _ in batches])
        metrics = class_metrics.metrics(self._val.classes, predicted)
        return {"val/cross_entropy_loss": metrics["log_loss"]} | {
            f"val/{name}": metrics[name] for name in METRICS
        }

    def audit(self) -> None:
        """Raise BackendError with a table where network or optimizer differ from the settings."""
        requested, group = self.settings, self.optimizer.param_groups[0]
        optimizer = {
            "optimizer": type(self.optimizer).__name__,
            "weight_decay": group["weight_decay"],
            "lr0": self.rows[0]["lr"] if self.rows else requested.lr0,
        }
        if "momentum" in group:
            optimizer["momentum"] = group["momentum"]
        elif "betas" in group:
            optimizer["momentum"] = group["betas"][0]
        as_requested = _has_requested_dropout(self.net, requested)
        network = {"dropout": requested.dropout if as_requested else "another"}
        refuse_differences(
            requested.model,
            requested.model_dump(),
            {"the network": network, "the optimizer": optimizer},
        )


def _has_requested_dropout(net: model.Network, settings: Settings) -> bool:
    """Whether all dropout of a network is that of the settings. Always true of published networks,
    which may have other dropout before the head."""
    is_published = settings.model not in model.WIDTHS
    rates = {part.p for part in net.modules() if isinstance(part, torch.nn.Dropout)}
    return is_published or rates <= {settings.dropout}


def optimizer(net: model.Network, settings: Settings) -> torch.optim.Optimizer:
    """The optimizer by name. `momentum` is Adam's beta1; Adagrad and Adadelta have none."""
    name, momentum = settings.optimizer, settings.momentum
    options: dict[str, Any] = {}
    if name == "SGD":
        options = {"momentum": momentum, "nesterov": momentum > 0}
    elif name in {"Adam", "AdamW"}:
        options = {"betas": (momentum, 0.999)}
    decay = settings.weight_decay
    return OPTIMIZERS[name](net.parameters(), lr=settings.lr0, weight_decay=decay, **options)


def learning_rate(settings: Settings, epoch: int) -> float:
    """The learning rate of an epoch (from 0)."""
    share = schedules.falling(settings.scheduler, settings, settings.lrf, epoch)
    return float(settings.lr0 * share)


def probabilities(
    net: model.Network, batch: torch.Tensor, device: torch.device
) -> NDArray[np.float64]:
    """The probabilities (n, k) of a batch of pixels (n, 3, size, size)."""
    net.eval()
    with torch.inference_mode():
        softmax: NDArray[np.float64] = (
            torch.softmax(net(batch.to(device)).double(), dim=1).cpu().numpy()
        )
    return softmax
