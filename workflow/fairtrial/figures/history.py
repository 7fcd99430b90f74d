"""Curves over epochs, as each framework logged them while it trained."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from fairtrial.figures.base import OTHERS, Drawn, figure, legend, legend_height, looks, new
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison, ExperimentResults

PROGRESS = {
    "val/precision": "Precision",
    "val/recall": "Recall",
    "val/AP50": "AP50",
    "val/AP": "AP",
}
OF_CLASSES = {
    "train/accuracy": "train: accuracy",
    "val/accuracy": "val: accuracy",
    "val/top5": "val: top-5",
    "val/f1": "val: F1",
}
SEEDS = "Thick lines are means over seeds, thin lines single seeds. "


@figure("curves")
def progress(trial: ExperimentResults, settings: dict[str, Any]) -> Iterator[Drawn]:
    """Precision, recall, AP50 and AP on val after each epoch."""
    if trial.task == "detect":
        title = "Precision, recall and AP on val during training"
        caption = (
            "On val of {}, computed by each training framework; the tables of this report use one "
            "scorer for all."
        )
        yield from _each(trial, PROGRESS, "progress", title, caption)


@figure("curves")
def accuracy(trial: ExperimentResults, settings: dict[str, Any]) -> Iterator[Drawn]:
    """Accuracy on train and val, top-5 and F1 on val after each epoch."""
    if trial.task == "classify":
        title = "Accuracy on train and val during training"
        caption = (
            "On {}. On train it is that of the batches as they were learned, with augmentation and "
            "dropout, on val that after the epoch."
        )
        yield from _each(trial, OF_CLASSES, "accuracy", title, caption)


def _each(
    trial: ExperimentResults, titles: dict[str, str], name: str, title: str, caption: str
) -> Iterator[Drawn]:
    """A drawing a comparison of those columns that have values; {} in `caption`: its data sets."""
    for number, comparison in enumerate(trial.comparisons):
        columns = [column for column in titles if _filled(comparison, column)]
        if columns:
            drawn = _panels(comparison, columns, titles, per_row=2)
            told = _seeds(comparison) + caption.format(comparison.names)
            yield Drawn(f"{name}-{number + 1}", drawn, title, told)


@figure("curves")
def losses(trial: ExperimentResults, settings: dict[str, Any]) -> Iterator[Drawn]:
    """Each part of the loss: train above, val below; three parts a drawing."""
    for number, comparison in enumerate(trial.comparisons):
        parts = _loss_parts(comparison)
        for page, start in enumerate(range(0, len(parts), 3)):
            chosen = parts[start : start + 3]
            columns = [f"{side}/{part}" for side in ("train", "val") for part in chosen]
            titles = {c: f"{c.split('/')[0]}: {c.split('/')[1].replace('_', ' ')}" for c in columns}
            drawn = _panels(comparison, columns, titles, per_row=len(chosen))
            caption = (
                f"{_seeds(comparison)}Training on {comparison.names}. Losses of different "
                "frameworks are on different scales."
            )
            name = f"losses-{number + 1}-{page + 1}"
            yield Drawn(name, drawn, f"Loss on train and val: {_listed(chosen)}", caption)


def _listed(parts: list[str]) -> str:
    return ", ".join(part.removesuffix("_loss") for part in parts)


def _seeds(comparison: Comparison) -> str:
    return SEEDS if any(len(c.runs) > 1 for c in comparison.configurations) else ""


def _filled(comparison: Comparison, column: str) -> bool:
    return any(
        any(map(math.isfinite, run.history.get(column, ())))
        for configuration in comparison.configurations
        for run in configuration.runs
    )


def _loss_parts(comparison: Comparison) -> list[str]:
    found = {
        column.split("/", 1)[1]
        for configuration in comparison.configurations
        for run in configuration.runs
        for column in run.history
        if column.endswith("_loss") and _filled(comparison, column)
    }
    return sorted(found)


def _panels(
    comparison: Comparison, columns: list[str], titles: dict[str, str], per_row: int
) -> Any:
    """A panel a column of the history, `per_row` side by side."""
    rows = -(-len(columns) // per_row)
    drawn = new(4.2 * rows + 0.6 + legend_height(comparison.configurations))
    axes = list(drawn.subplots(rows, per_row, sharex=True, squeeze=False).flat)
    look = looks(comparison.configurations, comparison.ranked())
    for ax, column in zip(axes, columns, strict=False):
        for configuration in comparison.configurations:
            _lines(ax, configuration, column, look[configuration.letter])
        ax.set_title(titles[column], loc="left")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        if not ax.lines:
            ax.text(0.5, 0.5, "not logged", ha="center", va="center", transform=ax.transAxes)
    for ax in axes[len(columns) :]:
        ax.set_visible(False)
    for ax in axes[-per_row:]:
        ax.set_xlabel("Epoch")
    legend(drawn, comparison.configurations, look)
    return drawn


def _lines(ax: Axes, configuration: Configuration, column: str, look: dict[str, Any]) -> None:
    """A thin line a seed; the mean as far as all seeds were trained."""
    series = [np.array(run.history.get(column, [])) for run in configuration.runs]
    series = [s for s in series if np.isfinite(s).any()]
    if not series:
        return
    grey = look["color"] == OTHERS
    thin = {"color": look["color"], "zorder": look["zorder"], "linewidth": 0.5, "alpha": 0.45}
    common = min(len(s) for s in series)
    for s in series if len(series) > 1 and not grey else []:
        ax.plot(np.arange(1, len(s) + 1), s, **thin)
    mean = np.mean([s[:common] for s in series], axis=0)
    lone = look["marker"] if np.isfinite(mean).sum() < 2 else ""  # one point makes no line
    ax.plot(np.arange(1, common + 1), mean, **{**look, "marker": lone, "markersize": 4})
