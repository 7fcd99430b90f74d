"""Images with their ground truth and with what each configuration made of them, right and wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fairtrial.data.dataset import Image
from fairtrial.data.ground_truth import content_id
from fairtrial.figures.base import HEIGHT, WIDTH, Drawing, figure, new_figure, not_shown
from fairtrial.figures.labels import Labels
from fairtrial.figures.marks import MARKS, TRUTH, draw_box, draw_label, draw_legend, texts_of
from fairtrial.figures.pictures import pixels
from fairtrial.files.packed import file_of
from fairtrial.results.configuration import Configuration, shorten
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.image_outcomes import objects_of
from fairtrial.results.marked_boxes import MarkedBox, marked_boxes
from fairtrial.results.run import FinishedRun
from fairtrial.results.telling_images import TellingImage, telling_images
from fairtrial.scoring.error_kinds import CLASSIFICATION, LOCALISATION
from fairtrial.settings.stages import PlotSettings

MODELS = 5  # configurations at most: with the ground truth, two rows of three panels
DENSITY = 160  # pixels per inch of photographs in the report
GAP, TITLE, LEGEND = 0.15, 0.5, 1.0  # cm between panels, above each of them, below all
TALLEST = 1.6  # height of a panel, as a share of its width
LABEL = 6.5  # points
MANY = 14  # boxes of a panel from which on labels would hide the picture
Panels = Mapping[str, Sequence[MarkedBox]]  # boxes by the title of the panel


@figure("gallery")
def gallery(experiment: ExperimentResults, settings: PlotSettings) -> Iterator[Drawing]:
    """One drawing for each image: the ground truth, then the first seed of each configuration, the
    best on val first."""
    if experiment.task != "detect" or not settings.gallery:
        return
    for number, comparison in enumerate(experiment.comparisons):
        for split in splits_shown(comparison, settings):
            shown = choose(comparison, experiment, split, settings.gallery)
            ranked = comparison.ranked()[:MODELS]
            boxes = {c.letter: boxes_of(c, experiment, split, shown) for c in ranked}
            for telling in shown:
                image = telling.image
                title = "Ground truth"
                panels = {title: _ground_truth(telling)}
                for c in ranked:
                    title = c.label(_length(len(ranked) + 1))
                    panels[title] = boxes[c.letter].get(content_id(image), [])
                caption = _caption(comparison, split, telling) + signs_explained(panels.values())
                caption += not_shown(len(comparison.configurations) - len(ranked))
                name = f"gallery-{number + 1}-{split}-{image.id}"
                title = f"Errors on {shorten(image.file_name, 60)}"
                yield Drawing(name, _panels(telling, panels), title, caption)


def splits_shown(comparison: Comparison, settings: PlotSettings) -> list[str]:
    """The splits of which images are shown: that of the tables in place of `test`."""
    named = [comparison.split if s == "test" else s for s in settings.gallery_splits]
    return list(dict.fromkeys(named))


def choose(
    comparison: Comparison, experiment: ExperimentResults, split: str, count: int
) -> list[TellingImage]:
    """The first `count` telling images of a split whose files exist."""
    every = telling_images(comparison, experiment, split)
    present = (t for t in every if file_of(t.dataset.images, t.image.file_name).is_file())
    return list(islice(present, count))


def boxes_of(
    configuration: Configuration,
    experiment: ExperimentResults,
    split: str,
    shown: Sequence[TellingImage],
) -> dict[str, list[MarkedBox]]:
    """`content_id` → the boxes of the first seed or, of folds, of the image's fold.

    The ids of an image may differ between data sets, its content does not.
    """
    wanted = {content_id(telling.image) for telling in shown}
    runs = [repeat[0] for repeat in configuration.repeats]
    boxes: dict[str, list[MarkedBox]] = {}
    for run in runs if configuration.folds else runs[:1]:
        contents = _contents(run, experiment, split, wanted)
        for image_id, marked in marked_boxes(run, experiment, split, contents).items():
            boxes[contents[image_id]] = marked
    return boxes


def _contents(
    run: FinishedRun, experiment: ExperimentResults, split: str, wanted: set[str]
) -> dict[int, str]:
    """Id → `content_id` of the wanted images in the split of a run."""
    images = experiment.datasets[run.dataset].images_of(split)
    contents = {image.id: content_id(image) for image in images}
    return {image_id: content for image_id, content in contents.items() if content in wanted}


def _ground_truth(telling: TellingImage) -> list[MarkedBox]:
    names = telling.dataset.dataset.categories
    objects = objects_of(telling.dataset.dataset.by_image()[telling.image.id])
    return [MarkedBox(a.bbox, TRUTH, names[a.category_id]) for a in objects if a.bbox]


def _caption(comparison: Comparison, split: str, telling: TellingImage) -> str:
    return (
        f"{telling.why} Image {telling.image.file_name} of {split} ({comparison.names}); "
        f"{run_shown(comparison)}, detections at the chosen confidence or above, judged at IoU 0.5 "
        "as the kinds of error are. Labels without room are left out."
    )


def run_shown(comparison: Comparison) -> str:
    """Of which run of a configuration the detections are."""
    return "the run of the image’s fold" if comparison.repeated == "folds" else "first seed"


def signs_explained(panels: Iterable[Sequence[MarkedBox]]) -> str:
    """How labels are read, where one needs it."""
    kinds = {box.kind for boxes in panels for box in boxes}
    said = {
        CLASSIFICATION: " “x\u00a0≠\u00a0y”: detected as x, in truth\u00a0y.",
        LOCALISATION: " Thin dots: the object that a badly placed box aims at.",
    }
    return "".join(text for kind, text in said.items() if kind in kinds)


def _columns(panels: int) -> int:
    return min(max(panels, 2), 3)


def _length(panels: int) -> int:
    """Length of the title of a panel, in characters."""
    return {2: 52, 3: 32}[_columns(panels)]


def _panels(telling: TellingImage, panels: Panels) -> Figure:
    """The image once for each panel, at sizes that are known before anything is drawn: labels are
    placed by them."""
    image = telling.image
    columns = _columns(len(panels))
    rows = -(-len(panels) // columns)
    width = (WIDTH - GAP * (columns - 1)) / columns
    room = min(TALLEST * width, (HEIGHT - LEGEND) / rows - TITLE)
    scale = min(width / image.width, room / image.height)  # cm a pixel
    high = rows * (image.height * scale + TITLE) + LEGEND
    fig = new_figure(high)
    fig.set_layout_engine("none")
    picture = pixels(telling.dataset.images, image.file_name, round(width / 2.54 * DENSITY))
    for number, (title, boxes) in enumerate(panels.items()):
        row, column = divmod(number, columns)
        top = high - row * (image.height * scale + TITLE) - TITLE
        left = column * (width + GAP)
        size = (image.width * scale / WIDTH, image.height * scale / high)
        ax = fig.add_axes((left / WIDTH, (top - image.height * scale) / high, *size))
        ax.set_title(title, loc="left", fontsize=7.5, pad=3)
        ax.imshow(picture, extent=(0, image.width, image.height, 0), interpolation="none")
        ax.set_aspect("auto")
        ax.axis("off")
        draw_boxes(ax, image, boxes, 2.54 / 72 / scale, classes_of(telling))
    draw_legend(fig, {box.kind for boxes in panels.values() for box in boxes}, LEGEND / high)
    return fig


def classes_of(telling: TellingImage) -> tuple[str, ...]:
    """The names of all classes of an image's data set."""
    return tuple(telling.dataset.dataset.categories.values())


def draw_boxes(
    ax: Axes, image: Image, boxes: Sequence[MarkedBox], point: float, classes: tuple[str, ...]
) -> None:
    """Draw the boxes of a panel, errors above, and their labels, errors first; `point`: pixels of
    the image that a point in print is; `classes`: all names. Among many boxes labels are signs
    alone."""
    labels = Labels(image.width, image.height, point, LABEL)
    wrong_first = sorted(boxes, key=lambda box: (MARKS[box.kind].order, -(box.confidence or 0.0)))
    crowded = len(boxes) > MANY
    for box in reversed(wrong_first):
        draw_box(ax, box)
    for box in wrong_first:
        texts = texts_of(box, classes)
        if crowded and box.kind != TRUTH:
            texts = [MARKS[box.kind].sign] if MARKS[box.kind].sign else []
        if label := labels.place(box.box, texts):
            draw_label(ax, label, box.kind, point, LABEL)
