"""The same images with the truth and with what each configuration found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from fairtrial.dataset import Image
from fairtrial.figures.base import WIDTH, Drawn, figure, new
from fairtrial.results import View
from fairtrial.trial import Comparison, Configuration, Trial, shorten

SHOWN = 11  # configurations at most: with the truth, three rows of four
PIXELS = 480  # of the longer side of a photograph in the report
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9")


@dataclass
class Box:
    """A box in pixels of the image, its class, and its confidence (None: the truth)."""

    xywh: tuple[float, float, float, float]
    category: int
    score: float | None = None


@figure("gallery")
def gallery(trial: Trial, settings: dict[str, Any]) -> Iterator[Drawn]:
    """A drawing an image: the truth, then each configuration's first seed, best on val first."""
    for number, comparison in enumerate(trial.comparisons):
        view, split = comparison.views[0], comparison.split
        chosen = choose(view, split, int(settings.get("gallery", 4)))
        ranked = comparison.ranked()[:SHOWN]
        found = {c.letter: _detections(c, trial, split, chosen) for c in ranked}
        for image in chosen:
            panels = {"Truth": _truth(view, image)}
            panels |= {
                c.label(_length(len(ranked) + 1)): found[c.letter][image.file_name] for c in ranked
            }
            drawn = _panels(view, image, panels)
            caption = _caption(comparison, image, len(comparison.configurations) - len(ranked))
            name = f"gallery-{number + 1}-{image.id}"
            yield Drawn(name, drawn, f"Detections on {shorten(image.file_name, 60)}", caption)


def choose(view: View, split: str, count: int) -> list[Image]:
    """The images with most classes, then most objects, among those that can still be read
    (at most 20 objects, unless there are no others); by id where equal."""
    wanted, by_image = set(view.split.get(split) or []), view.objects.by_image()

    def interest(image: Image) -> tuple[bool, int, int, int]:
        objects = by_image[image.id]
        kinds = len({a.category_id for a in objects})
        return (not 0 < len(objects) <= 20, -kinds, -len(objects), image.id)

    images = [
        i for i in view.objects.images if i.id in wanted and (view.images / i.file_name).exists()
    ]
    return sorted(images, key=interest)[: max(0, count)]


def _caption(comparison: Comparison, image: Image, left_out: int) -> str:
    text = (
        f"Image {image.file_name} of {comparison.split} ({comparison.names}); first seed, "
        "detections above the chosen confidence, with class and confidence. One line style and "
        "colour a class."
    )
    return text + (f" The {left_out} that are lower on val are left out." if left_out > 0 else "")


def _truth(view: View, image: Image) -> list[Box]:
    objects = view.objects.by_image()[image.id]
    return [Box(a.bbox, a.category_id) for a in objects if a.bbox]


def _detections(
    configuration: Configuration, trial: Trial, split: str, images: list[Image]
) -> dict[str, list[Box]]:
    """File name → detections of the first seed above its confidence. Images are matched by
    name, since another data set may number them otherwise."""
    run = configuration.first
    wanted = {image.file_name for image in images}
    names = {i.id: i.file_name for i in trial.views[run.dataset].objects.images}
    least = run.metrics.get("confidence") or 0.0
    found: dict[str, list[Box]] = {name: [] for name in wanted}
    for row in run.predictions(split):
        name = names.get(row["image_id"])
        if name in wanted and row["score"] >= least:
            found[name].append(Box(tuple(row["bbox"]), row["category_id"], row["score"]))
    return found


def _columns(panels: int) -> int:
    if panels <= 3:
        return max(panels, 2)
    return 2 if panels == 4 else 3 if panels <= 6 else 4


def _length(panels: int) -> int:
    """Characters over a panel."""
    return {2: 52, 3: 32, 4: 22}[_columns(panels)]


def _panels(view: View, image: Image, panels: dict[str, list[Box]]) -> Any:
    columns = _columns(len(panels))
    rows = -(-len(panels) // columns)
    aspect = min(1.6, max(0.4, image.height / image.width))
    drawn = new(rows * (WIDTH / columns * aspect + 0.5) + 0.2)
    axes = list(drawn.subplots(rows, columns, squeeze=False).flat)
    picture = _pixels(view.images / image.file_name)
    for ax, (title, boxes) in zip(axes, panels.items(), strict=False):
        ax.imshow(picture, extent=(0, image.width, image.height, 0), interpolation="none")
        ax.set_title(f"{title}", loc="left", fontsize=7.5)
        for box in sorted(boxes, key=lambda b: b.score or 0):
            _draw(ax, box, view.objects.categories, (image.width, image.height))
    for ax in axes:
        ax.axis("off")
    return drawn


def _pixels(path: Path) -> Any:
    from PIL import Image as Picture
    from PIL import ImageOps

    with Picture.open(path) as picture:
        upright = ImageOps.exif_transpose(picture).convert("RGB")
    upright.thumbnail((PIXELS, PIXELS))
    return upright


def _draw(ax: Axes, box: Box, names: dict[int, str], size: tuple[int, int]) -> None:
    colour = COLOURS[box.category % len(COLOURS)]
    dash = ("-", "--", ":", "-.")[box.category % 4]
    x, y, width, height = box.xywh
    # White under the line, so that it shows on any photograph.
    for edge, line, weight in (("white", "-", 2.0), (colour, dash, 1.1)):
        frame = Rectangle((x, y), width, height, facecolor="none", edgecolor=edge)
        frame.set(linestyle=line, linewidth=weight)
        ax.add_patch(frame)
    text = shorten(names.get(box.category, str(box.category)), 12)
    text += "" if box.score is None else f" {box.score:.2f}".replace("0.", ".")
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
