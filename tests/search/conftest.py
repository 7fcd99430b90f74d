"""A backend that trains nothing, and studies that use it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from fairtrial.scoring.fitness import with_fitness
from fairtrial.search.worker import RunningStudy
from fairtrial.settings.study import ChoicesSpec, RangeSpec, SearchStageSettings, Space
from fairtrial.training.checkpoint import HISTORY, best_epoch, epochs_done, write_history
from fairtrial.training.contract import AfterEpoch, FitResult, ModelSize
from fairtrial.training.inputs import TrainingInputs

EPOCHS = 4
SPACE: Space = {
    "x": RangeSpec(low=0.001, high=1.0, log=True, step=None, integer=False),
    "y": RangeSpec(low=0, high=8, log=False, step=1, integer=True),
    "z": ChoicesSpec(choices=("a", "b", None)),
}
START = {"x": 0.5, "y": 7, "z": "b", "epochs": EPOCHS, "pretrained": None, "fitness": None}


class Settings(BaseModel):
    """Those of the fake backend."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    x: float
    y: int
    z: str | None
    epochs: int
    pretrained: str | None
    fitness: dict[str, float] | None
    patience: int = 0  # which `fit` does not heed


@dataclass
class FakeBackend:
    """`fit` as backends have it: best at x = 0.1, y = 3. Resumes from what is in its folder."""

    begun: list[dict[str, Any]] = field(default_factory=list)
    epochs: int = 0  # trained, over all trainings
    before: Callable[[dict[str, Any], int], None] = lambda settings, epoch: None
    size: Callable[[dict[str, Any]], ModelSize] = lambda settings: ModelSize(
        parameters=0, gflops=None, layers=None
    )

    def fit(self, own: Settings, data: object, pretrained: object, folder: Path, threads: int,
            after_epoch: AfterEpoch) -> FitResult:  # fmt: skip
        settings = own.model_dump(exclude_defaults=True)
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
        return FitResult(self.size(settings), best_epoch(rows), len(rows))

    def _row(self, settings: dict[str, Any], epoch: int) -> dict[str, Any]:
        off = abs(settings["x"] - 0.1) + abs(settings["y"] - 3) / 8
        good = (1 - 1 / (epoch + 1)) / (1 + off)
        metrics = {"precision": good, "recall": 1 - good, "AP50": good, "AP": good}
        row = {"epoch": epoch} | {f"val/{name}": value for name, value in metrics.items()}
        return with_fitness(row, settings["fitness"])

    @property
    def trained(self) -> list[tuple[Any, ...]]:
        """The parameters of every training that was begun."""
        return [tuple(settings[name] for name in sorted(SPACE)) for settings in self.begun]


@pytest.fixture
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeBackend:
    """In a folder with a store of its own; that keeps what attempts left, as the real one does."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "fsync", lambda number: None)  # no power is cut here
    backend = FakeBackend()
    module = SimpleNamespace(fit=backend.fit, Settings=Settings)
    monkeypatch.setattr("fairtrial.training.cached_training.plugin", lambda kind, name: module)
    return backend


@pytest.fixture
def study(backend: FakeBackend) -> RunningStudy:
    return a_study()


def a_study(**settings: Any) -> RunningStudy:
    """A study of four trials, drawn at random, none pruned; `settings`: others than these."""
    return RunningStudy(
        settings=SearchStageSettings(
            **{
                "backend": "fake",
                "start": START,
                "space": SPACE,
                "engine": "random",
                "seed": 0,
                "pruning": "off",
                "trials": 4,
                "hours": None,
                **settings,
            }
        ),
        code="code",
        inputs=TrainingInputs("a", "b"),
        data=SimpleNamespace,  # type: ignore[arg-type, return-value]
        pretrained=None,
        threads=1,
    )


def changed(study: RunningStudy, **settings: Any) -> RunningStudy:
    """The study with some settings changed."""
    return replace(study, settings=study.settings.model_copy(update=settings))


__all__ = ["EPOCHS", "HISTORY", "SPACE", "START", "FakeBackend", "a_study", "changed"]
