"""Confusion matrices: which class is taken for which, missed or made up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from numpy.typing import NDArray

from fairtrial.figures.base import HEIGHT, WIDTH, Drawn, figure, new, shorten
from fairtrial.results import BACKGROUND
from fairtrial.trial import Comparison, Configuration, Trial

PAIRED = 7  # up to so many classes, two matrices stand side by side
WRITTEN = 20  # beyond, no count would be legible


@figure("confusion")
def confusion(trial: Trial, settings: dict[str, Any]) -> Iterator[Drawn]:
    """One matrix a configuration (its first seed), best on val first."""
    for number, comparison in enumerate(trial.comparisons):
        ranked = [c for c in comparison.ranked() if c.first.confusion.get(comparison.split)]
        names = _names(ranked[0], comparison.split) if ranked else []
        limit, per_page = _room(len(names))
        for page, start in enumerate(range(0, min(limit, len(ranked)), per_page)):
            chosen = ranked[start : min(start + per_page, limit)]
            drawn = _matrices(chosen, names, comparison.split, pairs=per_page > 1)
            letters = ", ".join(c.letter for c in chosen)
            caption = _caption(comparison, len(names), len(ranked) - limit)
            name = f"confusion-{number + 1}-{page + 1}"
            yield Drawn(name, drawn, f"Confusion matrices of {letters}", caption)


def _room(size: int) -> tuple[int, int]:
    """How many matrices at most, and how many a drawing."""
    if size - 1 <= PAIRED:
        return 24, 6
    return (6, 1) if size - 1 <= WRITTEN else (3, 1)


def _names(configuration: Configuration, split: str) -> list[str]:
    found = dict.fromkeys(truth for truth, _ in configuration.first.confusion[split])
    return [n for n in found if n != BACKGROUND] + [BACKGROUND]


def _caption(comparison: Comparison, size: int, left_out: int) -> str:
    text = (
        f"On {comparison.split} of {comparison.names}, first seed, at the chosen confidence, "
        "IoU 0.5. The shade is the share of the row"
        + ("; the number counts objects. " if size - 1 <= WRITTEN else ". ")
        + "Last column: missed objects; last row: detections where there is nothing."
    )
    if left_out > 0:
        text += f" The {left_out} that are lower on val are in confusion.csv only."
    return text


def _matrices(chosen: list[Configuration], names: list[str], split: str, pairs: bool) -> Any:
    columns = 2 if pairs and len(chosen) > 1 else 1
    rows = -(-len(chosen) // columns)
    side = WIDTH / 2 * 0.86 if pairs else min(WIDTH * 0.95, 3.5 + 0.75 * len(names))
    drawn = new(min(HEIGHT, rows * side))
    axes = list(drawn.subplots(rows, columns, squeeze=False).flat)
    for ax, configuration in zip(axes, chosen, strict=False):
        _matrix(ax, _counts(configuration, names, split), names)
        ax.set_title(configuration.label(38 if pairs else 80), loc="left")
    for ax in axes[len(chosen) :]:
        ax.set_visible(False)
    return drawn


def _counts(configuration: Configuration, names: list[str], split: str) -> NDArray[np.int64]:
    found = configuration.first.confusion[split]
    return np.array([[found.get((a, b), 0) for b in names] for a in names])


def _matrix(ax: Axes, counts: NDArray[np.int64], names: list[str]) -> None:
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    written = len(names) - 1 <= WRITTEN
    labels = [shorten(name, 14) for name in names]
    sns.heatmap(
        shares,
        ax=ax,
        vmin=0,
        vmax=1,
        cmap="Greys",
        annot=counts if written else False,
        fmt="d",
        annot_kws={"size": 7},
        cbar=False,
        square=True,
        linewidths=0.4 if written else 0,
        linecolor="#DDDDDD",
        xticklabels=labels if written else _sparse(labels),
        yticklabels=labels if written else _sparse(labels),
        rasterized=not written,
    )
    ax.tick_params(axis="x", rotation=45 if len(names) <= 8 else 90)
    ax.tick_params(axis="y", rotation=0)
    ax.set(xlabel="Detected as", ylabel="Truth")
    for spine in ax.spines.values():
        spine.set_visible(True)


def _sparse(labels: list[str]) -> list[str]:
    """So many labels that they do not touch; the last (background) always."""
    step = -(-len(labels) // 42)
    shown = [name if i % step == 0 else "" for i, name in enumerate(labels)]
    shown[-2:] = ["", labels[-1]]
    return shown
