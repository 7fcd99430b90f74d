"""What is on the images: classes and sizes of the objects of each side of a data set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullLocator
from numpy.typing import NDArray

from fairtrial.data.dataset import SPLITS
from fairtrial.figures.base import DASHES, Drawn, figure, new
from fairtrial.results.configuration import shorten
from fairtrial.results.dataset import DatasetDescription
from fairtrial.results.experiment import ExperimentResults

LIMITS = (32, 96)  # COCO's: small below 32 × 32 pixels, large from 96 × 96
SHADES = ("#000000", "#E69F00", "#0072B2")
PER_PAGE = 50
PAGES = 3


@figure("data")
def class_distribution(trial: ExperimentResults, settings: dict[str, Any]) -> Iterator[Drawn]:
    """Objects of each class on train, val and test."""
    for view in trial.datasets.values():
        counts = {side: _counts(view, side) for side in _sides(view)}
        total: Counter[str] = sum(counts.values(), Counter())
        every = sorted(view.dataset.categories.values(), key=lambda name: (-total[name], name))
        kept = every[: PER_PAGE * PAGES]
        for page, start in enumerate(range(0, len(kept), PER_PAGE)):
            names = kept[start : start + PER_PAGE]
            what = {"detect": "objects"}.get(trial.task, "images")
            caption = f"Data set {view.name}: numbers of {what}, the commonest class on top."
            if len(every) > len(kept):
                caption += f" The {len(every) - len(kept)} rarest classes are left out."
            title = f"{what.capitalize()} of each class" + (
                f" ({page + 1})" if len(kept) > PER_PAGE else ""
            )
            drawn = _bars(names, counts, what)
            yield Drawn(f"classes-{view.name}-{page + 1}", drawn, title, caption)


@figure("data")
def box_sizes(trial: ExperimentResults, settings: dict[str, Any]) -> Iterator[Drawn]:
    """How large the objects are, with COCO's limits of small, medium and large."""
    for view in trial.datasets.values():
        sizes = {side: _sizes(view, side) for side in _sides(view)}
        sizes = {side: found for side, found in sizes.items() if len(found)}
        if sizes:
            caption = (
                f"Data set {view.name}: square root of the box's area, in pixels of the image "
                "as it is stored (a model may see it larger or smaller). Dotted: COCO's limits."
            )
            yield Drawn(f"sizes-{view.name}", _histogram(sizes), "Sizes of the objects", caption)


def _sides(view: DatasetDescription) -> list[str]:
    return [side for side in SPLITS if view.certificate.get(side)]


def _counts(view: DatasetDescription, side: str) -> Counter[str]:
    wanted, names = set(view.certificate[side]), view.dataset.categories
    return Counter(names[a.category_id] for a in view.dataset.annotations if a.image_id in wanted)


def _sizes(view: DatasetDescription, side: str) -> NDArray[np.float64]:
    wanted = set(view.certificate[side])
    found = [a.bbox for a in view.dataset.annotations if a.image_id in wanted and a.bbox]
    return np.sqrt([box[2] * box[3] for box in found if box[2] > 0 and box[3] > 0])


def _bars(names: list[str], counts: dict[str, Counter[str]], what: str) -> Any:
    drawn = new(1.5 + (0.38 if len(names) > 25 else 0.5) * max(len(names), 2))
    axes = drawn.subplots(1, len(counts), sharey=True, squeeze=False).flat
    for ax, (side, found) in zip(axes, counts.items(), strict=True):
        heights = [found[name] for name in names]
        bars = ax.barh(range(len(names)), heights, color="#8FB4D0", edgecolor="#333333", lw=0.4)
        ax.bar_label(bars, padding=2, fontsize=7)
        ax.set(xlim=(0, 1.3 * max([*heights, 1])), ylim=(len(names) - 0.4, -0.6))
        ax.set_title(f"{side}: {sum(found.values())} {what}", loc="left")
        ax.set_yticks(range(len(names)), [shorten(name, 24) for name in names])
        ax.grid(axis="y", visible=False)
    return drawn


def _histogram(sizes: dict[str, NDArray[np.float64]]) -> Any:
    drawn = new(6.5)
    ax = drawn.subplots()
    low = min(found.min() for found in sizes.values())
    high = max(found.max() for found in sizes.values())
    edges = np.geomspace(max(low * 0.9, 0.5), max(high * 1.1, 2), 16)
    for number, (side, found) in enumerate(sizes.items()):
        shares = np.histogram(found, edges)[0] / len(found) * 100
        look = {"color": SHADES[number], "linestyle": DASHES[number], "linewidth": 1.4}
        ax.stairs(shares, edges, label=f"{side}: {len(found)} objects", **look)
    ax.set(xscale="log", xlabel="√area in pixels", ylabel="Share of objects, %")
    _limits(ax, edges[0], edges[-1])
    ax.set_ylim(0, ax.get_ylim()[1] * 1.12)
    drawn.legend(loc="outside lower center", ncols=3, handlelength=3.2)
    return drawn


def _limits(ax: Axes, low: float, high: float) -> None:
    ticks = [2**n for n in range(14) if low <= 2**n <= high]
    ax.set_xticks(ticks)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    ax.xaxis.set_minor_locator(NullLocator())
    for limit in (x for x in LIMITS if low < x < high):
        ax.axvline(limit, color="#444444", linestyle=":", linewidth=1)
    borders = np.clip([low, *LIMITS, high], low, high)
    for name, left, right in zip(("small", "medium", "large"), borders, borders[1:], strict=False):
        if right > left * 1.25:
            middle = float(np.sqrt(left * right))
            where = ax.get_xaxis_transform()
            ax.text(middle, 0.97, name, ha="center", va="top", transform=where, color="#444444")
