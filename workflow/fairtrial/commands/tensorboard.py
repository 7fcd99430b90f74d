"""tensorboard: the history of every run as event files.

A file is written with TensorBoard's RecordWriter rather than its EventFileWriter, which puts the
time into the file and into its name. So equal histories give equal files.
"""

from __future__ import annotations

import csv
import importlib.util
import math
from collections.abc import Iterable, Mapping
from pathlib import Path

from fairtrial import DataError, FairtrialError
from fairtrial.files.folders import whole_file
from fairtrial.planning.plan import Plan
from fairtrial.store import entries
from fairtrial.training.checkpoint import HISTORY
from fairtrial.training.progress import progress_file, read_progress

NAME = "events.out.tfevents.0.fairtrial"


def tensorboard(*, experiment: str = "", to: Path | None = None) -> None:
    """Write the metrics by epoch of every run as TensorBoard's event files.

    A run that is being trained is written with its epochs so far.

    Args:
        experiment: a file in config/experiments/; by default the one that params.yaml names
        to: the folder to write; by default store/tensorboard/<experiment>
    """
    if importlib.util.find_spec("tensorboard") is None:
        raise FairtrialError(
            "the package `tensorboard` is not installed; `make venv EXTRAS=tensorboard` installs it"
        )
    plan = Plan.read(experiment or None).chosen
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
    """The history of a run: of its present training, or else of its finished one; None without."""
    paths = [Path("results", experiment, "history", f"{run}.csv")]
    progress = read_progress(progress_file(experiment, run))
    if progress:
        paths.insert(0, entries.unfinished("runs", progress.key) / HISTORY)
    return next((path for path in paths if path.exists()), None)


def _write(folder: Path, history: Path) -> None:
    """Write the finite values of a history.csv as the one event file in `folder`."""
    with history.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    epochs = []
    for row in rows:
        values = {name: float(text) for name, text in row.items() if text and name != "epoch"}
        finite = {name: value for name, value in values.items() if math.isfinite(value)}
        epochs.append((int(row["epoch"]), finite))
    _write_events(folder / NAME, epochs)


def _write_events(file: Path, epochs: Iterable[tuple[int, Mapping[str, float]]]) -> None:
    """Write an event for each (epoch, values by tag). Its time is the epoch's number in seconds, so
    that the file does not depend on the clock."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter

    with whole_file(file, "wb") as target:
        writer = RecordWriter(target)
        writer.write(Event(wall_time=0.0, file_version="brain.Event:2").SerializeToString())
        for epoch, values in epochs:
            scalars = [Summary.Value(tag=tag, simple_value=v) for tag, v in values.items()]
            event = Event(wall_time=float(epoch), step=epoch, summary=Summary(value=scalars))
            writer.write(event.SerializeToString())
