"""Ultralytics' trainer, resumed after a kill exactly as if there had been none.

Its own `resume` is not exact: it keeps half-precision copies and no state of the random
numbers. Here the same training is set up afresh, and then its state is overwritten. Random
numbers need no saving, as each image and each batch of an epoch is seeded for itself
(`_ultralytics_loader`).

Imported only when a training starts: it loads torch and Ultralytics.
"""

from __future__ import annotations

import math
from copy import deepcopy
from pathlib import Path
from typing import Any
from unittest import mock

import torch
import ultralytics
from ultralytics.engine import trainer as engine
from ultralytics.models.rtdetr.train import RTDETRTrainer
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.utils.torch_utils import unwrap_model

from fairtrial import BackendError
from fairtrial.backends._ultralytics_audit import audit
from fairtrial.backends._ultralytics_loader import (
    BATCHES,
    DrawnImages,
    TrainLoader,
    seed_everything,
    seeds,
)
from fairtrial.scoring.fitness import with_fitness
from fairtrial.training.checkpoint import (
    all_deviations,
    best_epoch,
    conditions,
    finished,
    last_state,
)
from fairtrial.training.contract import AfterEpoch, HistoryRow
from fairtrial.training.saving import commit

METRICS = {
    "metrics/precision(B)": "val/precision",
    "metrics/recall(B)": "val/recall",
    "metrics/mAP50(B)": "val/AP50",
    "metrics/mAP50-95(B)": "val/AP",
}


