"""AP or F1 of each class, beside the number of its objects or images."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fairtrial.figures.base import (
    COLOURS,
    FAINT,
    FONT,
    OTHERS,
    Drawing,
    LineStyle,
    figure,
    legend,
    legend_height,
    line_styles,
    mean_over,
    new_figure,
    not_shown,
)
from fairtrial.results.configuration import Configuration, shortened
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.run import METRIC_NAMES
from fairtrial.results.significance import FEW_OBJECTS, FEW_UNITS, says_little
from fairtrial.settings.stages import PlotSettings

PER_PAGE = 50
PAGES = 3
HIGH = 20  # rows from which on a page may end between them
MAP = 48  # configurations at most in a map of classes
UPRIGHT = 34  # configurations from which on letters side by side would touch
WRITTEN = 26  # configurations at most for which the cells of the map have numbers


@figure("classes")
def per_class(experiment: ExperimentResults, settings: PlotSettings) -> Iterator[Drawing]:
    """One row for each class, one mark for each configuration; 50 classes in a drawing, the 150
    commonest at most."""
    for number, comparison in enumerate(experiment.comparisons):
        counts = _counts(comparison)
        if comparison.has_one_class:
            continue
        counted, metric = comparison.task_metrics.class_count, _metric(comparison)
        commonest = _by_count(counts)[: PER_PAGE * PAGES]
        for page, start in enumerate(range(0, len(commonest), PER_PAGE)):
            names = commonest[start : start + PER_PAGE]
            left_out = len(counts) - len(commonest)
            caption = (
                f"On {comparison.split} of {comparison.names}, {mean_over(comparison)}; "
                f"the class with the most {counted} on top, their number at the right."
            )
            if any(_says_little(comparison, name, counts) for name in names):
                caption += (
                    f" Grey names: fewer than {FEW_OBJECTS} {counted}, or in fewer than "
                    f"{FEW_UNITS} independent units."
                )
            if left_out:
                caption += f" The {left_out} rarest classes are in per_class.csv only."
            page_number = f" ({page + 1})" if len(commonest) > PER_PAGE else ""
            title = f"{metric} of each class{page_number}"
            fig = _rows(comparison, names, counts)
            name = f"per-class-{number + 1}-{page + 1}"
            yield Drawing(name, fig, title, caption, rows=fig.axes[0])


@figure("classes")
def class_map(experiment: ExperimentResults, settings: PlotSettings) -> Iterator[Drawing]:
    """A heat map of AP or F1 by class and configuration, where there are too many configurations
    for marks."""
    for number, comparison in enumerate(experiment.comparisons):
        ranked = comparison.ranked()[:MAP]
        if len(ranked) <= len(COLOURS):
            continue
        counts = _counts(comparison)
        if not counts:
            continue
        names = _by_count(counts)[:PER_PAGE]
        caption = (
            f"On {comparison.split} of {comparison.names}, {mean_over(comparison)}; the "
            f"best on {comparison.chosen_on} at the left, the commonest class on top."
        )
        caption += not_shown(len(comparison.configurations) - len(ranked))
        if len(counts) > len(names):
            caption += f" The {len(counts) - len(names)} rarest classes are left out."
        fig = _map(ranked, names, comparison)
        title = f"{_metric(comparison)} of each class by configuration"
        yield Drawing(f"class-map-{number + 1}", fig, title, caption)


def _by_count(counts: dict[str, int]) -> list[str]:
    """Names of classes, the commonest first."""
    return sorted(counts, key=lambda name: (-counts[name], name))


def _metric(comparison: Comparison) -> str:
    """The metric that is shown of each class: `AP`, `F1`."""
    metric = comparison.task_metrics.class_metric
    return METRIC_NAMES.get(metric, metric)


def _map(configurations: list[Configuration], names: list[str], comparison: Comparison) -> Figure:
    fig = new_figure(2.2 + 0.45 * len(names))
    ax = fig.subplots()
    rows = [[_mean(c, name, comparison) for c in configurations] for name in names]
    table = np.array(rows, float)
    mesh = ax.pcolormesh(table, cmap="cividis", edgecolors="white", linewidth=0.3)
    ax.invert_yaxis()
    upright = 90 if len(configurations) > UPRIGHT else 0
    letters = [c.letter for c in configurations]
    ax.set_xticks(np.arange(len(configurations)) + 0.5, letters, rotation=upright)
    ax.set_yticks(np.arange(len(names)) + 0.5, shortened(names, 28))
    ax.grid(visible=False)
    middle = (np.nanmin(table) + np.nanmax(table)) / 2
    for row, column in np.argwhere(np.isfinite(table)) if len(configurations) <= WRITTEN else []:
        value = table[row, column]
        text = f"{value:.2f}".removeprefix("0")
        shade = "white" if value < middle else "black"
        ax.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=6.5, color=shade)
    fig.colorbar(mesh, ax=ax, label=_metric(comparison), fraction=0.03, pad=0.01)
    return fig


def _mean(configuration: Configuration, name: str, comparison: Comparison) -> float:
    """Mean of a class's metric over the seeds (or folds) that have one; NaN where none has."""
    metric = comparison.task_metrics.class_metric
    scores = configuration.class_scores(comparison.split, name, metric)
    return float(np.mean(scores)) if scores else float("nan")


