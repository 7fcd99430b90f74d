"""The same images with the truth and with what each configuration found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from fairtrial.data.dataset import Image
from fairtrial.figures.base import WIDTH, Drawn, figure, new, not_shown
from fairtrial.files import packed
from fairtrial.results.configuration import Configuration, shorten
from fairtrial.results.dataset import DatasetDescription
from fairtrial.results.experiment import Comparison, ExperimentResults

SHOWN = 11  # configurations at most: with the truth, four rows of three
DENSITY = 160  # pixels an inch of photographs in the report
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9")


@dataclass
class Box:
    """A box in pixels of the image, its class, and its confidence (None: the truth)."""

    xywh: tuple[float, float, float, float]
    name: str
    score: float | None = None


@figure("gallery")
def gallery(trial: ExperimentResults, settings: dict[str, Any]) -> Iterator[Drawn]:
    """A drawing an image: the truth, then each configuration's first seed, best on val first."""
    for number, comparison in enumerate(trial.comparisons if trial.task == "detect" else []):
        view, split = comparison.datasets[0], comparison.split
        chosen = choose(view, split, int(settings.get("gallery", 4)))
        ranked = comparison.ranked()[:SHOWN]
        found = {c.letter: _detections(c, trial, split, chosen) for c in ranked}
        for image in chosen:
            panels = {"Truth": _truth(view, image)}
            panels |= {
                c.label(_length(len(ranked) + 1)): found[c.letter][content(image)] for c in ranked
            }
            words = _words(sorted(view.dataset.categories.values()), short=len(panels) > 4)
            drawn = _panels(view, image, panels, words)
            seen = sorted({box.name for boxes in panels.values() for box in boxes})
            key = [f"{words[n]} {n}" for n in seen if words[n] != n] if len(panels) > 4 else []
            caption = _caption(comparison, image, key)
            caption += not_shown(len(comparison.configurations) - len(ranked))
            name = f"gallery-{number + 1}-{image.id}"
            yield Drawn(name, drawn, f"Detections on {shorten(image.file_name, 60)}", caption)


def choose(view: DatasetDescription, split: str, count: int) -> list[Image]:
    """The first `count` of `by_interest` whose files are there."""
    images = [i for i in by_interest(view, split) if (view.images / i.file_name).exists()]
    return images[: max(0, count)]


def by_interest(view: DatasetDescription, split: str) -> list[Image]:
    """The images with most classes, then most objects, among those that can still be read
    (at most 12 objects, unless there are no others); by id where equal."""
    wanted, by_image = set(view.certificate.get(split) or []), view.dataset.by_image()

    def interest(image: Image) -> tuple[bool, int, int, int]:
        objects = by_image[image.id]
        kinds = len({a.category_id for a in objects})
        return (not 0 < len(objects) <= 12, -kinds, -len(objects), image.id)

    return sorted((i for i in view.dataset.images if i.id in wanted), key=interest)


def _caption(comparison: Comparison, image: Image, key: list[str]) -> str:
    text = (
        f"Image {image.file_name} of {comparison.split} ({comparison.names}); first seed, "
        "detections above the chosen confidence, with class and confidence. One line style and "
        "colour a class."
    )
    return text + (f" {'; '.join(key)}." if key else "")


def content(image: Image) -> str:
    """What identifies an image in every data set that has it, whatever its number there."""
    return image.sha256 or image.file_name


def _truth(view: DatasetDescription, image: Image) -> list[Box]:
    names = view.dataset.categories
    objects = view.dataset.by_image()[image.id]
    return [Box(a.bbox, names[a.category_id]) for a in objects if a.bbox]


