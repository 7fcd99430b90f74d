"""The images of whose class a model was surest, and wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from fairtrial.data.dataset import Image
from fairtrial.figures.base import WIDTH, Drawn, figure, new, not_shown
from fairtrial.figures.gallery import pixels
from fairtrial.files.packed import file_of
from fairtrial.results.configuration import Configuration, shorten
from fairtrial.results.dataset import DatasetDescription
from fairtrial.results.experiment import ExperimentResults

MODELS = 3  # configurations, the best on val
ACROSS = 6
ROWS = 3


@dataclass(frozen=True)
class Mistake:
    """An image, its class, the class that it was taken for, and how surely (0 to 1)."""

    image: Image
    truth: str
    taken: str
    confidence: float


@figure("gallery")
def mistakes(trial: ExperimentResults, settings: dict[str, Any]) -> Iterator[Drawn]:
    """A drawing for each of the best configurations: its surest mistakes, first seed."""
    if trial.task != "classify" or not settings.get("gallery", 4):
        return
    for number, comparison in enumerate(trial.comparisons):
        ranked = comparison.ranked()
        for configuration in ranked[:MODELS]:
            view = trial.datasets[configuration.first.dataset]
            every = surest(configuration, view, comparison.split)
            shown = [m for m in every if file_of(view.images, m.image.file_name).is_file()]
            if not shown:
                continue
            caption = (
                f"On {comparison.split} of {comparison.names}, first seed: of {len(every)} "
                "mistakes those of which the model was surest. Over each image its class, then "
                "what it was taken for and with what probability."
            )
            caption += not_shown(len(ranked) - MODELS)
            name = f"mistakes-{number + 1}-{configuration.letter}"
            title = f"Surest mistakes of {configuration.label(60)}"
            yield Drawn(name, _panels(view, shown[: ACROSS * ROWS]), title, caption)


def surest(configuration: Configuration, view: DatasetDescription, split: str) -> list[Mistake]:
    """All mistakes of the first seed on one side, the surest first; by image where equal."""
    names = [name for _, name in sorted(view.dataset.categories.items())]
    images = {image.id: image for image in view.dataset.images}
    truths = {a.image_id: view.dataset.categories[a.category_id] for a in view.dataset.annotations}
    found = []
    for row in configuration.first.predictions(split):
        most = int(np.argmax(row["scores"]))
        if names[most] != truths[row["image_id"]]:
            image = images[row["image_id"]]
            found.append(Mistake(image, truths[image.id], names[most], row["scores"][most]))
    return sorted(found, key=lambda mistake: (-mistake.confidence, mistake.image.id))


def _panels(view: DatasetDescription, shown: list[Mistake]) -> Any:
    rows = -(-len(shown) // ACROSS)
    drawn = new(rows * (WIDTH / ACROSS + 0.9))
    axes = list(drawn.subplots(rows, ACROSS, squeeze=False).flat)
    for ax, mistake in zip(axes, shown, strict=False):
        ax.imshow(pixels(view.images, mistake.image.file_name, 200), interpolation="nearest")
        taken = f"{shorten(mistake.taken, 14)} {mistake.confidence:.2f}"
        ax.set_title(f"{shorten(mistake.truth, 18)}\n→ {taken}", loc="left", fontsize=7)
    for ax in axes:
        ax.axis("off")
    return drawn