def _counts(comparison: Comparison) -> dict[str, int]:
    """Class → number of its objects or images on the shown split, without empty classes."""
    first, counted = comparison.configurations[0], comparison.task_metrics.class_count
    return {name: n for name, n in first.classes(comparison.split, counted).items() if n}


def _says_little(comparison: Comparison, name: str, counts: dict[str, int]) -> bool:
    return says_little(comparison.configurations[0], comparison.split, name, counts[name])


def _rows(comparison: Comparison, names: list[str], counts: dict[str, int]) -> Figure:
    pitch = 0.38 if len(names) > 25 else 0.5
    fig = new_figure(1.6 + pitch * len(names) + legend_height(comparison.configurations))
    left, right = fig.subplots(1, 2, sharey=True, width_ratios=(5, 1))
    styles = line_styles(comparison.configurations, comparison.ranked())
    for configuration in comparison.configurations:
        _marks(left, configuration, names, comparison, styles[configuration.letter])
    xlabel = f"{_metric(comparison)} on {comparison.split}"
    left.set(xlim=(-0.02, 1.02), ylim=(len(names) - 0.5, -0.5), xlabel=xlabel)
    left.set_yticks(range(len(names)), shortened(names, 28))
    for label, name in zip(left.get_yticklabels(), names, strict=True):
        if _says_little(comparison, name, counts):
            label.set_color(FAINT)
    left.grid(axis="y", visible=True)
    title = f"{comparison.task_metrics.class_count.capitalize()}, {comparison.split}"
    _bars(right, [counts[name] for name in names], max(counts.values()), title)
    high = len(names) > HIGH  # a page may end between the rows
    left.tick_params(labeltop=high)
    legend(fig, comparison.configurations, styles, marker=True, above=high)
    return fig


def _marks(
    ax: Axes,
    configuration: Configuration,
    names: list[str],
    comparison: Comparison,
    style: LineStyle,
) -> None:
    """Draw one mark for each class at the height of its index in `names`."""
    grey = style["color"] == OTHERS
    for row, name in enumerate(names):
        mean = _mean(configuration, name, comparison)
        if np.isfinite(mean):
            ax.plot(
                [mean],
                [row],
                marker=style["marker"],
                markersize=3 if grey else 4.5,
                color=style["color"],
                markeredgecolor="white",
                markeredgewidth=0.3,
                zorder=style["zorder"],
            )


def _bars(ax: Axes, counts: list[int], highest: int, title: str) -> None:
    bars = ax.barh(range(len(counts)), counts, color="#9A9A9A", height=0.6)
    ax.bar_label(bars, padding=2, fontsize=7)
    ax.set(xlim=(0, 1.45 * highest), xticks=[])
    ax.set_title(title, loc="left", fontsize=FONT)
    ax.tick_params(labelleft=False)
    ax.grid(visible=False)
    for side in ("top", "right", "bottom"):
        ax.spines[side].set_visible(False)
