"""A backend that trains nothing: copied into a test's project as `backends/quick.py`.

It keeps the promises of a real one (weights.pt and history.csv from settings alone), so that
the real stage, its store and its locks run in a second. What it does beside that is set by
the environment, never by settings, and so is no part of a result:

    QUICK_LOG      file to which it adds `begin …`, `epoch …` and `end …`, a line each
    QUICK_SECONDS  how long a training takes (default 0), or a file that holds the number when
                   it begins
    QUICK_HOLD     a file: while it exists, a training stays in its first epoch
    QUICK_MEMORY   megabytes that it holds meanwhile (default 0)
    QUICK_BYTES    least size of weights.pt (default 0)
    QUICK_FAIL     a file: while it exists, a training fails in the end and removes it
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fairtrial import BackendError
from fairtrial.data.dataset import Detection, SplitDataset
from fairtrial.files.folders import whole_file
from fairtrial.scoring.fitness import with_fitness
from fairtrial.settings.stages import PredictDetectSettings
from fairtrial.training.checkpoint import STATE, best_epoch, write_history
from fairtrial.training.contract import AfterEpoch, Detect, FitResult, HistoryRow, ModelSize
from fairtrial.training.settings import TrainingSettings


class Settings(TrainingSettings):
    """Some of the keys that Ultralytics has."""

    lr0: float
    momentum: float


def fit(
    settings: Settings,
    data: SplitDataset,
    pretrained: Path | None,
    folder: Path,
    threads: int,
    after_epoch: AfterEpoch,
) -> FitResult:
    """Write weights.pt, history.csv and state.pt after as long as the environment says."""
    _log("begin", settings)
    held = bytearray(b"x") * (int(os.environ.get("QUICK_MEMORY", "0")) * 2**20)
    state = folder / STATE
    rows = json.loads(state.read_text()) if state.exists() else []
    seconds = _seconds()
    _hold()
    while len(rows) < settings.epochs:
        _wait(seconds / settings.epochs)
        rows.append(_row(len(rows) + 1, settings))
        with whole_file(state) as file:
            json.dump(rows, file)
        write_history(folder, rows)
        _log("epoch", settings)
        after_epoch(rows[-1])
    _fail()
    del held
    objects = len(data.dataset.annotations)
    text = json.dumps([settings.model_dump(), objects], sort_keys=True)
    Path(folder, "weights.pt").write_text(text.ljust(int(os.environ.get("QUICK_BYTES", "0"))))
    _log("end", settings)
    size = ModelSize(parameters=0, gflops=None, layers=None)
    return FitResult(size, best_epoch(rows), len(rows))


def _wait(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.1)


def _hold() -> None:
    while Path(os.environ.get("QUICK_HOLD", "no such file")).exists():
        time.sleep(0.1)


def _fail() -> None:
    fail = os.environ.get("QUICK_FAIL", "")
    if fail and Path(fail).exists():
        Path(fail).unlink()
        raise BackendError("quick: fails as it was told to")


def _row(epoch: int, settings: Settings) -> HistoryRow:
    """Figures that grow with the epochs, and are best at lr0 0.01 and momentum 0.8."""
    off = abs(math.log10(settings.lr0) + 2) / 4 + abs(settings.momentum - 0.8)
    figures = dict.fromkeys(
        ("precision", "recall", "AP50", "AP"), (1 - 1 / (epoch + 1)) / (1 + off)
    )
    figures["recall"] = 1 - figures["recall"] / 2  # so that another fitness finds another best
    row = {f"val/{name}": value for name, value in figures.items()}
    losses = {"train/box_loss": 1 / epoch, "val/box_loss": 1 / epoch}
    return with_fitness({"epoch": epoch, **losses, **row, "lr": settings.lr0}, settings.fitness)


@contextmanager
def detector(
    weights: Path, categories: dict[int, str], settings: PredictDetectSettings, threads: int
) -> Iterator[Detect]:
    """A box of every class in every image, at a place that depends on the weights."""
    shift = float(len(weights.read_text()) % 7)
    detections = [Detection(number, (shift, 1.0, 20.0, 20.0), 0.5) for number in sorted(categories)]
    yield lambda path: (detections, {"preprocess": 0.1, "inference": 1.0, "postprocess": 0.1})


def _seconds() -> float:
    seconds = os.environ.get("QUICK_SECONDS", "0")
    return float(Path(seconds).read_text() if Path(seconds).is_file() else seconds)


def _log(event: str, settings: Settings) -> None:
    """One line in one write: trainings in several jobs share the file."""
    words = [event, *(f"{name}={getattr(settings, name)}" for name in ("imgsz", "lr0", "seed"))]
    words += [f"process={os.getpid()}", f"gpus={os.environ.get('CUDA_VISIBLE_DEVICES', '')}"]
    if "SLURM_JOB_ID" in os.environ:
        words.append(f"job={os.environ['SLURM_JOB_ID']}")
    if "QUICK_LOG" in os.environ:
        with Path(os.environ["QUICK_LOG"]).open("a") as file:
            file.write(" ".join(words) + "\n")
