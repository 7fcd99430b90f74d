"""Classes and sizes of the objects in each split of a data set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator
from numpy.typing import NDArray

from fairtrial.data.dataset import SPLITS
from fairtrial.data.objects import counted
from fairtrial.figures.base import DASHES, Drawing, data_figure, new_figure
from fairtrial.results.configuration import shortened
from fairtrial.results.dataset import DatasetDescription, DescribedData, without_further_folds
from fairtrial.settings.stages import PlotSettings

LIMITS = (32, 96)  # COCO's: small below 32 × 32 pixels, large from 96 × 96
SHADES = ("#000000", "#E69F00", "#0072B2")
SHOWN = 50  # classes at most: the commonest; a table has more


@data_figure()
def class_distribution(data: DescribedData, settings: PlotSettings) -> Iterator[Drawing]:
    """Objects (or images) of each class in train, val and test."""
    for description in without_further_folds(data.datasets.values()):
        counts = {split: _counts(description, split) for split in _splits(description)}
        total: Counter[str] = sum(counts.values(), Counter())
        names_of_all = description.dataset.categories.values()
        classes = sorted(names_of_all, key=lambda name: (-total[name], name))
        counted = "objects" if data.task == "detect" else "images"
        caption = f"Data set {description.name}: numbers of {counted}, the commonest class on top."
        if rarer := len(classes) - SHOWN:
            caption += f" The {rarer} rarer classes are not drawn." * (rarer > 0)
        fig = _bars(classes[:SHOWN], counts, counted)
        name, title = f"classes-{description.name}", f"{counted.capitalize()} of each class"
        yield Drawing(name, fig, title, caption, rows=fig.axes[0])


@data_figure()
def box_sizes(data: DescribedData, settings: PlotSettings) -> Iterator[Drawing]:
    """How large the objects are, with COCO's limits of small, medium and large."""
    for description in without_further_folds(data.datasets.values()):
        sizes = {split: _sizes(description, split) for split in _splits(description)}
        sizes = {split: of_split for split, of_split in sizes.items() if len(of_split)}
        if sizes:
            caption = (
                f"Data set {description.name}: square root of the box's area, in pixels of the "
                "image as it is stored (a model may see it larger or smaller). Dotted: COCO's "
                f"limits of small, medium and large, {LIMITS[0]} and {LIMITS[1]} pixels."
            )
            name, title = f"sizes-{description.name}", "Sizes of the objects"
            yield Drawing(name, _histogram(sizes), title, caption)


def _splits(description: DatasetDescription) -> list[str]:
    """The splits that have images with labels."""
    return [split for split in SPLITS if description.certificate.labelled[split]]


def _counts(description: DatasetDescription, split: str) -> Counter[str]:
    """Class → number of its annotations in a split."""
    ids, dataset = set(description.certificate.splits[split]), description.dataset
    names = dataset.categories
    return Counter(names[a.category_id] for a in counted(dataset.annotations) if a.image_id in ids)


def _sizes(description: DatasetDescription, split: str) -> NDArray[np.float64]:
    """Square roots of the areas of the boxes in a split, pixels."""
    ids = set(description.certificate.splits[split])
    objects = counted(description.dataset.annotations)
    boxes = [a.bbox for a in objects if a.image_id in ids and a.bbox]
    return np.sqrt([box[2] * box[3] for box in boxes if box[2] > 0 and box[3] > 0])


def _bars(names: list[str], counts: dict[str, Counter[str]], counted: str) -> Figure:
    """One panel of bars for each split; `counted` is what the bars count."""
    fig = new_figure(1.5 + (0.38 if len(names) > 25 else 0.5) * max(len(names), 2))
    axes = fig.subplots(1, len(counts), sharey=True, squeeze=False).flat
    for ax, (split, of_split) in zip(axes, counts.items(), strict=True):
        heights = [of_split[name] for name in names]
        bars = ax.barh(range(len(names)), heights, color="#8FB4D0", edgecolor="#333333", lw=0.4)
        ax.bar_label(bars, padding=2, fontsize=7)
        ax.set(xlim=(0, 1.3 * max([*heights, 1])), ylim=(len(names) - 0.4, -0.6))
        ax.set_title(f"{split}: {sum(of_split.values())} {counted}", loc="left")
        ax.set_yticks(range(len(names)), shortened(names, 34))
        ax.grid(axis="y", visible=False)
    return fig


def _histogram(sizes: dict[str, NDArray[np.float64]]) -> Figure:
    fig = new_figure(6.5)
    ax = fig.subplots()
    low = min(of_split.min() for of_split in sizes.values())
    high = max(of_split.max() for of_split in sizes.values())
    edges = np.geomspace(max(low * 0.9, 0.5), max(high * 1.1, 2), 16)
    for number, (split, of_split) in enumerate(sizes.items()):
        shares = np.histogram(of_split, edges)[0] / len(of_split) * 100
        lines = ax.stairs(shares, edges, label=f"{split}: {len(of_split)} objects")
        lines.set(color=SHADES[number], linestyle=DASHES[number], linewidth=1.4)
    ax.set(xscale="log", xlabel="√area in pixels", ylabel="Share of objects, %")
    _limits(ax, edges[0], edges[-1])
    ax.set_ylim(0, ax.get_ylim()[1] * 1.12)
    fig.legend(loc="outside lower center", ncols=3, handlelength=3.2)
    return fig


def _limits(ax: Axes, low: float, high: float) -> None:
    """Draw COCO's limits of sizes between `low` and `high` (pixels), and name the ranges."""
    ticks = [n for n in sorted({*LIMITS, *(2**n for n in range(14))}) if low <= n <= high]
    ax.set_xticks(ticks)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    ax.xaxis.set_minor_locator(NullLocator())
    for limit in (x for x in LIMITS if low < x < high):
        ax.axvline(limit, color="#444444", linestyle=":", linewidth=1)
    borders = np.clip([low, *LIMITS, high], low, high)
    for name, left, right in zip(("small", "medium", "large"), borders, borders[1:], strict=False):
        if right > left * 1.25:
            middle = float(np.sqrt(left * right))
            transform = ax.get_xaxis_transform()
            ax.text(middle, 0.97, name, ha="center", va="top", transform=transform, color="#444444")