class Trainer(DetectionTrainer):  # type: ignore[misc]
    """Trains in `folder`, from the state that an earlier attempt left there.

    arguments: Ultralytics'; requested: those among them that are settings of the run;
    metric_weights: the fitness. After `train()`: `rows`, `best_model()` and `deviations`.
    """

    best_fitness: float | None
    accumulate: float

    def __init__(
        self,
        arguments: dict[str, Any],
        requested: dict[str, Any],
        metric_weights: dict[str, float] | None,
        folder: Path,
        threads: int,
        after_epoch: AfterEpoch,
    ) -> None:
        self.rows: list[HistoryRow] = []
        self.deviations: list[str] = []
        self.requested = requested
        self._metric_weights, self._folder = metric_weights, folder
        self._after_epoch = after_epoch
        self._conditions = conditions(threads, ultralytics=ultralytics.__version__)
        self._last_state = last_state(folder)
        self._best: dict[str, torch.Tensor] = {}
        super().__init__(overrides=arguments)
        self.add_callback("on_train_start", lambda _: torch.set_num_threads(threads))
        self.add_callback("on_train_epoch_start", lambda _: self._begin_epoch())
        self.add_callback("on_train_batch_end", lambda _: self._end_batch())

    # ------------------------------------------------------------------ resuming

    def _do_train(self) -> None:
        """Train the epochs that are left; none, if the last attempt ended after the last epoch."""
        state = self._last_state
        try:
            if state and finished(state["rows"], self.epochs, self.args.patience):
                self._setup_train()
            else:
                super()._do_train()
        finally:
            self._close_loaders()

    def _close_loaders(self) -> None:
        """End the loading processes, also of a training that ends before its end."""
        for name in ("train_loader", "test_loader"):
            if hasattr(self, name):
                getattr(self, name).close()

    def resume_training(self, ckpt: object) -> None:
        """Restore the state of the last attempt, if any. Called at the end of the set-up."""
        state = self._last_state
        if state is None:
            return
        unwrap_model(self.model).load_state_dict(state["model"])
        self.ema.ema.load_state_dict(state["ema"])
        self.ema.updates = state["updates"]
        self.optimizer.load_state_dict(state["optimizer"])
        if state["scaler"]:  # empty where it began on the CPU
            self.scaler.load_state_dict(state["scaler"])
        for name, value in state["stopper"].items():
            setattr(self.stopper, name, value)
        self.best_fitness = state["best_fitness"]
        self.rows, self._best = state["rows"], state["best"]
        self._restore_criterion(state["criterion"])
        self.deviations = all_deviations(state, self._conditions)
        self.start_epoch = state["epoch"]
        print(f"resumed after epoch {self.start_epoch}", *self.deviations, sep="\n")

    def _restore_criterion(self, updates: int | None) -> None:
        """Restore the weights of the two losses of models without non-maximum suppression, which
        change each epoch; `updates`: how often they have changed, None for other models."""
        if updates is not None:
            model = unwrap_model(self.model)
            model.criterion = model.init_criterion()
            model.criterion.updates = updates - 1
            model.criterion.update()

    def _state(self) -> dict[str, Any]:
        model = unwrap_model(self.model)
        return {
            "epoch": self.epoch + 1,
            "model": model.state_dict(),
            "ema": self.ema.ema.state_dict(),
            "updates": self.ema.updates,
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "criterion": getattr(model.criterion, "updates", None),
            "stopper": {n: getattr(self.stopper, n) for n in ("best_fitness", "best_epoch")},
            "best_fitness": self.best_fitness,
            "best": self._best,
            "rows": self.rows,
            "conditions": self._conditions,
            "deviations": self.deviations,
        }

    # ------------------------------------------------------------------ an epoch

    def _begin_epoch(self) -> None:
        """Set all that an epoch depends on from (seed, epoch), so that a resumed epoch equals an
        uninterrupted one; its images and batches are seeded one by one."""
        self.train_loader.epoch = self.epoch
        self._seeds = seeds(self.args.seed, self.epoch, BATCHES, len(self.train_loader))
        self._batches = self._pending = 0

    def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Also seed what is drawn until the next one, and decide whether the optimizer steps.

        Gradients add up over `accumulate` batches, as they do in Ultralytics, but not beyond an
        epoch's end: the last batches of an epoch end with a step, so no gradient need be saved.
        """
        seed_everything(self._seeds[self._batches])
        self._batches += 1
        self._pending += 1
        self._accumulate = self.accumulate
        due = self._pending >= self._accumulate or self._batches == len(self.train_loader)
        self.accumulate = 0 if due else math.inf  # read next by Ultralytics' step
        self._pending = 0 if due else self._pending
        preprocessed: dict[str, Any] = super().preprocess_batch(batch)
        return preprocessed

    def _end_batch(self) -> None:
        self.accumulate = self._accumulate

    def validate(self) -> tuple[dict[str, float], float]:
        """Ultralytics' metrics on val, and the fitness of the settings instead of its own."""
        best = self.best_fitness
        metrics, _ = super().validate()
        fitness = with_fitness(_with_our_names(metrics), self._metric_weights)["val/fitness"]
        self.best_fitness = fitness if best is None else max(best, fitness)
        return metrics, fitness

    def save_model(self) -> bool:
        """Commit the epoch to the store. Called at its end."""
        if self.epoch == self.start_epoch:  # rather than after the last
            audit(self, self.requested)
        self.rows.append(with_fitness(self._row(), self._metric_weights))
        if best_epoch(self.rows) == len(self.rows):
            self._best = _half_precision(self.ema.ema.state_dict())
        commit(self._folder, self._state(), self.rows, bool(self.stop))
        if self.stop:
            super().save_model()  # its own record of the settings, for the audit
        self._after_epoch(self.rows[-1])
        return True

    def _row(self) -> HistoryRow:
        """Losses on train and val, Ultralytics' own metrics on val, learning rate."""
        row: HistoryRow = {"epoch": self.epoch + 1}
        row |= self.label_loss_items(self.tloss, prefix="train")
        row |= {name: float(value) for name, value in _with_our_names(self.metrics).items()}
        return row | {"lr": float(self.lr["lr/pg0"])}

    def final_eval(self) -> None:
        """Do nothing: `predict` and `validate` score the weights, for all backends alike."""

    def best_model(self) -> torch.nn.Module:
        """The model with the weights of the best epoch, in half precision."""
        model = deepcopy(self.ema.ema).half()
        model.load_state_dict(self._best)
        return model.requires_grad_(False)

    # ------------------------------------------------------------------ settings as requested

    def _setup_train(self) -> None:
        """Set up without Ultralytics' check of AMP, which downloads a checkpoint, runs it, and
        switches AMP off where the result differs or the GPU has a certain name."""
        with mock.patch.object(engine, "check_amp", lambda _: self.device.type == "cuda"):
            super()._setup_train()

    def _build_train_pipeline(self) -> None:
        """Ultralytics calls this again, with half the batch, when memory has run out."""
        if self.batch_size != self.requested["batch"]:
            raise BackendError(
                f"out of memory with a `batch` of {self.requested['batch']}; Ultralytics would "
                f"continue with {self.batch_size}, which is another training; set a smaller `batch`"
            )
        super()._build_train_pipeline()

    def get_dataloader(
        self, dataset_path: str, batch_size: int = 16, rank: int = 0, mode: str = "train"
    ) -> Any:
        """Ultralytics' loader; that of train draws each image from (seed, epoch, image)."""
        theirs = super().get_dataloader(dataset_path, batch_size, rank, mode)
        if mode != "train":
            return theirs
        plain_from = self.epochs - self.args.close_mosaic
        images = DrawnImages(theirs.dataset, self.args.seed, plain_from, self.args)
        return TrainLoader(theirs, images, self.epochs)

    def _handle_nan_recovery(self, epoch: int) -> bool:
        """Raise BackendError, where Ultralytics would go back to an earlier epoch and train on:
        another training than the settings describe."""
        if self.loss.isfinite() and math.isfinite(self.fitness):
            return False
        raise BackendError(
            f"epoch {epoch + 1}: the loss is NaN or infinite; the training diverges with lr0 "
            f"{self.args.lr0}; set a smaller one, or a longer warm-up"
        )


class TransformerTrainer(Trainer, RTDETRTrainer):  # type: ignore[misc]
    """A Trainer with RT-DETR's images, network and validator."""


def _with_our_names(metrics: dict[str, float]) -> dict[str, float]:
    return {METRICS.get(name, name): value for name, value in metrics.items()}


def _half_precision(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A copy of a state_dict with floating-point tensors in half precision."""
    return {n: v.half() if v.is_floating_point() else v.clone() for n, v in state.items()}
