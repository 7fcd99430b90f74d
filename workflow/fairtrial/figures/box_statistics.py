"""What the images of a data set look like to a detector: how many objects each holds, where
they lie, their shapes, and the sizes of the images. Two data sets stand side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from fairtrial.data.dataset import SPLITS, Image
from fairtrial.figures.base import COLOURS, DASHES, Drawn, figure, new
from fairtrial.results.dataset import DatasetDescription
from fairtrial.results.experiment import ExperimentResults

BINS = 24  # of the heat maps, each way
HEAT = "cividis"  # as light and dark in grey print as in colour
MANY = 20  # objects an image from which on they are counted in one bar

Boxes = NDArray[np.float64]  # n × 6: x, y, width, height, and the image's width and height


@figure("data")
def objects_per_image(trial: ExperimentResults, settings: dict[str, Any]) -> Iterator[Drawn]:
    """How many objects an image holds, by side; of classes of whole images it is one."""
    for views in _side_by_side(trial) if trial.task == "detect" else []:
        drawn = new(5.2)
        for ax, view in zip(drawn.subplots(1, len(views), squeeze=False).flat, views, strict=True):
            _per_image(ax, view)
        _legend(drawn, views)
        caption = f"{_named(views)}: share of the images of a side that hold so many objects."
        yield Drawn(_file("per-image", views), drawn, "Objects an image", caption)


@figure("data")
def places(trial: ExperimentResults, settings: dict[str, Any]) -> Iterator[Drawn]:
    """Where boxes lie, how large and of which shape they are."""
    panels: tuple[Callable[[Axes, Boxes], None], ...] = (_centres, _extents, _shapes)
    found = {view.name: _boxes(view) for view in trial.datasets.values()}
    for views in _side_by_side(trial):
        if not all(len(found[view.name]) for view in views):
            continue
        drawn = new(5.6 if len(views) == 1 else 16.5)
        grid = drawn.subplots(*((1, 3) if len(views) == 1 else (3, 2)), squeeze=False)
        for column, view in zip([grid[0]] if len(views) == 1 else grid.T, views, strict=True):
            for ax, panel in zip(column, panels, strict=True):
                panel(ax, found[view.name])
            if len(views) > 1:
                column[0].set_title(f"{view.name}\n{column[0].get_title(loc='left')}", loc="left")
        caption = (
            f"{_named(views)}, all sides: centres, widths and heights of the boxes as shares of "
            "their image (dark: few; widths and heights on a logarithmic scale of colour), and the "
            "shape of the boxes in pixels."
        )
        yield Drawn(_file("places", views), drawn, "Places and shapes of the objects", caption)


@figure("data")
def image_sizes(trial: ExperimentResults, settings: dict[str, Any]) -> Iterator[Drawn]:
    """Widths and heights of the images, where they are not all of one size."""
    for views in _side_by_side(trial):
        if all(len(set(map(_size, view.dataset.images))) == 1 for view in views):
            continue
        drawn = new(6.8)
        axes = drawn.subplots(1, max(2, len(views)), squeeze=False).flat
        for ax, view in zip(axes, views, strict=False):
            _sizes(ax, view)
        for ax in axes[len(views) :]:
            ax.axis("off")
        caption = f"{_named(views)}: the larger the dot, the more images have this size."
        yield Drawn(_file("image-sizes", views), drawn, "Sizes of the images", caption)


def _side_by_side(trial: ExperimentResults) -> Iterator[tuple[DatasetDescription, ...]]:
    views = list(trial.datasets.values())
    yield from (tuple(views[start : start + 2]) for start in range(0, len(views), 2))


def _named(views: tuple[DatasetDescription, ...]) -> str:
    plural = "s" if len(views) > 1 else ""
    return f"Data set{plural} {' and '.join(view.name for view in views)}"


def _file(what: str, views: tuple[DatasetDescription, ...]) -> str:
    return "-".join([what, *(view.name for view in views)])


def _size(image: Image) -> tuple[int, int]:
    return image.width, image.height


def _boxes(view: DatasetDescription) -> Boxes:
    """The boxes of all sides; crowd regions are no single objects."""
    used = {number for side in SPLITS for number in view.certificate.get(side) or []}
    sizes = {i.id: _size(i) for i in view.dataset.images if i.id in used}
    rows = [
        (*a.bbox, *sizes[a.image_id])
        for a in view.dataset.annotations
        if a.bbox and not a.iscrowd and a.image_id in sizes
    ]
    return np.array(rows, np.float64).reshape(-1, 6)


def _per_image(ax: Axes, view: DatasetDescription) -> None:
    held = Counter(a.image_id for a in view.dataset.annotations)
    most = min(max(held.values(), default=1), MANY)
    edges = np.arange(-0.5, most + 1)
    for number, side in enumerate(SPLITS):
        if ids := view.certificate.get(side):
            counts = np.minimum([held[n] for n in ids], most)
            shares = np.histogram(counts, edges)[0] / len(ids) * 100
            look = {"color": COLOURS[number], "linestyle": DASHES[number], "linewidth": 1.4}
            ax.stairs(shares, edges, **look)
    ax.set_title(view.name, loc="left")
    ax.set(xlabel="Objects", ylabel="Share of images, %", xlim=(edges[0], edges[-1]))
    ax.set_ylim(bottom=0)
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    if max(held.values(), default=0) > MANY:
        last = FuncFormatter(lambda x, _: f"≥{MANY}" if x >= MANY else f"{x:g}")
        ax.xaxis.set_major_formatter(last)


def _legend(drawn: Any, views: tuple[DatasetDescription, ...]) -> None:
    from matplotlib.lines import Line2D

    sides = [side for side in SPLITS if any(view.certificate.get(side) for view in views)]
    lines = [
        Line2D([], [], color=COLOURS[n], linestyle=DASHES[n], linewidth=1.4)
        for n, side in enumerate(SPLITS)
        if side in sides
    ]
    drawn.legend(lines, sides, loc="outside lower center", ncols=3, handlelength=3.2)


def _centres(ax: Axes, boxes: Boxes) -> None:
    x = (boxes[:, 0] + boxes[:, 2] / 2) / boxes[:, 4]
    y = (boxes[:, 1] + boxes[:, 3] / 2) / boxes[:, 5]
    _heat(ax, x, y, 1.0, "linear")
    ax.invert_yaxis()
    ax.set_title("Centres of the boxes", loc="left")
    ax.set(xlabel="from the left edge", ylabel="from the upper edge")


def _extents(ax: Axes, boxes: Boxes) -> None:
    shares = boxes[:, 2:4] / boxes[:, 4:6]
    limit = min(1.0, np.ceil(10 * np.quantile(shares, 0.995)) / 10)  # small objects fill it, too
    width, height = shares.clip(0, limit).T
    _heat(ax, width, height, limit, "log")
    ax.set_title("Width and height of the boxes", loc="left")
    ax.set(xlabel="width, share of the image", ylabel="height, share of the image")


def _heat(
    ax: Axes, x: NDArray[np.float64], y: NDArray[np.float64], limit: float, scale: str
) -> None:
    """How many points lie in each cell of the square from 0 to `limit`."""
    counts, *_ = np.histogram2d(y, x, bins=BINS, range=((0, limit), (0, limit)))
    if scale == "log":
        counts = np.log1p(counts)
    extent = (0.0, limit, 0.0, limit)
    ax.imshow(counts, cmap=HEAT, vmin=0, aspect="auto", extent=extent, origin="lower")
    ax.grid(visible=False)
    ticks = np.linspace(0, limit, 5)
    ax.set_xticks(ticks, [f"{tick:.3g}" for tick in ticks])
    ax.set_yticks(ticks, [f"{tick:.3g}" for tick in ticks])


def _shapes(ax: Axes, boxes: Boxes) -> None:
    """Width by height, on a logarithmic axis around the square."""
    ratios = boxes[:, 2] / boxes[:, 3]
    span = max(2.0, float(np.exp(np.abs(np.log(ratios)).max())) * 1.05)
    edges = np.geomspace(1 / span, span, 25)  # an even number of bins, so that 1 is an edge
    ax.hist(ratios, edges.tolist(), color="#8FB4D0", edgecolor="#333333", linewidth=0.4)
    ax.set_xscale("log", base=2)
    ax.axvline(1, color="#444444", linestyle=":", linewidth=1)
    told = FuncFormatter(lambda x, _: f"1:{1 / x:g}" if x < 1 else f"{x:g}:1")
    ax.xaxis.set_major_formatter(told)
    ax.xaxis.set_minor_locator(NullLocator())
    upright, lying = np.mean(ratios < 1) * 100, np.mean(ratios > 1) * 100
    ax.set_title(f"{upright:.0f} % upright, {lying:.0f} % lying", loc="left")
    ax.set(xlabel="width : height", ylabel="Objects")


def _sizes(ax: Axes, view: DatasetDescription) -> None:
    held = Counter(map(_size, view.dataset.images))
    width, height = np.array(list(held)).T
    count = np.array(list(held.values()))
    area = 6 + 250 * count / count.max()
    ax.scatter(width, height, area, color="#0072B2", alpha=0.5, edgecolor="#333333", linewidth=0.4)
    limit = max(width.max(), height.max()) * 1.08
    ax.plot((0, limit), (0, limit), color="#444444", linestyle=":", linewidth=1)
    ax.set(xlim=(0, limit), ylim=(0, limit), xlabel="width, pixels", ylabel="height, pixels")
    (commonest, number), *_ = held.most_common(1)
    told = f"{number} of {count.sum()} are {commonest[0]} × {commonest[1]}"
    ax.set_title(f"{view.name}: {told}", loc="left")
