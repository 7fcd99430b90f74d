"""tensorboard: the history of every run as event files."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from fairtrial import DataError
from fairtrial.commands import _events
from fairtrial.planning.plan import Plan
from fairtrial.store import entries
from fairtrial.training import progress


def tensorboard(*, experiment: str = "", to: Path | None = None) -> None:
    """Write the metrics by epoch of every run as TensorBoard's event files.

    A run that is being trained is written as far as it is.

    Args:
        experiment: a file in config/experiments/; by default the one that params.yaml names
        to: the folder to write; by default store/tensorboard/<experiment>
    """
    plan = Plan.read(experiment or None)
    folder = to or entries.root() / "tensorboard" / plan.name
    written = 0
    for run in plan.runs:
        history = _history(plan.name, run)
        if history is not None:
            _write(folder / run, history)
            written += 1
    if not written:
        raise DataError(f"results/{plan.name}/history: no run of {plan.name} has a history yet")
    print(f"{folder}: {written} of {len(plan.runs)} runs; see `tensorboard --logdir {folder}`")


def _history(experiment: str, run: str) -> Path | None:
    """The history of a run: its training's as far as it is, or else the finished one's."""
    live = progress.read(progress.place(experiment, run))
    part = entries.root() / "runs" / f"{live['key']}.part" / "history.csv" if live else None
    found = Path("results", experiment, "history", f"{run}.csv")
    return next((path for path in (part, found) if path and path.exists()), None)


def _write(folder: Path, history: Path) -> None:
    with history.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    shown = []
    for row in rows:
        values = {name: float(text) for name, text in row.items() if text and name != "epoch"}
        finite = {name: value for name, value in values.items() if math.isfinite(value)}
        shown.append((int(row["epoch"]), finite))
    _events.write(folder, shown)
