"""Images whose class was predicted wrongly, those with the highest confidence first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from fairtrial.data.dataset import Image
from fairtrial.figures.base import WIDTH, Drawing, figure, new_figure, not_shown
from fairtrial.figures.gallery import splits_shown
from fairtrial.figures.pictures import pixels
from fairtrial.files.packed import file_of
from fairtrial.results.configuration import Configuration, shorten
from fairtrial.results.dataset import DatasetDescription
from fairtrial.results.experiment import ExperimentResults
from fairtrial.results.run import FinishedRun
from fairtrial.settings.stages import PlotSettings

MODELS = 3  # configurations, the best on val
COLUMNS = 6
ROWS = 3


@dataclass(frozen=True)
class Mistake:
    """An image in `folder`, its class, the class that was predicted, and with what confidence (0 to
    1)."""

    folder: Path
    image: Image
    truth: str
    predicted: str
    confidence: float


@figure("gallery")
def mistakes(experiment: ExperimentResults, settings: PlotSettings) -> Iterator[Drawing]:
    """One drawing for each of the best configurations: its surest mistakes, first seed."""
    if experiment.task != "classify" or not settings.gallery:
        return
    for number, comparison in enumerate(experiment.comparisons):
        ranked = comparison.ranked()
        for split, configuration in product(splits_shown(comparison, settings), ranked[:MODELS]):
            wrong = surest(configuration, experiment, split)
            with_file = [m for m in wrong if file_of(m.folder, m.image.file_name).is_file()]
            if not with_file:
                continue
            repeat = "all folds" if configuration.folds else "first seed"
            caption = (
                f"On {split} of {comparison.names}, {repeat}: of {len(wrong)} mistakes those of "
                "which the model was surest. Above each image its class, then the predicted class "
                "and its probability."
            )
            caption += not_shown(len(ranked) - MODELS)
            name = f"mistakes-{number + 1}-{split}-{configuration.letter}"
            title = f"Surest mistakes of {configuration.label(60)}"
            yield Drawing(name, _panels(with_file[: COLUMNS * ROWS]), title, caption)


def surest(
    configuration: Configuration, experiment: ExperimentResults, split: str
) -> list[Mistake]:
    """All mistakes of the first seed or, of folds, of all of them on a split, by falling
    confidence, then by image id."""
    runs = [repeat[0] for repeat in configuration.repeats][: None if configuration.folds else 1]
    mistakes = [m for run in runs for m in _of_run(run, experiment.datasets[run.dataset], split)]
    return sorted(mistakes, key=lambda mistake: (-mistake.confidence, mistake.image.id))


def _of_run(run: FinishedRun, description: DatasetDescription, split: str) -> Iterator[Mistake]:
    dataset = description.dataset
    names = [name for _, name in sorted(dataset.categories.items())]
    images = {image.id: image for image in dataset.images}
    truths = {a.image_id: dataset.categories[a.category_id] for a in dataset.annotations}
    for row in run.probabilities(split):
        most = int(np.argmax(row["scores"]))
        if names[most] != truths[row["image_id"]]:
            image = images[row["image_id"]]
            confidence = row["scores"][most]
            yield Mistake(description.images, image, truths[image.id], names[most], confidence)


def _panels(mistakes: list[Mistake]) -> Figure:
    rows = -(-len(mistakes) // COLUMNS)
    fig = new_figure(rows * (WIDTH / COLUMNS + 0.9))
    axes = list(fig.subplots(rows, COLUMNS, squeeze=False).flat)
    for ax, mistake in zip(axes, mistakes, strict=False):
        ax.imshow(pixels(mistake.folder, mistake.image.file_name, 200), interpolation="nearest")
        predicted = f"{shorten(mistake.predicted, 14)} {mistake.confidence:.2f}"
        ax.set_title(f"{shorten(mistake.truth, 18)}\n→ {predicted}", loc="left", fontsize=7)
    for ax in axes:
        ax.axis("off")
    return fig
