"""Copies of one picture whose labels contradict each other, side by side with their boxes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from matplotlib.axes import Axes

from fairtrial.data.contradictions import Contradicting, contradicting
from fairtrial.data.dataset import Annotation, Image
from fairtrial.figures.base import WIDTH, Drawing, data_figure, end_of, new_figure
from fairtrial.figures.pictures import COLOURS, frame, pixels
from fairtrial.files.packed import file_of
from fairtrial.results.configuration import shorten
from fairtrial.results.dataset import DatasetDescription, DescribedData
from fairtrial.settings.stages import PlotSettings

PAIRS = 8  # of each data set, at most


@data_figure("contradictions", in_experiments=False)
def contradicting_copies(data: DescribedData, settings: PlotSettings) -> Iterator[Drawing]:
    """The copies of each source with contradicting labels, two pairs in a row, once a source."""
    by_source = {description.source: description for description in data.datasets.values()}
    for source, description in by_source.items():
        pairs = _pairs(description)
        shown = pairs[:PAIRS]
        if not shown:
            continue
        rows = -(-len(shown) // 2)
        fig = new_figure(rows * (WIDTH / 4 + 1.0))
        axes = list(fig.subplots(rows, 4, squeeze=False).flat)
        for number, pair in enumerate(shown):
            for ax, file, labels in zip(axes[2 * number :], pair.files, pair.labels, strict=False):
                _panel(ax, description, file, labels)
        for ax in axes:
            ax.axis("off")
        caption = (
            f"Source {source}: two copies of one picture beside each other, with their labels. "
            "Which ones hold is settled in the source, by `defects: {contradicting_labels: …}` "
            "(files of equal content) or `contradicting_copies`, or by a pair below `different`."
        )
        if left_out := len(pairs) - len(shown):
            caption += f" Not shown: {left_out} more, listed in quality.json."
        title = "Copies with contradicting labels"
        yield Drawing(f"contradictions-{source}", fig, title, caption)


def _pairs(description: DatasetDescription) -> list[Contradicting]:
    """The pairs, each once, of which both pictures are there."""
    quality = description.quality
    cases = [case for kind in quality.defects.values() for case in kind.cases] if quality else []
    pairs: dict[frozenset[str], Contradicting] = {}
    for case in cases:
        pair = contradicting(case)
        if pair and all(_folder_of(description, file) for file in pair.files):
            pairs.setdefault(frozenset(pair.files), pair)
    return list(pairs.values())


def _folder_of(description: DatasetDescription, file: str) -> Path | None:
    """Where an image is: among the clean ones, or, where it was left out, among the raw ones."""
    for folder in (description.images, description.data / "raw" / description.source):
        if file_of(folder, file).is_file():
            return folder
    return None


def _panel(ax: Axes, description: DatasetDescription, file: str, labels: str) -> None:
    folder = _folder_of(description, file)
    assert folder is not None
    image = description.by_file.get(file)
    picture = pixels(folder, file, 300)
    width, height = (image.width, image.height) if image else picture.size
    ax.imshow(picture, extent=(0, width, height, 0), interpolation="none")
    if image is not None:
        for colour, annotation in _boxes(description, image):
            frame(ax, annotation.bbox or (0, 0, 0, 0), colour, "--" if annotation.iscrowd else "-")
    ax.set_title(f"{end_of(file, 28)}\n{shorten(labels, 34)}", loc="left", fontsize=6)


def _boxes(description: DatasetDescription, image: Image) -> list[tuple[str, Annotation]]:
    """The boxes on an image, each with the colour of its class."""
    places = {number: at for at, number in enumerate(sorted(description.dataset.categories))}
    rows = [a for a in description.dataset.annotations if a.image_id == image.id and a.bbox]
    return [(COLOURS[places[row.category_id] % len(COLOURS)], row) for row in rows]
