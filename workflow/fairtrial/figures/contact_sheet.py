"""Contact sheets: images of each split with their boxes or classes, drawn without regard to
content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fairtrial.data.dataset import SPLITS, Annotation, Image
from fairtrial.figures.base import WIDTH, Drawing, data_figure, end_of, new_figure
from fairtrial.figures.pictures import COLOURS, frame, pixels
from fairtrial.files.packed import file_of
from fairtrial.results.configuration import shorten
from fairtrial.results.dataset import DatasetDescription, DescribedData
from fairtrial.settings.stages import PlotSettings

IMAGES = 15  # of each split: two sheets on a page
COLUMNS = 5


@data_figure("contact", in_experiments=False)
def contact_sheet(data: DescribedData, settings: PlotSettings) -> Iterator[Drawing]:
    """One sheet for each split of each data set."""
    for description in data.datasets.values():
        for split in SPLITS:
            images = sample(description, split, IMAGES)
            if not images:
                continue
            total = len(description.certificate.splits[split])
            which = "all" if total == len(images) else "drawn by a hash of their names"
            caption = (
                f"Data set {description.name}, {split}: {len(images)} of {total} images, {which}. "
                f"{_key(description)}"
            )
            name = f"contact-{description.name}-{split}"
            yield Drawing(name, _sheet(description, images), f"Images of {split}", caption)


def sample(description: DatasetDescription, split: str, count: int) -> list[Image]:
    """At most `count` images of a split whose files exist: those of the lowest hashes of their
    names, so that the choice has no favourites and stays the same."""
    ordered = sorted(description.images_of(split), key=lambda image: _hash(image.file_name))
    existing = (i for i in ordered if file_of(description.images, i.file_name).is_file())
    return [image for image, _ in zip(existing, range(count), strict=False)]


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _key(description: DatasetDescription) -> str:
    """Which colour is which class, as far as the colours reach."""
    if description.dataset.task == "classify":
        return "Below each: its class."
    names = sorted(description.dataset.categories.values())
    if len(names) > len(COLOURS):
        return "Dashed boxes are crowd regions."
    listed = ", ".join(f"{n + 1} {shorten(name, 24)}" for n, name in enumerate(names))
    return f"The number at a box is its class: {listed}. Dashed boxes are crowd regions."


def _sheet(description: DatasetDescription, images: list[Image]) -> Figure:
    rows = -(-len(images) // COLUMNS)
    by_image = description.dataset.by_image()
    fig = new_figure(rows * (WIDTH / COLUMNS * _aspect(images) + 0.55) + 0.2)
    axes = list(fig.subplots(rows, COLUMNS, squeeze=False).flat)
    for ax, image in zip(axes, images, strict=False):
        _panel(ax, description, image, by_image[image.id])
    for ax in axes:
        ax.axis("off")
    return fig


def _aspect(images: list[Image]) -> float:
    """The height of a panel by its width: that of the tallest image, within limits."""
    return min(1.3, max(0.5, *(image.height / image.width for image in images)))


def _panel(
    ax: Axes, description: DatasetDescription, image: Image, objects: list[Annotation]
) -> None:
    names = description.dataset.categories
    numbers = {name: n for n, name in enumerate(sorted(names.values()))}
    picture = pixels(description.images, image.file_name, 260)
    ax.imshow(picture, extent=(0, image.width, image.height, 0), interpolation="none")
    title = end_of(image.file_name, 26)
    for annotation in objects:
        name = names[annotation.category_id]
        if annotation.bbox is None:
            title += f"\n{shorten(name, 24)}"
            continue
        colour = COLOURS[numbers[name] % len(COLOURS)]
        frame(ax, annotation.bbox, colour, "--" if annotation.iscrowd else "-")
        if len(numbers) <= len(COLOURS):
            _number(ax, annotation.bbox, numbers[name], image)
    ax.set_title(title, loc="left", fontsize=6)


def _number(ax: Axes, bbox: tuple[float, float, float, float], number: int, image: Image) -> None:
    """Write the number of the class inside the upper left corner of its box."""
    x, y = max(0.0, bbox[0]), max(0.0, bbox[1])
    background = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.3}
    at = (x + 0.01 * image.width, y + 0.01 * image.height)
    ax.text(*at, str(number + 1), ha="left", va="top", fontsize=5.5, bbox=background, clip_on=True)
