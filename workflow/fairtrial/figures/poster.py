"""The strip of page one: three telling images with what the best configuration made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fairtrial.data.dataset import Image
from fairtrial.data.ground_truth import content_id
from fairtrial.figures.base import WIDTH, Drawing, figure, new_figure
from fairtrial.figures.gallery import (
    boxes_of,
    choose,
    classes_of,
    draw_boxes,
    run_shown,
    signs_explained,
)
from fairtrial.figures.marks import draw_legend
from fairtrial.figures.mistakes import surest
from fairtrial.figures.pictures import pixels
from fairtrial.files.packed import file_of
from fairtrial.results.configuration import shorten
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.marked_boxes import MarkedBox
from fairtrial.scoring.error_kinds import BOTH
from fairtrial.settings.stages import PlotSettings

SHOWN = 3
HIGH, LOWER = 4.1, 3.1  # cm: of the images at most, where few configurations leave room, or not
FEW = 3  # configurations
GAP, LEGEND, TITLE = 0.2, 0.7, 0.6  # cm between images, below, above
LEGEND_WIDTH, LONG_LEGEND = 3.6, 5.6  # cm that a legend beside the images takes
DENSITY = 160  # pixels an inch
CHARACTER = 0.15  # cm: of a title
Draw = Callable[[Axes, Image, float], None]  # pixels of the image that a point in print is


@dataclass(frozen=True)
class Panel:
    """An image in a folder, what stands above it, and what is drawn over it."""

    image: Image
    folder: Path
    title: str
    draw: Draw


@figure("poster")
def poster(experiment: ExperimentResults, settings: PlotSettings) -> Iterator[Drawing]:
    """Of the first comparison, which page one begins with."""
    if not settings.gallery:
        return
    comparison = experiment.comparisons[0]
    detect = experiment.task == "detect"
    found = (_detected if detect else _classified)(comparison, experiment)
    panels, kinds, why = found
    if panels:
        best = comparison.ranked()[0]
        title = f"What {best.letter} makes of telling images of {comparison.split}"
        run = run_shown(comparison)
        caption, few = f"{run[0].upper()}{run[1:]}. {why}", len(comparison.configurations) <= FEW
        yield Drawing("poster", _strip(panels, kinds, HIGH if few else LOWER), title, caption)


def _detected(
    comparison: Comparison, experiment: ExperimentResults
) -> tuple[list[Panel], set[str], str]:
    """Images on which configurations disagree, and those on which the best fails, by turns."""
    best, split = comparison.ranked()[0], comparison.split
    shown = choose(comparison, experiment, split, SHOWN)
    boxes = boxes_of(best, experiment, split, shown)
    panels, kinds = [], set()
    for telling in shown:
        here: list[MarkedBox] = boxes.get(content_id(telling.image), [])
        kinds |= {box.kind for box in here}
        title = Path(telling.image.file_name).name
        draw = partial(_boxes_over, boxes=here, classes=classes_of(telling))
        panels.append(Panel(telling.image, telling.dataset.images, title, draw))
    why = " ".join(f"{telling.image.file_name}: {telling.brief}." for telling in shown)
    why += signs_explained(boxes.values())
    return panels, kinds, why


def _boxes_over(
    ax: Axes, image: Image, point: float, boxes: list[MarkedBox], classes: tuple[str, ...]
) -> None:
    draw_boxes(ax, image, boxes, point, classes)


def _classified(
    comparison: Comparison, experiment: ExperimentResults
) -> tuple[list[Panel], set[str], str]:
    """The surest mistakes of the best."""
    best = comparison.ranked()[0]
    wrong = surest(best, experiment, comparison.split)
    panels = [
        Panel(
            mistake.image,
            mistake.folder,
            f"{shorten(mistake.truth, 24)}\n→ {shorten(mistake.predicted, 18)} "
            f"{mistake.confidence:.2f}",
            lambda ax, image, point: None,
        )
        for mistake in wrong
        if file_of(mistake.folder, mistake.image.file_name).is_file()
    ][:SHOWN]
    why = (
        f"Of {len(wrong)} mistakes those of which the model was surest. Above each image its "
        "class, then the predicted class and its probability."
    )
    return panels, set(), why


def _strip(panels: list[Panel], kinds: set[str], highest: float) -> Figure:
    """Images of equal height side by side, as high as fits the width of the page."""
    aspects = [min(3.0, panel.image.width / panel.image.height) for panel in panels]
    room = WIDTH - GAP * (len(panels) - 1)
    height = min(highest, room / sum(aspects))
    right = WIDTH - sum(aspects) * height - GAP * len(panels)  # of the images, for the legend
    is_beside = right > (LONG_LEGEND if BOTH in kinds else LEGEND_WIDTH)
    below = LEGEND if kinds and not is_beside else 0.1
    high = height + TITLE + below
    fig = new_figure(high)
    fig.set_layout_engine("none")
    left = 0.0
    for panel, aspect in zip(panels, aspects, strict=True):
        image, width = panel.image, aspect * height
        place = (left / WIDTH, below / high, width / WIDTH, height / high)
        ax = fig.add_axes(place)
        picture = pixels(panel.folder, image.file_name, round(width / 2.54 * DENSITY))
        ax.imshow(picture, extent=(0, image.width, image.height, 0), interpolation="none")
        ax.set_aspect("auto")
        ax.set_title(_as_wide(panel.title, width), loc="left", fontsize=7, pad=2)
        ax.axis("off")
        panel.draw(ax, image, 2.54 / 72 * image.height / height)
        left += width + GAP
    draw_legend(fig, kinds, below / high, left / WIDTH if is_beside else None)
    return fig


def _as_wide(title: str, width: float) -> str:
    """A title, each of its lines cut to a width in cm, so that it does not reach the next one."""
    return "\n".join(shorten(line, int(width / CHARACTER)) for line in title.split("\n"))
