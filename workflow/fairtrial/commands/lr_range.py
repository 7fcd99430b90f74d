"""lr-range: the learning-rate range test of a run, before any training is kept."""

from __future__ import annotations

import os
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from fairtrial import SettingsError
from fairtrial.commands._lr_curve import write_curve, write_rows
from fairtrial.commands._models import quiet
from fairtrial.commands._planned_run import planned_run, training_files
from fairtrial.data.seen_images import with_unchanged_images
from fairtrial.data.split_dataset import read_leak_free_dataset
from fairtrial.files.progress import progress
from fairtrial.planning.experiment import PlannedExperiment
from fairtrial.plugins import plugin
from fairtrial.settings.stages import TrainSettings
from fairtrial.training.cached_training import backend_settings
from fairtrial.training.lr_range import FEWEST, RangeResult, RangeTest, rising
from fairtrial.training.unpickling import trusting


def lr_range(
    run: str,
    /,
    *,
    low: float = 1e-6,
    high: float = 1.0,
    steps: int = 100,
    to: Path = Path("lr_range"),
    threads: int = 1,
) -> None:
    """Try rising learning rates in one short training, and propose one.

    The run's own training, with its data set, settings and seed, but without warm-up: its rate
    rises by one factor a step from the lowest to the highest, and the test ends early where the
    smoothed loss is four times its lowest. The proposal is the smaller one of a tenth of the rate
    at the lowest loss and the rate at which it falls most. Nothing is kept of the training; equal
    seeds give equal curves. Written are the curve as .png and its steps as .csv; the line for the
    experiment is printed.

    Args:
        run: <experiment>/<run>, or <experiment>/<configuration> for its first seed
        low: the learning rate of the first step
        high: that of the last one
        steps: how many steps, of a batch each (with `nbs` of several)
        to: the folder to write; the files are called <experiment>/<run>
        threads: CPU threads
    """
    if not 0 < low < high or steps < FEWEST:
        raise SettingsError(
            f"--low {low:g} must be above 0 and below --high {high:g}, and --steps {steps} be "
            f"{FEWEST} or more"
        )
    experiment, name = planned_run(run, "no learning rate acts")
    _refuse_without_test(experiment.runs[name].backend, run)
    settings = experiment.trained[name].train_settings.model_copy(
        update={"trusted": experiment.trusted(name)}
    )
    with (
        quiet(),
        trusting(settings.trusted),
        progress("steps", steps) as advance,
        Path(os.devnull).open("w") as nowhere,
        redirect_stdout(nowhere),
    ):
        test = RangeTest(rising(low, high, steps), after_step=advance)
        _try(settings, experiment, name, threads, test)
    result = test.result
    folder = to / experiment.name
    write_rows(result, folder / f"{name}.csv")
    write_curve(result, f"{experiment.name}/{name}", folder / f"{name}.png")
    print(_sentences(result))
    print(f"{folder / name}.png, {folder / name}.csv: written")


def _refuse_without_test(backend: str, text: str) -> None:
    if not hasattr(plugin("backends", backend), "lr_range"):
        raise SettingsError(f"{text}: the backend {backend} has no range test")


def _try(
    settings: TrainSettings, experiment: PlannedExperiment, name: str, threads: int, test: RangeTest
) -> None:
    """Train with the rates of a test."""
    files = training_files(experiment, name)
    resolved: Any = backend_settings(settings.backend, settings.settings)
    share = resolved.train_share
    data = read_leak_free_dataset(files.annotations, files.split, files.images, share)
    plugin("backends", settings.backend).lr_range(
        resolved.model_copy(update={"train_share": 1.0}),
        with_unchanged_images(data),
        files.pretrained,
        threads,
        test,
    )


def _sentences(result: RangeResult) -> str:
    """What the test has found, for a person."""
    rates, means = result.rates, result.smoothed
    if not means:
        return "the first loss is NaN or infinite; no learning rate can be proposed"
    lines = [
        f"{len(rates)} steps, from {rates[0]:.2g} to {rates[-1]:.2g}"
        + (", where the loss diverged" if result.diverged else ""),
        f"lowest smoothed loss: {means[result.lowest]:.4g} at {rates[result.lowest]:.2g}",
    ]
    if result.steepest is not None:
        lines.append(f"steepest fall: at {rates[result.steepest]:.2g}")
    if result.proposal is None:
        return "\n".join([*lines, f"no proposal: {result.problem}"])
    rule = "the smaller one of the rate of the steepest fall and a tenth of that of the lowest loss"
    return "\n".join([*lines, f"lr0: {result.proposal:g}  # {rule}"])
