"""Pairs of images in two splits that may show the same, for a person to look at."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.axes import Axes

from fairtrial.data.certificate import PlacedPair
from fairtrial.data.dataset import Image
from fairtrial.figures.base import WIDTH, Drawing, data_figure, end_of, new_figure
from fairtrial.figures.pictures import pixels
from fairtrial.files.packed import file_of
from fairtrial.results.dataset import DatasetDescription, DescribedData
from fairtrial.settings.stages import PlotSettings

PAIRS = 8  # of each data set, at most


@data_figure()
def near_duplicates(data: DescribedData, settings: PlotSettings) -> Iterator[Drawing]:
    """The closest pairs of each data set, two pairs in a row."""
    for description in data.datasets.values():
        pairs = description.certificate.duplicates.doubtful_across
        images = {image.id: image for image in description.dataset.images}
        with_files = [pair for pair in pairs if _files_exist(description, images, pair)][:PAIRS]
        if not with_files:
            continue
        rows = -(-len(with_files) // 2)
        shape = max(min(1.2, _aspect(images, with_files)), 0.5)
        fig = new_figure(rows * (WIDTH / 4 * shape + 1.0))
        axes = list(fig.subplots(rows, 4, squeeze=False).flat)
        for number, pair in enumerate(with_files):
            _pair(axes[2 * number : 2 * number + 2], description, images, pair)
        for ax in axes:
            ax.axis("off")
        caption = (
            f"Data set {description.name}: the images of each pair look alike and are in two "
            "splits. If they show the same thing or scene, the metrics are inflated: put them into "
            "one group, or split otherwise. In brackets: the difference, as a share of the "
            "contrast (0: equal)."
        )
        if left_out := len(pairs) - len(with_files):
            caption += f" Not shown: {left_out} more."
        name, title = f"near-duplicates-{description.name}", "Pairs that look alike in two splits"
        yield Drawing(name, fig, title, caption)


def _files_exist(
    description: DatasetDescription, images: dict[int, Image], pair: PlacedPair
) -> bool:
    return all(file_of(description.images, images[n].file_name).is_file() for n in pair.images)


def _aspect(images: dict[int, Image], pairs: list[PlacedPair]) -> float:
    """Height by width of the tallest image of the pairs."""
    return max(images[n].height / images[n].width for pair in pairs for n in pair.images)


def _pair(
    axes: list[Axes],
    description: DatasetDescription,
    images: dict[int, Image],
    pair: PlacedPair,
) -> None:
    for ax, number, split in zip(axes, pair.images, pair.splits, strict=True):
        image = images[number]
        ax.imshow(pixels(description.images, image.file_name, 300))
        more = f" ({pair.difference:.2f})" if ax is axes[0] else ""
        ax.set_title(f"{split}{more}\n{end_of(image.file_name, 28)}", loc="left", fontsize=7)
