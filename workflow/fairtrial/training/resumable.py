"""The base of our training loops, which commit after each epoch all that the next one needs.

Random numbers of an epoch are seeded with (seed, epoch), so that no generator's state need be
saved. A training that is killed at any moment and resumed gives the result of one that is not.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairtrial.scoring import fitness
from fairtrial.training import checkpoint, saving
from fairtrial.training.contract import AfterEpoch, HistoryRow
from fairtrial.training.settings import TrainingSettings

if TYPE_CHECKING:
    import torch


class ResumableTraining(ABC):
    """The network, optimizer and history of one training, and its loop over epochs.

    rows: its history so far; best: the weights of its best epoch, on the CPU; deviations: why its
    result may differ from that of an uninterrupted training on the CPU.
    """

    def __init__(
        self,
        settings: TrainingSettings,
        net: torch.nn.Module,
        optimizer: torch.optim.Optimizer,
        scaler: torch.amp.GradScaler,
        conditions: dict[str, Any],
    ) -> None:
        self._settings = settings
        self.net, self.optimizer, self.scaler = net, optimizer, scaler
        self._conditions = conditions
        self.rows: list[HistoryRow] = []
        self.best: dict[str, torch.Tensor] = {}
        self.deviations: list[str] = []

    @abstractmethod
    def learn(self, epoch: int) -> tuple[HistoryRow, float]:
        """Train one epoch (from 0). Returns the columns `train/…` and its last learning rate."""

    @abstractmethod
    def evaluate(self) -> HistoryRow:
        """Losses and metrics on val: the columns `val/…`."""

    @property
    def evaluated(self) -> torch.nn.Module:
        """The network whose weights are evaluated and kept."""
        return self.net

    def run(self, folder: Path, after_epoch: AfterEpoch | None) -> None:
        """Train to the last epoch, or until `patience` epochs have brought no improvement.

        Commits each epoch to `folder`, prints its row and calls `after_epoch`. Does none of these
        where `after_epoch` is None: another process of the same training does.
        """
        while not self._is_finished:
            row = self.run_epoch()
            if after_epoch is not None:
                saving.commit(folder, self.state(), self.rows, self._is_finished)
                print(", ".join(f"{name} {value:.4g}" for name, value in row.items()), flush=True)
                after_epoch(row)

    @property
    def _is_finished(self) -> bool:
        return checkpoint.finished(self.rows, self._settings.epochs, self._settings.patience)

    def run_epoch(self) -> HistoryRow:
        """Train one epoch and evaluate it on val. Returns its row of the history."""
        epoch = len(self.rows)
        train, rate = self.learn(epoch)
        row = {"epoch": epoch + 1, **train, **self.evaluate()}
        self.rows.append(fitness.with_fitness(row, self._settings.fitness) | {"lr": rate})
        if checkpoint.best_epoch(self.rows) == len(self.rows):
            state = self.evaluated.state_dict()
            self.best = {name: value.detach().cpu().clone() for name, value in state.items()}
        return self.rows[-1]

    def state(self) -> dict[str, Any]:
        """Everything that the next epoch depends on: tensors and plain values."""
        return {
            "rows": self.rows,
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "best": self.best,
            "conditions": self._conditions,
            "deviations": self.deviations,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self.rows, self.best = state["rows"], state["best"]
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        if state["scaler"]:  # empty where the training began on the CPU
            self.scaler.load_state_dict(state["scaler"])
        self.deviations = checkpoint.all_deviations(state, self._conditions)

    def resume(self, folder: Path) -> None:
        """Restore the state that an interrupted attempt left in `folder`, if there is one."""
        state = checkpoint.last_state(folder)
        if state is not None:
            self.restore(state)


def epoch_seed(seed: int, epoch: int) -> int:
    """The seed of one epoch (from 0), 32 bits."""
    import numpy as np

    return int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0])
