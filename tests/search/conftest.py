"""A framework that trains nothing, and studies that use it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fairtrial.scoring.fitness import with_fitness
from fairtrial.search.worker import Task
from fairtrial.training.checkpoint import HISTORY, best_epoch, epochs_done, write_history
from fairtrial.training.contract import AfterEpoch, FitResult, ModelSize

EPOCHS = 4
SPACE: dict[str, dict[str, Any]] = {
    "x": {"low": 0.001, "high": 1.0, "log": True, "step": None, "integer": False},
    "y": {"low": 0, "high": 8, "log": False, "step": 1, "integer": True},
    "z": {"choices": ["a", "b", None]},
}
START = {"x": 0.5, "y": 7, "z": "b", "epochs": EPOCHS, "weights": None, "fitness": None}


@dataclass
class Framework:
    """`fit` as frameworks have it: best at x = 0.1, y = 3. Goes on from what it finds."""

    begun: list[dict[str, Any]] = field(default_factory=list)
    epochs: int = 0  # trained, over all trainings
    before: Callable[[dict[str, Any], int], None] = lambda settings, epoch: None

    def fit(self, settings: dict[str, Any], view: Any, initial: Any, folder: Path, threads: int,
            after_epoch: AfterEpoch) -> FitResult:  # fmt: skip
        self.begun.append(settings)
        done = epochs_done(folder)
        rows = [self._row(settings, epoch) for epoch in range(1, done + 1)]
        for epoch in range(done + 1, settings["epochs"] + 1):
            self.before(settings, epoch)
            self.epochs += 1
            rows.append(self._row(settings, epoch))
            write_history(folder, rows)
            after_epoch(rows[-1])
        (folder / "weights.pt").write_text("weights")
        size = ModelSize(parameters=0, gflops=None, layers=None)
        return FitResult(size, best_epoch(rows), len(rows))

    def _row(self, settings: dict[str, Any], epoch: int) -> dict[str, Any]:
        off = abs(settings["x"] - 0.1) + abs(settings["y"] - 3) / 8
        good = (1 - 1 / (epoch + 1)) / (1 + off)
        figures = {"precision": good, "recall": 1 - good, "AP50": good, "AP": good}
        row = {"epoch": epoch} | {f"val/{name}": value for name, value in figures.items()}
        return with_fitness(row, settings["fitness"])

    @property
    def trained(self) -> list[tuple[Any, ...]]:
        """The parameters of every training that was begun."""
        return [tuple(settings[name] for name in sorted(SPACE)) for settings in self.begun]


@pytest.fixture
def framework(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Framework:
    """In a folder with a store of its own; that keeps what attempts left, as the real one does."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "fsync", lambda number: None)  # no power is cut here
    found = Framework()
    fake = SimpleNamespace(fit=found.fit)
    monkeypatch.setattr("fairtrial.training.cached_training.plugin", lambda kind, name: fake)
    return found


@pytest.fixture
def task(framework: Framework) -> Task:
    return a_task()


def a_task(**changed: Any) -> Task:
    """A study of four trials, drawn at random, none pruned."""
    task = Task(
        framework="fake",
        start=START,
        space=SPACE,
        engine="random",
        seed=0,
        pruning="off",
        trials=4,
        hours=None,
        code="code",
        inputs={},
        view=SimpleNamespace,  # type: ignore[arg-type, return-value]
        initial=None,
        threads=1,
    )
    return replace(task, **changed)


__all__ = ["EPOCHS", "HISTORY", "SPACE", "START", "Framework", "a_task"]
