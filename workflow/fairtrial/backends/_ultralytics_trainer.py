"""Ultralytics' trainer, made to go on after a kill exactly as if there had been none.

Its own `resume` is not exact: it keeps half-precision copies and no state of the random
numbers. Here the same training is set up afresh, and then its state is overwritten. Random
numbers need no saving, as each epoch begins by seeding all of them from (seed, epoch).

Imported only when a training starts: it loads torch and Ultralytics.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
import ultralytics
from ultralytics.engine import trainer as engine
from ultralytics.models.rtdetr.train import RTDETRTrainer
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.utils.torch_utils import unwrap_model

from fairtrial import BackendError
from fairtrial.backends._ultralytics_audit import audit
from fairtrial.scoring.fitness import with_fitness
from fairtrial.training.checkpoint import (
    best_epoch,
    commit,
    conditions,
    deviations,
    finished,
    last_state,
)

FIGURES = {
    "metrics/precision(B)": "val/precision",
    "metrics/recall(B)": "val/recall",
    "metrics/mAP50(B)": "val/AP50",
    "metrics/mAP50-95(B)": "val/AP",
}


class Trainer(DetectionTrainer):  # type: ignore[misc]
    """Trains in `folder`, from where an earlier attempt left it.

    arguments: Ultralytics'; asked: those among them that are a person's settings.
    After `train()`: `rows`, `best_model()` and `deviations` (why it may not be exact).
    """

    best_fitness: float | None
    accumulate: float

    def __init__(
        self,
        arguments: dict[str, Any],
        asked: dict[str, Any],
        fitness: dict[str, float] | None,
        folder: Path,
        threads: int,
        after_epoch: Callable[[dict[str, Any]], None],
    ) -> None:
        self.rows: list[dict[str, Any]] = []
        self.deviations: list[str] = []
        self.asked = asked
        self._rule, self._folder, self._after_epoch = fitness, folder, after_epoch
        self._threads = threads
        self._conditions = conditions(threads, ultralytics=ultralytics.__version__)
        self._left = last_state(folder)
        self._best: dict[str, Any] = {}
        super().__init__(overrides=arguments)
        self.add_callback("on_train_start", lambda _: torch.set_num_threads(threads))
        self.add_callback("on_train_epoch_start", lambda _: self._begin_epoch())
        self.add_callback("on_train_batch_end", lambda _: self._end_batch())

    # ------------------------------------------------------------------ going on

    def _do_train(self) -> None:
        """All epochs that are still to do: none, if the last attempt died after the last one."""
        if self._left and finished(self._left["rows"], self.epochs, self.args.patience):
            self._setup_train()
        else:
            super()._do_train()

    def resume_training(self, ckpt: Any) -> None:
        """Called at the end of the set-up: overwrite everything that the past has changed."""
        left = self._left
        if left is None:
            return
        unwrap_model(self.model).load_state_dict(left["model"])
        self.ema.ema.load_state_dict(left["ema"])
        self.ema.updates = left["updates"]
        self.optimizer.load_state_dict(left["optimizer"])
        if left["scaler"]:  # empty where it began on the CPU
            self.scaler.load_state_dict(left["scaler"])
        for name, value in left["stopper"].items():
            setattr(self.stopper, name, value)
        self.best_fitness = left["best_fitness"]
        self.rows, self._best = left["rows"], left["best"]
        self._restore_criterion(left["criterion"])
        self.deviations = left["deviations"] + deviations(left["conditions"], self._conditions)
        self.start_epoch = left["epoch"]
        print(f"going on after epoch {self.start_epoch}", *self.deviations, sep="\n")

    def _restore_criterion(self, updates: int | None) -> None:
        """Models without non-maximum suppression shift the weight of two losses each epoch."""
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
        """The same start whatever was before: random numbers, order of images, mosaic's stock."""
        seed = int(np.random.SeedSequence([self.args.seed, self.epoch]).generate_state(1)[0])
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        loader = self.train_loader
        loader.generator.manual_seed(seed)
        loader.reset()
        images = loader.dataset
        if images.cache != "ram":
            for index in images.buffer:
                images.ims[index] = images.im_hw0[index] = images.im_hw[index] = None
            images.buffer = []
        self._batches = self._pending = 0

    def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Also decide whether this batch ends an optimizer's step.

        Gradients add up over `accumulate` batches, as they do in Ultralytics, but not over an
        epoch's end: what is left there makes a step of its own, so no gradient need be saved.
        """
        self._batches += 1
        self._pending += 1
        self._wanted = self.accumulate
        due = self._pending >= self._wanted or self._batches == len(self.train_loader)
        self.accumulate = 0 if due else math.inf  # the batches that it waits for from here
        self._pending = 0 if due else self._pending
        found: dict[str, Any] = super().preprocess_batch(batch)
        return found

    def _end_batch(self) -> None:
        self.accumulate = self._wanted

    def validate(self) -> tuple[dict[str, float], float]:
        """Ultralytics' figures, judged by the fitness that was asked for."""
        best = self.best_fitness
        metrics, _ = super().validate()
        fitness = with_fitness(_own_names(metrics), self._rule)["val/fitness"]
        self.best_fitness = fitness if best is None else max(best, fitness)
        return metrics, fitness

    def save_model(self) -> bool:
        """The end of an epoch: from the commit on, it counts."""
        audit(self, self.asked)  # at once, rather than after a night
        self.rows.append(with_fitness(self._row(), self._rule))
        if best_epoch(self.rows) == len(self.rows):
            self._best = _halved(self.ema.ema.state_dict())
        commit(self._folder, self._state(), self.rows)
        if self.stop:
            super().save_model()  # its own record of the settings, for the audit
        self._after_epoch(self.rows[-1])
        return True

    def _row(self) -> dict[str, Any]:
        """Losses on train and val, Ultralytics' own figures on val, learning rate."""
        found = {"epoch": self.epoch + 1}
        found |= self.label_loss_items(self.tloss, prefix="train")
        found |= {name: float(value) for name, value in _own_names(self.metrics).items()}
        return found | {"lr": float(self.lr["lr/pg0"])}

    def final_eval(self) -> None:
        """Nothing: `predict` and `validate` score the weights, for all frameworks alike."""

    def best_model(self) -> Any:
        """The model with the weights of the best epoch, in half precision."""
        model = deepcopy(self.ema.ema).half()
        model.load_state_dict(self._best)
        return model.requires_grad_(False)

    # ------------------------------------------------------------------ asked and used

    def _setup_train(self) -> None:
        """Without Ultralytics' check of AMP, which runs a checkpoint that it fetches for this
        and switches AMP off where it does not like the answer, or the GPU's name."""
        with mock.patch.object(engine, "check_amp", lambda _: self.device.type == "cuda"):
            super()._setup_train()

    def _build_train_pipeline(self) -> None:
        """Ultralytics comes here again, with half the batch, when memory has run out."""
        if self.batch_size != self.asked["batch"]:
            raise BackendError(
                f"out of memory with a `batch` of {self.asked['batch']}; Ultralytics would go on "
                f"with {self.batch_size}, and the run would not be what was asked for; take a "
                "smaller one"
            )
        super()._build_train_pipeline()

    def _handle_nan_recovery(self, epoch: int) -> bool:
        """Ultralytics would go back to an earlier epoch: another training than was asked for."""
        if self.loss.isfinite() and math.isfinite(self.fitness):
            return False
        raise BackendError(
            f"epoch {epoch + 1}: the loss is no number any more; with lr0 {self.args.lr0} the "
            "training diverges; take a smaller one, or a longer warm-up"
        )


class TransformerTrainer(Trainer, RTDETRTrainer):  # type: ignore[misc]
    """The same with RT-DETR's images, network and validator."""


def _own_names(metrics: dict[str, float]) -> dict[str, float]:
    return {FIGURES.get(name, name): value for name, value in metrics.items()}


def _halved(state: dict[str, Any]) -> dict[str, Any]:
    return {n: v.half() if v.is_floating_point() else v.clone() for n, v in state.items()}
