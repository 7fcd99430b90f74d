"""Pairs of images on two sides of a split that may show the same, for a person to look at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from matplotlib.axes import Axes

from fairtrial.data.dataset import Image
from fairtrial.figures.base import WIDTH, Drawn, figure, new
from fairtrial.figures.gallery import pixels
from fairtrial.files.packed import file_of
from fairtrial.results.dataset import DatasetDescription
from fairtrial.results.experiment import ExperimentResults

SHOWN = 8  # pairs of a data set


@figure("data")
def twins(trial: ExperimentResults, settings: dict[str, Any]) -> Iterator[Drawn]:
    """The closest pairs, two beside each other."""
    for view in trial.datasets.values():
        pairs = (view.certificate.get("duplicates") or {}).get("doubtful_across") or []
        images = {image.id: image for image in view.dataset.images}
        found = [pair for pair in pairs if _there(view, images, pair)][:SHOWN]
        if not found:
            continue
        rows = -(-len(found) // 2)
        shape = max(min(1.2, _aspect(images, found)), 0.5)
        drawn = new(rows * (WIDTH / 4 * shape + 1.0))
        axes = list(drawn.subplots(rows, 4, squeeze=False).flat)
        for number, pair in enumerate(found):
            _pair(axes[2 * number : 2 * number + 2], view, images, pair)
        for ax in axes:
            ax.axis("off")
        left_out = f" Not shown: {len(pairs) - len(found)} more." if len(pairs) > len(found) else ""
        caption = (
            f"Data set {view.name}: each pair is alike, and its images lie on two sides. If they "
            "show the same thing or scene, the figures are flattered: then they need a group, or "
            "another split. In brackets: the difference, as a share of the contrast (0: equal)."
            f"{left_out}"
        )
        yield Drawn(f"twins-{view.name}", drawn, "Pairs that look alike on two sides", caption)


def _there(view: DatasetDescription, images: dict[int, Image], pair: dict[str, Any]) -> bool:
    return all(file_of(view.images, images[n].file_name).is_file() for n in pair["images"])


def _aspect(images: dict[int, Image], pairs: list[dict[str, Any]]) -> float:
    return max(images[n].height / images[n].width for pair in pairs for n in pair["images"])


def _pair(
    axes: list[Axes], view: DatasetDescription, images: dict[int, Image], pair: dict[str, Any]
) -> None:
    for ax, number, side in zip(axes, pair["images"], pair["sides"], strict=True):
        image = images[number]
        ax.imshow(pixels(view.images, image.file_name, 300))
        more = f" ({pair['difference']:.2f})" if ax is axes[0] else ""
        ax.set_title(f"{side}{more}\n{_short(image.file_name)}", loc="left", fontsize=7)


def _short(name: str) -> str:
    """The end of a file's name, which tells one from its neighbour."""
    return name if len(name) <= 28 else f"…{name[-27:]}"
