"""What a training really saw: its first batch, augmented, with its boxes or classes."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fairtrial.figures.base import WIDTH, Drawing, figure, new_figure
from fairtrial.figures.pictures import COLOURS, frame
from fairtrial.results.configuration import Configuration, shorten
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.run import FinishedRun
from fairtrial.settings.stages import PlotSettings
from fairtrial.training.first_batch import FirstBatch, KeptImage, batch_file, read_batch

ROWS = 4  # batches that differ, at most
ACROSS = 6  # images of each
LINES = ("-", "--", ":", "-.")


@dataclass
class SeenBatch:
    """A batch, and the configurations that all began with it; `run`: the one that is shown."""

    batch: FirstBatch
    run: FinishedRun
    configurations: list[Configuration]


@figure("batches")
def first_batches(experiment: ExperimentResults, settings: PlotSettings) -> Iterator[Drawing]:
    """A row of images for each first batch that differs."""
    if not settings.first_batch:
        return
    for number, comparison in enumerate(experiment.comparisons, 1):
        seen = distinct_batches(comparison)
        if seen:
            classes = sorted(
                {n for d in comparison.datasets for n in d.dataset.categories.values()}
            )
            caption = _caption(comparison, seen, classes)
            title = "The first batch of the training, as the network got it"
            yield Drawing(f"batch-{number}", _rows(seen[:ROWS], classes), title, caption)


def distinct_batches(comparison: Comparison) -> list[SeenBatch]:
    """The first batches, the best configuration's first; equal ones once."""
    found: list[SeenBatch] = []
    for configuration in comparison.ranked():
        files = [(run, batch_file(run.results, run.name)) for run in configuration.runs]
        present = [(run, read_batch(path)) for run, path in files if path.exists()]
        if not present:
            continue
        run, batch = present[0]
        equal = next((seen for seen in found if seen.batch.images == batch.images), None)
        if equal is None:
            found.append(SeenBatch(batch, run, [configuration]))
        else:
            equal.configurations.append(configuration)
    return found


def _caption(comparison: Comparison, seen: Sequence[SeenBatch], classes: Sequence[str]) -> str:
    text = (
        f"Of train of {comparison.names}, loaded with the settings and the seed of the training by "
        "its own loader, in a job beside it: augmented, with the boxes or classes that are learned "
        "from."
    )
    if any(one.batch.size > ACROSS for one in seen):
        sizes = sorted({one.batch.size for one in seen})
        text += f" The first {ACROSS} images of {' or '.join(map(str, sizes))}."
    if len(seen) > ROWS:
        text += f" Not shown: {len(seen) - ROWS} other batches, of configurations of lower rank."
    if any(_other_device(one) for one in seen):
        text += (
            " Loaded on another kind of device than that of the training, so that its random "
            "numbers may be others."
        )
    if len(classes) > 1 and comparison.task == "detect":
        text += f" Colours: {', '.join(shorten(name, 20) for name in classes[:12])}"
        text += ", in this order." if len(classes) <= 12 else " and more."
    return text


def _other_device(seen: SeenBatch) -> bool:
    hardware = seen.run.record.hardware
    return hardware is not None and (hardware.gpu is None) != (seen.batch.device == "cpu")


def _rows(seen: Sequence[SeenBatch], classes: Sequence[str]) -> Figure:
    across = min(ACROSS, max(len(one.batch.images) for one in seen))
    side = WIDTH / ACROSS
    fig = new_figure(len(seen) * (side + 0.75), side * across)
    fig.set_layout_engine("constrained", wspace=0.02, hspace=0.03, w_pad=0.02, h_pad=0.02)
    rows = fig.subplots(len(seen), across, squeeze=False)
    for axes, one in zip(rows, seen, strict=True):
        for ax in axes:
            ax.axis("off")
        axes[0].set_title(_title(one), loc="left", fontsize=7.5)
        for ax, image in zip(axes, one.batch.images, strict=False):
            _image(ax, image, classes)
    return fig


def _title(seen: SeenBatch) -> str:
    first, *others = seen.configurations
    letters = "".join(f", {c.letter}" for c in others[:12]) + ("…" if len(others) > 12 else "")
    return first.label(60) + (f"; equal:{letters.removeprefix(',')}" if others else "")


def _image(ax: Axes, image: KeptImage, classes: Sequence[str]) -> None:
    from PIL import Image

    with Image.open(io.BytesIO(base64.b64decode(image.jpeg))) as picture:
        ax.imshow(picture.convert("RGB"), interpolation="none")
    for box, name in zip(image.boxes, image.names, strict=False):
        number = classes.index(name) if name in classes else 0
        frame(ax, box, COLOURS[number % len(COLOURS)], LINES[number % 4], 0.9)
    if not image.boxes and image.names:
        text = shorten(image.names[0], 18)
        ax.text(0.5, -0.03, text, fontsize=7, ha="center", va="top", transform=ax.transAxes)
