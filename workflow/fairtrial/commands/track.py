"""track: an experiment in MLflow, Weights & Biases or TensorBoard, from its files alone."""

from __future__ import annotations

import importlib.util
import time

from fairtrial import FairtrialError
from fairtrial.files.text import counted
from fairtrial.planning.drivers import recorded
from fairtrial.planning.plan import Plan
from fairtrial.plugins import plugin

EVERY = 10.0  # seconds between two looks at a running experiment


def track(*experiment: str, to: str, at: str = "", live: bool = False) -> None:
    """Show an experiment in MLflow, Weights & Biases or TensorBoard.

    Sends settings, metrics by epoch, final metrics with intervals, and the report: what the files
    of the experiment have and the tracker lacks. So it may be called while Snakemake works and
    afterwards, and again after it was stopped; nothing is sent twice. Trainings know nothing of
    it. The tracker's package is an extra: `make venv EXTRAS=mlflow` (or wandb, tensorboard).
    Sources with `share: false` send no picture, and no report with pictures.

    Args:
        experiment: the experiment; by default the one that params.yaml names
        to: mlflow, wandb or tensorboard
        at: MLflow: the server's address, by default MLFLOW_TRACKING_URI; wandb: the project, by
            default `fairtrial` (WANDB_MODE=offline writes into store/trackers/); tensorboard: the
            folder, by default store/tensorboard/<experiment>
        live: look again every ten seconds as long as Snakemake works in this folder
    """
    from fairtrial.trackers._collecting import collect

    tracker = plugin("trackers", to)
    if importlib.util.find_spec(tracker.PACKAGE) is None:
        raise FairtrialError(
            f"the package `{tracker.PACKAGE}` is not installed; `make venv EXTRAS={to}` installs it"
        )
    while True:
        works = live and any(not driver.is_dead for driver in recorded())
        tracked = collect(Plan.read_one(experiment))
        if not (tracked.runs or live):
            raise FairtrialError(f"results/{tracked.name}: no run of it has begun yet")
        sent = tracker.send(tracked, at)
        if any(sent) or not works:
            report = "" if tracked.report else ", no report yet"
            print(
                f"{tracked.name}: {counted(len(tracked.runs), 'run')}{report}; sent "
                f"{counted(sent.epochs, 'epoch')}, {counted(sent.finals, 'final metric')}, "
                f"{counted(sent.files, 'file')}",
                flush=True,
            )
        if not works:
            return
        time.sleep(EVERY)
