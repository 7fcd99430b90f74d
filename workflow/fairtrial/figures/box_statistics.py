"""Statistics of the boxes and images of a data set: objects per image, centres, extents and
shapes of boxes, sizes of images. Two data sets stand side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from fairtrial.data.dataset import SPLITS, Image
from fairtrial.data.objects import counted
from fairtrial.figures.base import COLOURS, DASHES, Drawing, data_figure, new_figure
from fairtrial.results.configuration import shorten
from fairtrial.results.dataset import DatasetDescription, DescribedData, without_further_folds
from fairtrial.settings.stages import PlotSettings

BINS = 24  # of the heat maps, each way
COLOUR_MAP = "cividis"  # its lightness is the same in grey print as in colour
MANY = 20  # images with this number of objects or more are counted in one bar

Boxes = NDArray[np.float64]  # n × 6: x, y, width, height, then width and height of the image; px


@data_figure()
def objects_per_image(data: DescribedData, settings: PlotSettings) -> Iterator[Drawing]:
    """Objects per image, by split; nothing for the task `classify`."""
    for descriptions in _side_by_side(data) if data.task == "detect" else []:
        fig = new_figure(5.2)
        axes = fig.subplots(1, len(descriptions), squeeze=False).flat
        for ax, description in zip(axes, descriptions, strict=True):
            _per_image(ax, description)
        _legend(fig, descriptions)
        caption = (
            f"{_named(descriptions)}: share of the images of a split by their number of objects."
        )
        yield Drawing(_file("per-image", descriptions), fig, "Objects per image", caption)


@data_figure()
def box_statistics(data: DescribedData, settings: PlotSettings) -> Iterator[Drawing]:
    """Centres, extents and shapes of the boxes."""
    panels: tuple[Callable[[Axes, Boxes], None], ...] = (_centres, _extents, _shapes)
    boxes = {description.name: _boxes(description) for description in data.datasets.values()}
    for descriptions in _side_by_side(data):
        if not all(len(boxes[description.name]) for description in descriptions):
            continue
        alone = len(descriptions) == 1
        fig = new_figure(5.6 if alone else 16.5)
        columns = [fig.subplots(1, 3)] if alone else fig.subplots(3, 2).T
        for column, description in zip(columns, descriptions, strict=True):
            for ax, panel in zip(column, panels, strict=True):
                panel(ax, boxes[description.name])
            if len(descriptions) > 1:
                title = column[0].get_title(loc="left")
                column[0].set_title(f"{_title(description)}\n{title}", loc="left")
        caption = (
            f"{_named(descriptions)}, all splits: centres, widths and heights of the boxes as "
            "shares of their image (dark: few; the colour scale of widths and heights is "
            "logarithmic), and the shape of the boxes in pixels."
        )
        title = "Centres, extents and shapes of the boxes"
        yield Drawing(_file("box-statistics", descriptions), fig, title, caption)


@data_figure()
def image_sizes(data: DescribedData, settings: PlotSettings) -> Iterator[Drawing]:
    """Widths and heights of the images, unless all of a data set are of one size."""
    for descriptions in _side_by_side(data):
        if all(len(set(map(_size, d.dataset.images))) == 1 for d in descriptions):
            continue
        fig = new_figure(6.8)
        axes = fig.subplots(1, max(2, len(descriptions)), squeeze=False).flat
        for ax, description in zip(axes, descriptions, strict=False):
            _sizes(ax, description)
        for ax in axes[len(descriptions) :]:
            ax.axis("off")
        caption = f"{_named(descriptions)}: the larger the dot, the more images have this size."
        yield Drawing(_file("image-sizes", descriptions), fig, "Sizes of the images", caption)


def _side_by_side(data: DescribedData) -> Iterator[tuple[DatasetDescription, ...]]:
    """The data sets of an experiment in pairs, of folds the first; the last may be alone."""
    descriptions = without_further_folds(data.datasets.values())
    yield from (tuple(descriptions[start : start + 2]) for start in range(0, len(descriptions), 2))


def _named(descriptions: tuple[DatasetDescription, ...]) -> str:
    plural = "s" if len(descriptions) > 1 else ""
    return f"Data set{plural} {' and '.join(description.name for description in descriptions)}"


def _file(kind: str, descriptions: tuple[DatasetDescription, ...]) -> str:
    return "-".join([kind, *(description.name for description in descriptions)])


def _title(description: DatasetDescription) -> str:
    """Its name, no wider than a plot of which two stand side by side."""
    return shorten(description.name, 40)


def _size(image: Image) -> tuple[int, int]:
    return image.width, image.height


def _boxes(description: DatasetDescription) -> Boxes:
    """The boxes of all splits, without crowd regions, which are no single objects."""
    used = {number for split in SPLITS for number in description.certificate.labelled[split]}
    sizes = {i.id: _size(i) for i in description.dataset.images if i.id in used}
    rows = [
        (*a.bbox, *sizes[a.image_id])
        for a in description.dataset.annotations
        if a.bbox and not a.iscrowd and a.image_id in sizes
    ]
    return np.array(rows, np.float64).reshape(-1, 6)


def _per_image(ax: Axes, description: DatasetDescription) -> None:
    objects = Counter(a.image_id for a in counted(description.dataset.annotations))
    most = min(max(objects.values(), default=1), MANY)
    edges = np.arange(-0.5, most + 1)
    for number, split in enumerate(SPLITS):
        if ids := description.certificate.labelled[split]:
            counts = np.minimum([objects[n] for n in ids], most)
            shares = np.histogram(counts, edges)[0] / len(ids) * 100
            colour, dash = COLOURS[number], DASHES[number]
            ax.stairs(shares, edges, color=colour, linestyle=dash, linewidth=1.4)
    ax.set_title(_title(description), loc="left")
    ax.set(xlabel="Objects", ylabel="Share of images, %", xlim=(edges[0], edges[-1]))
    ax.set_ylim(bottom=0)
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    if max(objects.values(), default=0) > MANY:
        formatter = FuncFormatter(lambda x, _: f"≥{MANY}" if x >= MANY else f"{x:g}")
        ax.xaxis.set_major_formatter(formatter)


def _legend(fig: Figure, descriptions: tuple[DatasetDescription, ...]) -> None:
    splits = [split for split in SPLITS if any(d.certificate.labelled[split] for d in descriptions)]
    lines = [
        Line2D([], [], color=COLOURS[n], linestyle=DASHES[n], linewidth=1.4)
        for n, split in enumerate(SPLITS)
        if split in splits
    ]
    fig.legend(lines, splits, loc="outside lower center", ncols=3, handlelength=3.2)


def _centres(ax: Axes, boxes: Boxes) -> None:
    x = (boxes[:, 0] + boxes[:, 2] / 2) / boxes[:, 4]
    y = (boxes[:, 1] + boxes[:, 3] / 2) / boxes[:, 5]
    _heat_map(ax, x, y, 1.0, "linear")
    ax.invert_yaxis()
    ax.set_title("Centres of the boxes", loc="left")
    ax.set(xlabel="from the left edge", ylabel="from the upper edge")


def _extents(ax: Axes, boxes: Boxes) -> None:
    shares = boxes[:, 2:4] / boxes[:, 4:6]
    limit = min(1.0, np.ceil(10 * np.quantile(shares, 0.995)) / 10)  # zooms in on small objects
    width, height = shares.clip(0, limit).T
    _heat_map(ax, width, height, limit, "log")
    ax.set_title("Width and height of the boxes", loc="left")
    ax.set(xlabel="width, share of the image", ylabel="height, share of the image")


def _heat_map(
    ax: Axes, x: NDArray[np.float64], y: NDArray[np.float64], limit: float, scale: str
) -> None:
    """Draw how many points lie in each cell of the square from 0 to `limit`."""
    counts, *_ = np.histogram2d(y, x, bins=BINS, range=((0, limit), (0, limit)))
    if scale == "log":
        counts = np.log1p(counts)
    extent = (0.0, limit, 0.0, limit)
    ax.imshow(counts, cmap=COLOUR_MAP, vmin=0, aspect="auto", extent=extent, origin="lower")
    ax.grid(visible=False)
    ticks = np.linspace(0, limit, 5)
    ax.set_xticks(ticks, [f"{tick:.3g}" for tick in ticks])
    ax.set_yticks(ticks, [f"{tick:.3g}" for tick in ticks])


def _shapes(ax: Axes, boxes: Boxes) -> None:
    """Draw a histogram of width / height on a logarithmic axis, whose middle is the square."""
    ratios = boxes[:, 2] / boxes[:, 3]
    span = max(2.0, float(np.exp(np.abs(np.log(ratios)).max())) * 1.05)
    edges = np.geomspace(1 / span, span, 25)  # an even number of bins, so that 1 is an edge
    ax.hist(ratios, edges.tolist(), color="#8FB4D0", edgecolor="#333333", linewidth=0.4)
    ax.set_xscale("log", base=2)
    ax.axvline(1, color="#444444", linestyle=":", linewidth=1)
    formatter = FuncFormatter(lambda x, _: f"1:{1 / x:g}" if x < 1 else f"{x:g}:1")
    ax.xaxis.set_major_formatter(formatter)
    ax.xaxis.set_minor_locator(NullLocator())
    upright, lying = np.mean(ratios < 1) * 100, np.mean(ratios > 1) * 100
    ax.set_title(f"{upright:.0f} % upright, {lying:.0f} % lying", loc="left")
    ax.set(xlabel="width : height", ylabel="Objects")


def _sizes(ax: Axes, description: DatasetDescription) -> None:
    images = Counter(map(_size, description.dataset.images))
    width, height = np.array(list(images)).T
    count = np.array(list(images.values()))
    area = 6 + 250 * count / count.max()
    ax.scatter(width, height, area, color="#0072B2", alpha=0.5, edgecolor="#333333", linewidth=0.4)
    limit = max(width.max(), height.max()) * 1.08
    ax.plot((0, limit), (0, limit), color="#444444", linestyle=":", linewidth=1)
    ax.set(xlim=(0, limit), ylim=(0, limit), xlabel="width, pixels", ylabel="height, pixels")
    ((commonest_width, commonest_height), number), *_ = images.most_common(1)
    share = f"{number} of {count.sum()} are {commonest_width} × {commonest_height}"
    ax.set_title(f"{_title(description)}\n{share}", loc="left")