def _detections(
    configuration: Configuration, trial: ExperimentResults, split: str, images: list[Image]
) -> dict[str, list[Box]]:
    """Content of an image → detections of the first seed above its confidence."""
    run = configuration.first
    own = trial.datasets[run.dataset].dataset
    contents = {i.id: content(i) for i in own.images}
    least = run.metrics.get("confidence") or 0.0
    found: dict[str, list[Box]] = {content(image): [] for image in images}
    for row in run.predictions(split):
        key = contents.get(row["image_id"])
        if key in found and row["score"] >= least:
            box = Box(tuple(row["bbox"]), own.categories[row["category_id"]], row["score"])
            found[key].append(box)
    return found


def _columns(panels: int) -> int:
    if panels <= 3:
        return max(panels, 2)
    return 2 if panels == 4 else 3


def _length(panels: int) -> int:
    """Characters over a panel."""
    return {2: 52, 3: 32}[_columns(panels)]


def _words(names: list[str], short: bool) -> dict[str, str]:
    """What is written at a box of each class: its name or, in small panels, the first three
    letters where they tell it from all others, else its number."""
    if not short:
        return {name: shorten(name, 12) for name in names}
    starts = Counter(name[:3] for name in names)
    return {n: n[:3] if starts[n[:3]] == 1 else str(i) for i, n in enumerate(names, 1)}


def _panels(
    view: DatasetDescription, image: Image, panels: dict[str, list[Box]], words: dict[str, str]
) -> Any:
    columns = _columns(len(panels))
    rows = -(-len(panels) // columns)
    aspect = min(1.6, max(0.4, image.height / image.width))
    drawn = new(rows * (WIDTH / columns * aspect + 0.5) + 0.2)
    axes = list(drawn.subplots(rows, columns, squeeze=False).flat)
    places = {name: i for i, name in enumerate(sorted(view.dataset.categories.values()))}
    picture = pixels(view.images, image.file_name, round(WIDTH / columns / 2.54 * DENSITY))
    for ax, (title, boxes) in zip(axes, panels.items(), strict=False):
        ax.imshow(picture, extent=(0, image.width, image.height, 0), interpolation="none")
        ax.set_title(f"{title}", loc="left", fontsize=7.5)
        for box in sorted(boxes, key=lambda b: b.score or 0):
            text = words[box.name] + ("" if box.score is None else f" {_hundredths(box.score)}")
            _frame(ax, box, places[box.name])
            _label(ax, box, text, (image.width, image.height))
    for ax in axes:
        ax.axis("off")
    return drawn


def pixels(folder: Path, name: str, width: int) -> Any:
    """The photograph upright, at most `width` pixels wide; it may lie in a shard."""
    from PIL import Image as Picture
    from PIL import ImageOps

    if packed.is_packed(name):
        return Picture.fromarray(packed.pixels(folder, name))
    with Picture.open(folder / name) as picture:
        upright = ImageOps.exif_transpose(picture).convert("RGB")
    upright.thumbnail((width, 2 * width))
    return upright


def _hundredths(score: float) -> str:
    """`.87`, `1.00`: short, since there are many."""
    return f"{score:.2f}".removeprefix("0")


def _frame(ax: Axes, box: Box, place: int) -> None:
    colour, dash = COLOURS[place % len(COLOURS)], ("-", "--", ":", "-.")[place % 4]
    x, y, width, height = box.xywh
    # White under the line, so that it shows on any photograph.
    for edge, line, weight in (("white", "-", 2.0), (colour, dash, 1.1)):
        frame = Rectangle((x, y), width, height, facecolor="none", edgecolor=edge)
        frame.set(linestyle=line, linewidth=weight)
        ax.add_patch(frame)


def _label(ax: Axes, box: Box, text: str, size: tuple[int, int]) -> None:
    """Class and confidence, where they stay within the image of that size."""
    x, y, width, height = box.xywh
    plate = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.4}
    right = x + width / 2 > size[0] * 0.7
    low = y < size[1] * 0.08
    ax.text(
        x + width if right else x,
        y + height if low else y,
        text,
        ha="right" if right else "left",
        va="top" if low else "bottom",
        fontsize=7,
        bbox=plate,
        clip_on=True,
    )
