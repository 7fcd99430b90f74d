"""AP or F1 of each class, beside how many objects or images of it there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from fairtrial.figures.base import (
    COLOURS,
    FONT,
    OTHERS,
    Drawn,
    figure,
    legend,
    legend_height,
    looks,
    new,
    not_shown,
)
from fairtrial.results.configuration import Configuration, shorten
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.run import METRIC_NAMES

PER_PAGE = 50
PAGES = 3
MAP = 48  # configurations that a map has room for
WRITTEN = 26  # of them, so many that each figure can be written


@figure("classes")
def per_class(trial: ExperimentResults, settings: dict[str, Any]) -> Iterator[Drawn]:
    """A row a class, a mark a configuration; 50 classes a drawing, the 150 commonest at most."""
    for number, comparison in enumerate(trial.comparisons):
        counts = _objects(comparison)
        counted, figure_name = comparison.task_metrics.class_count, _name(comparison)
        kept = sorted(counts, key=lambda name: (-counts[name], name))[: PER_PAGE * PAGES]
        for page, start in enumerate(range(0, len(kept), PER_PAGE)):
            names = kept[start : start + PER_PAGE]
            left_out = len(counts) - len(kept)
            caption = (
                f"On {comparison.split} of {comparison.names}, means over {comparison.repeated}; "
                f"classes by their number of {counted}, which stands at the right. Those without "
                f"{counted} have no {figure_name}."
            )
            if left_out:
                caption += f" The {left_out} rarest classes are in per_class.csv only."
            title = f"{figure_name} of each class" + (
                f" ({page + 1})" if len(kept) > PER_PAGE else ""
            )
            drawn = _rows(comparison, names, counts)
            yield Drawn(f"per-class-{number + 1}-{page + 1}", drawn, title, caption)


@figure("classes")
def class_map(trial: ExperimentResults, settings: dict[str, Any]) -> Iterator[Drawn]:
    """AP or F1 of each class under each configuration, where there are too many for marks."""
    for number, comparison in enumerate(trial.comparisons):
        shown = comparison.ranked()[:MAP]
        if len(shown) <= len(COLOURS):
            continue
        counts = _objects(comparison)
        if not counts:
            continue
        kept = sorted(counts, key=lambda name: (-counts[name], name))[:PER_PAGE]
        caption = (
            f"On {comparison.split} of {comparison.names}, means over {comparison.repeated}; the "
            "best on val at the left, the commonest class on top."
        )
        caption += not_shown(len(comparison.configurations) - len(shown))
        if len(counts) > len(kept):
            caption += f" The {len(counts) - len(kept)} rarest classes are left out."
        drawn = _map(shown, kept, comparison)
        title = f"{_name(comparison)} of each class by configuration"
        yield Drawn(f"class-map-{number + 1}", drawn, title, caption)


def _name(comparison: Comparison) -> str:
    """What stands for a class: `AP`, `F1`."""
    return METRIC_NAMES.get(
        comparison.task_metrics.class_metric, comparison.task_metrics.class_metric
    )


def _map(shown: list[Configuration], names: list[str], comparison: Comparison) -> Any:
    drawn = new(2.2 + 0.45 * len(names))
    ax = drawn.subplots()
    table = np.array([[_mean(c, name, comparison) for c in shown] for name in names], float)
    picture = ax.pcolormesh(table, cmap="cividis", edgecolors="white", linewidth=0.3)
    ax.invert_yaxis()
    ax.set_xticks(np.arange(len(shown)) + 0.5, [c.letter for c in shown])
    ax.set_yticks(np.arange(len(names)) + 0.5, [shorten(name, 28) for name in names])
    ax.grid(visible=False)
    middle = (np.nanmin(table) + np.nanmax(table)) / 2
    for row, column in np.argwhere(np.isfinite(table)) if len(shown) <= WRITTEN else []:
        ap = table[row, column]
        text = f"{ap:.2f}".removeprefix("0")
        shade = "white" if ap < middle else "black"
        ax.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=6.5, color=shade)
    drawn.colorbar(picture, ax=ax, label=_name(comparison), fraction=0.03, pad=0.01)
    return drawn


def _mean(configuration: Configuration, name: str, comparison: Comparison) -> float:
    """The figure of a class over the seeds (the folds) that have one; NaN where none has."""
    found = configuration.class_scores(comparison.split, name, comparison.task_metrics.class_metric)
    return float(np.mean(found)) if found else float("nan")


def _objects(comparison: Comparison) -> dict[str, int]:
    first, counted = comparison.configurations[0], comparison.task_metrics.class_count
    return {name: n for name, n in first.classes(comparison.split, counted).items() if n}


def _rows(comparison: Comparison, names: list[str], counts: dict[str, int]) -> Any:
    pitch = 0.38 if len(names) > 25 else 0.5
    drawn = new(1.6 + pitch * len(names) + legend_height(comparison.configurations))
    left, right = drawn.subplots(1, 2, sharey=True, width_ratios=(5, 1))
    look = looks(comparison.configurations, comparison.ranked())
    for configuration in comparison.configurations:
        _marks(left, configuration, names, comparison, look[configuration.letter])
    xlabel = f"{_name(comparison)} on {comparison.split}"
    left.set(xlim=(-0.02, 1.02), ylim=(len(names) - 0.5, -0.5), xlabel=xlabel)
    left.set_yticks(range(len(names)), [shorten(name, 28) for name in names])
    left.grid(axis="y", visible=True)
    title = f"{comparison.task_metrics.class_count.capitalize()}, {comparison.split}"
    _bars(right, [counts[name] for name in names], title)
    legend(drawn, comparison.configurations, look, marker=True)
    return drawn


def _marks(
    ax: Axes,
    configuration: Configuration,
    names: list[str],
    comparison: Comparison,
    look: dict[str, Any],
) -> None:
    grey = look["color"] == OTHERS
    for place, name in enumerate(names):
        mean = _mean(configuration, name, comparison)
        if np.isfinite(mean):
            ax.plot(
                [mean],
                [place],
                marker=look["marker"],
                markersize=3 if grey else 4.5,
                color=look["color"],
                markeredgecolor="white",
                markeredgewidth=0.3,
                zorder=look["zorder"],
            )


def _bars(ax: Axes, counts: list[int], title: str) -> None:
    bars = ax.barh(range(len(counts)), counts, color="#9A9A9A", height=0.6)
    ax.bar_label(bars, padding=2, fontsize=7)
    ax.set(xlim=(0, 1.45 * max([*counts, 1])), xticks=[])
    ax.set_title(title, loc="left", fontsize=FONT)
    ax.tick_params(labelleft=False)
    ax.grid(visible=False)
    for side in ("top", "right", "bottom"):
        ax.spines[side].set_visible(False)
