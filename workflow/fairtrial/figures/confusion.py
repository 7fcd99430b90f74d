"""Confusion matrices: which class is taken for which, missed, or detected where there is none."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fairtrial.figures.base import HEIGHT, WIDTH, Drawing, figure, new_figure, not_shown
from fairtrial.results.configuration import Configuration, shortened
from fairtrial.results.confusions import confusion_counts, counted_runs, row_names
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.settings.stages import PlotSettings

BESIDE = {1: 0.0, 2: -0.3, 3: -0.9}  # where titles begin, by matrices side by side
CELL = 0.45  # cm, width and height: room for three digits
SMALL = 12  # classes at most for which matrices stand side by side
WRITTEN = 20  # with more classes, counts would be too small to read: there is a list instead


@figure("confusion")
def confusion(experiment: ExperimentResults, settings: PlotSettings) -> Iterator[Drawing]:
    """One matrix for each configuration, the best on val first."""
    for number, comparison in enumerate(experiment.comparisons):
        ranked = [c for c in comparison.ranked() if confusion_counts(c, comparison.split)]
        names = row_names(ranked[0], comparison.split) if ranked else []
        if len(names) <= 2 or len(names) > WRITTEN + 1:  # a table says as much, or more
            continue
        limit, per_page, across = _layout(len(names))
        for page, start in enumerate(range(0, min(limit, len(ranked)), per_page)):
            configurations = ranked[start : min(start + per_page, limit)]
            fig = _matrices(configurations, names, comparison.split, across)
            several = "matrices" if len(configurations) > 1 else "matrix"
            title = f"Confusion {several} of {_span([c.letter for c in configurations])}"
            caption = _caption(comparison, len(ranked) - limit, counted_runs(ranked[0]))
            name = f"confusion-{number + 1}-{page + 1}"
            yield Drawing(name, fig, title, caption)


def _span(letters: list[str]) -> str:
    """`A`, `A and B`, `A to L`."""
    if len(letters) > 2:
        return f"{letters[0]} to {letters[-1]}"
    return " and ".join(letters)


def _layout(size: int) -> tuple[int, int, int]:
    """The most matrices of `size` rows: in all, in a drawing, and side by side."""
    if size <= 4:
        return 12, 12, 3
    if size <= SMALL + 1:
        return 12, 4, 2
    return 6, 2 if _height(size) <= HEIGHT / 2 else 1, 1


def _height(size: int) -> float:
    """Height of one matrix with its labels, cm."""
    return 3.2 + CELL * size


def _caption(comparison: Comparison, left_out: int, counted: str) -> str:
    if comparison.task == "classify":
        text = f"On {comparison.split} of {comparison.names}, {counted}; each image counts as its "
        text += "most probable class. The shade is the share of the row, the number counts images."
        return text + not_shown(left_out)
    text = (
        f"On {comparison.split} of {comparison.names}, {counted}, at the chosen confidence, "
        f"IoU {comparison.iou}. The shade is the share of the row; the number counts objects, none "
        "where it is empty. Last column: missed objects; last row: detections where there is "
        "nothing. Here classes compete for an object, so that a row may show fewer right ones than "
        "its recall."
    )
    return text + not_shown(left_out)


def _matrices(
    configurations: list[Configuration], names: list[str], split: str, across: int
) -> Figure:
    """One panel for each configuration; `across` of them fill the width of the page."""
    columns = min(across, len(configurations))
    rows = -(-len(configurations) // columns)
    wide = WIDTH / across * 1.02  # side by side, the width of the page sets the size
    fig = new_figure(rows * (min(wide, _height(len(names))) if across > 1 else _height(len(names))))
    axes = list(fig.subplots(rows, columns, squeeze=False).flat)
    for ax, configuration in zip(axes, configurations, strict=False):
        _matrix(ax, _counts(configuration, names, split), names, configuration.first.task)
        # above the names of the classes, too
        ax.set_title(
            configuration.label({1: 80, 2: 40, 3: 30}[columns]), loc="left", x=BESIDE[columns]
        )
    for ax in axes[len(configurations) :]:
        ax.set_visible(False)
    return fig


def _counts(configuration: Configuration, names: list[str], split: str) -> NDArray[np.int64]:
    """Counts by truth (row) and prediction (column), both in the order of `names`."""
    counts = confusion_counts(configuration, split)
    return np.array([[counts.get((truth, name), 0) for name in names] for truth in names])


def _matrix(ax: Axes, counts: NDArray[np.int64], names: list[str], task: str) -> None:
    """Draw counts of shape (names, names) as a heat map of each row's shares."""
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    labels = shortened(names, 16)
    sns.heatmap(
        shares,
        ax=ax,
        vmin=0,
        vmax=1,
        cmap="Greys",
        annot=_count_texts(counts),
        fmt="",
        annot_kws={"size": 7},
        cbar=False,
        square=True,
        linewidths=0.4,
        linecolor="#DDDDDD",
        xticklabels=labels,
        yticklabels=labels,
    )
    ax.tick_params(axis="x", rotation=45 if len(names) <= 8 else 90)
    ax.tick_params(axis="y", rotation=0)
    ax.set(xlabel="Detected as" if task == "detect" else "Predicted as", ylabel="Ground truth")
    for spine in ax.spines.values():
        spine.set_visible(True)


def _count_texts(counts: NDArray[np.int64]) -> NDArray[np.str_]:
    """Counts as text of at most four characters; empty for 0, so that the others stand out."""

    def text(count: int) -> str:
        if count < 1000:
            return str(count) if count else ""
        return f"{count / 1000:.1f}k" if count < 9950 else f"{count / 1000:.0f}k"

    return np.array([[text(count) for count in row] for row in counts.tolist()])
