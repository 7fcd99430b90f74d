"""The same images with their ground truth and with the detections of each configuration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from fairtrial.data.dataset import Image
from fairtrial.data.ground_truth import content_id
from fairtrial.figures.base import WIDTH, Drawing, figure, new_figure, not_shown
from fairtrial.files import packed
from fairtrial.results.configuration import Configuration, shorten
from fairtrial.results.dataset import DatasetDescription
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.settings.stages import PlotSettings

if TYPE_CHECKING:
    from PIL import Image as Picture

MODELS = 11  # configurations at most: with the ground truth, four rows of three panels
DENSITY = 160  # pixels per inch of photographs in the report
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9")


@dataclass
class Box:
    """A box in pixels of the image, its class, and its confidence (None: ground truth)."""

    xywh: tuple[float, float, float, float]
    name: str
    confidence: float | None = None


@figure("gallery")
def gallery(experiment: ExperimentResults, settings: PlotSettings) -> Iterator[Drawing]:
    """One drawing for each image: the ground truth, then the first seed of each configuration, the
    best on val first."""
    if experiment.task != "detect":
        return
    for number, comparison in enumerate(experiment.comparisons):
        description, split = comparison.datasets[0], comparison.split
        images = choose(description, split, settings.gallery)
        ranked = comparison.ranked()[:MODELS]
        detections = {c.letter: _detections(c, experiment, split, images) for c in ranked}
        for image in images:
            panels = {"Ground truth": _ground_truth(description, image)}
            for c in ranked:
                panels[c.label(_length(len(ranked) + 1))] = detections[c.letter][content_id(image)]
            texts = _class_texts(sorted(description.dataset.categories.values()), len(panels) > 4)
            fig = _panels(description, image, panels, texts)
            names = sorted({box.name for boxes in panels.values() for box in boxes})
            key = [f"{texts[n]} {n}" for n in names if texts[n] != n] if len(panels) > 4 else []
            caption = _caption(comparison, image, key)
            caption += not_shown(len(comparison.configurations) - len(ranked))
            name = f"gallery-{number + 1}-{image.id}"
            yield Drawing(name, fig, f"Detections on {shorten(image.file_name, 60)}", caption)


def choose(description: DatasetDescription, split: str, count: int) -> list[Image]:
    """The first `count` images of `by_interest` whose files exist."""
    folder = description.images
    images = [i for i in by_interest(description, split) if (folder / i.file_name).exists()]
    return images[:count]


def by_interest(description: DatasetDescription, split: str) -> list[Image]:
    """The images of a split by falling number of classes, then of objects, then by id. Images with
    no object or with more than 12, which are hard to read, come last."""
    ids, by_image = set(description.certificate.splits[split]), description.dataset.by_image()

    def interest(image: Image) -> tuple[bool, int, int, int]:
        objects = by_image[image.id]
        classes = len({a.category_id for a in objects})
        return (not 0 < len(objects) <= 12, -classes, -len(objects), image.id)

    return sorted((i for i in description.dataset.images if i.id in ids), key=interest)


def _caption(comparison: Comparison, image: Image, key: list[str]) -> str:
    text = (
        f"Image {image.file_name} of {comparison.split} ({comparison.names}); first seed, "
        "detections above the chosen confidence, with class and confidence. One line style and "
        "colour a class."
    )
    return text + (f" {'; '.join(key)}." if key else "")


def _ground_truth(description: DatasetDescription, image: Image) -> list[Box]:
    names = description.dataset.categories
    objects = description.dataset.by_image()[image.id]
    return [Box(a.bbox, names[a.category_id]) for a in objects if a.bbox]


def _detections(
    configuration: Configuration, experiment: ExperimentResults, split: str, images: list[Image]
) -> dict[str, list[Box]]:
    """`content_id` of an image → detections of the first seed at or above its chosen confidence.

    The ids of an image may differ between data sets, its content does not.
    """
    run = configuration.first
    dataset = experiment.datasets[run.dataset].dataset
    contents = {i.id: content_id(i) for i in dataset.images}
    least = run.confidence or 0.0
    boxes: dict[str, list[Box]] = {content_id(image): [] for image in images}
    for detection in run.detections(split):
        key = contents.get(detection.image_id)
        if key in boxes and detection.confidence >= least:
            name = dataset.categories[detection.category_id]
            boxes[key].append(Box(detection.bbox, name, detection.confidence))
    return boxes


def _columns(panels: int) -> int:
    if panels <= 3:
        return max(panels, 2)
    return 2 if panels == 4 else 3


def _length(panels: int) -> int:
    """Length of the title of a panel, in characters."""
    return {2: 52, 3: 32}[_columns(panels)]


def _class_texts(names: list[str], short: bool) -> dict[str, str]:
    """Class → the text at its boxes: its name or, if `short`, its first three letters where no
    other class begins with them, else its number."""
    if not short:
        return {name: shorten(name, 12) for name in names}
    starts = Counter(name[:3] for name in names)
    return {n: n[:3] if starts[n[:3]] == 1 else str(i) for i, n in enumerate(names, 1)}


def _panels(
    description: DatasetDescription,
    image: Image,
    panels: dict[str, list[Box]],
    texts: dict[str, str],
) -> Figure:
    columns = _columns(len(panels))
    rows = -(-len(panels) // columns)
    aspect = min(1.6, max(0.4, image.height / image.width))
    fig = new_figure(rows * (WIDTH / columns * aspect + 0.5) + 0.2)
    axes = list(fig.subplots(rows, columns, squeeze=False).flat)
    numbers = {name: i for i, name in enumerate(sorted(description.dataset.categories.values()))}
    picture = pixels(description.images, image.file_name, round(WIDTH / columns / 2.54 * DENSITY))
    for ax, (title, boxes) in zip(axes, panels.items(), strict=False):
        ax.imshow(picture, extent=(0, image.width, image.height, 0), interpolation="none")
        ax.set_title(title, loc="left", fontsize=7.5)
        for box in sorted(boxes, key=lambda b: b.confidence or 0):
            text = texts[box.name]
            if box.confidence is not None:
                text += f" {_hundredths(box.confidence)}"
            number = numbers[box.name]
            line = ("-", "--", ":", "-.")[number % 4]
            frame(ax, box.xywh, COLOURS[number % len(COLOURS)], line)
            _label(ax, box, text, (image.width, image.height))
    for ax in axes:
        ax.axis("off")
    return fig


def pixels(folder: Path, name: str, width: int) -> Picture.Image:
    """An image, upright by its EXIF orientation and at most `width` pixels wide.

    `name` is its file below `folder`, or its place in a file of packed images, which are not
    resized.
    """
    from PIL import Image as Picture
    from PIL import ImageOps

    if packed.is_packed(name):
        return Picture.fromarray(packed.pixels(folder, name))
    with Picture.open(folder / name) as picture:
        upright = ImageOps.exif_transpose(picture).convert("RGB")
    upright.thumbnail((width, 2 * width))
    return upright


def _hundredths(confidence: float) -> str:
    """`.87`, `1.00`."""
    return f"{confidence:.2f}".removeprefix("0")


def frame(ax: Axes, xywh: tuple[float, float, float, float], colour: str, line: str) -> None:
    """Draw a box (pixels of the image) in a colour and a line style of matplotlib."""
    x, y, width, height = xywh
    # A white line below, so that the box can be seen on any photograph.
    for edge, dash, weight in (("white", "-", 2.0), (colour, line, 1.1)):
        rectangle = Rectangle((x, y), width, height, facecolor="none", edgecolor=edge)
        rectangle.set(linestyle=dash, linewidth=weight)
        ax.add_patch(rectangle)


def _label(ax: Axes, box: Box, text: str, size: tuple[int, int]) -> None:
    """Write `text` at a corner of the box, so that it stays within the image of this size (px)."""
    x, y, width, height = box.xywh
    background = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.4}
    right = x + width / 2 > size[0] * 0.7
    low = y < size[1] * 0.08
    ax.text(
        x + width if right else x,
        y + height if low else y,
        text,
        ha="right" if right else "left",
        va="top" if low else "bottom",
        fontsize=7,
        bbox=background,
        clip_on=True,
    )
