"""Losses and metrics by epoch, as the backends logged them during training."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fairtrial.figures.base import (
    OTHERS,
    Drawing,
    LineStyle,
    figure,
    legend,
    legend_height,
    line_styles,
    new_figure,
    with_marker,
)
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.settings.stages import PlotSettings

DETECTION = {
    "val/precision": "Precision",
    "val/recall": "Recall",
    "val/AP50": "AP50",
    "val/AP": "AP",
}
ACCURACIES = {
    "train/accuracy": "train: accuracy",
    "val/accuracy": "val: accuracy",
    "val/top5": "val: top-5",
    "val/f1": "val: F1",
}
PARTS = {  # of the loss, as backends call them
    "box_loss": "place and size of boxes",
    "cls_loss": "classes",
    "dfl_loss": "distribution focal loss, edges of boxes",
}


@figure("curves")
def progress(experiment: ExperimentResults, settings: PlotSettings) -> Iterator[Drawing]:
    """Precision, recall, AP50 and AP on val after each epoch."""
    if experiment.task == "detect":
        title = "Precision, recall and AP on val during training"
        caption = (
            "On val of {}, computed by each backend during training; the tables of this report use "
            "one scorer for all."
        )
        yield from _curves(experiment, DETECTION, "progress", title, caption)


@figure("curves")
def accuracy(experiment: ExperimentResults, settings: PlotSettings) -> Iterator[Drawing]:
    """Accuracy on train and val, top-5 and F1 on val after each epoch."""
    if experiment.task == "classify":
        title = "Accuracy on train and val during training"
        caption = (
            "On {}. Accuracy on train is that of the training batches, with augmentation and "
            "dropout; accuracy on val is that after the epoch."
        )
        yield from _curves(experiment, ACCURACIES, "accuracy", title, caption)


def _curves(
    experiment: ExperimentResults, titles: dict[str, str], name: str, title: str, caption: str
) -> Iterator[Drawing]:
    """One drawing for each comparison, of those columns of the history in `titles` that have
    values. {} in `caption` is replaced by the names of its data sets."""
    for number, comparison in enumerate(experiment.comparisons):
        columns = [column for column in titles if _filled(comparison, column)]
        if columns:
            fig = _panels(comparison, columns, titles, per_row=max(2, min(4, len(columns))))
            text = _lines_explained(comparison) + caption.format(comparison.names)
            yield Drawing(f"{name}-{number + 1}", fig, title, text)


@figure("curves")
def losses(experiment: ExperimentResults, settings: PlotSettings) -> Iterator[Drawing]:
    """Each part of the loss: train above, val below; three parts in a drawing."""
    for number, comparison in enumerate(experiment.comparisons):
        parts = _loss_parts(comparison)
        for page, start in enumerate(range(0, len(parts), 3)):
            on_page = parts[start : start + 3]
            columns = [f"{split}/{part}" for split in ("train", "val") for part in on_page]
            titles = {c: f"{c.split('/')[0]}: {c.split('/')[1].replace('_', ' ')}" for c in columns}
            fig = _panels(comparison, columns, titles, per_row=max(2, len(on_page)))
            caption = (
                f"{_lines_explained(comparison)}Training on {comparison.names}. "
                f"{_parts_explained(on_page)}Losses of different backends are on different scales."
            )
            name = f"losses-{number + 1}-{page + 1}"
            yield Drawing(name, fig, f"Loss on train and val: {_listed(on_page)}", caption)


def _listed(parts: list[str]) -> str:
    return ", ".join(part.removesuffix("_loss").replace("_", " ") for part in parts)


def _parts_explained(parts: list[str]) -> str:
    known = [f"{p.removesuffix('_loss')}: {PARTS[p]}" for p in parts if p in PARTS]
    return f"{'; '.join(known)}. ".capitalize() if known else ""


def _lines_explained(comparison: Comparison) -> str:
    if all(len(c.runs) == 1 for c in comparison.configurations):
        return ""
    over = comparison.repeated
    return f"Thick lines are means over {over}, thin lines single {over}. "


def _filled(comparison: Comparison, column: str) -> bool:
    """Whether a column of the history has a finite value in any run."""
    return any(
        any(map(math.isfinite, run.history.get(column, ())))
        for configuration in comparison.configurations
        for run in configuration.runs
    )


def _loss_parts(comparison: Comparison) -> list[str]:
    """`box_loss`, `cls_loss`, …: those that any run has logged, sorted."""
    parts = {
        column.split("/", 1)[1]
        for configuration in comparison.configurations
        for run in configuration.runs
        for column in run.history
        if column.endswith("_loss") and _filled(comparison, column)
    }
    return sorted(parts)


def _panels(
    comparison: Comparison, columns: list[str], titles: dict[str, str], per_row: int
) -> Figure:
    """One panel for each column of the history, `per_row` side by side."""
    rows = -(-len(columns) // per_row)
    fig = new_figure(3.4 * rows + 0.6 + legend_height(comparison.configurations))
    axes = list(fig.subplots(rows, per_row, sharex=True, squeeze=False).flat)
    styles = line_styles(comparison.configurations, comparison.ranked())
    for ax, column in zip(axes, columns, strict=False):
        for configuration in comparison.configurations:
            _lines(ax, configuration, column, styles[configuration.letter])
        ax.set_title(titles[column], loc="left")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        if not ax.lines:
            ax.text(0.5, 0.5, "not logged", ha="center", va="center", transform=ax.transAxes)
    for ax in axes[len(columns) :]:
        ax.set_visible(False)
    for ax in axes:
        ax.tick_params(labelbottom=True)  # a page may end between the rows
    for ax in axes[-per_row:]:
        ax.set_xlabel("Epoch")
    legend(fig, comparison.configurations, styles)
    return fig


def _lines(ax: Axes, configuration: Configuration, column: str, style: LineStyle) -> None:
    """Draw a thin line for each seed, and the mean up to the epoch that all seeds reached."""
    series = [np.array(run.history.get(column, [])) for run in configuration.runs]
    series = [s for s in series if np.isfinite(s).any()]
    if not series:
        return
    grey = style["color"] == OTHERS
    common = min(len(s) for s in series)
    for s in series if len(series) > 1 and not grey else []:
        (thin,) = ax.plot(np.arange(1, len(s) + 1), s, color=style["color"], linewidth=0.5)
        thin.set(alpha=min(0.45, max(0.1, 2 / len(series))), zorder=style["zorder"])
    mean = np.mean([s[:common] for s in series], axis=0)
    marker = style["marker"] if np.isfinite(mean).sum() < 2 else ""  # one point makes no line
    ax.plot(np.arange(1, common + 1), mean, markersize=4, **with_marker(style, marker))
