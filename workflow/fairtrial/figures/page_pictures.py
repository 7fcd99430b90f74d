"""Small JPEGs of the images that the page shows, as many as its size allows."""

from __future__ import annotations

import base64
import io
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from fairtrial.data.dataset import Image
from fairtrial.data.ground_truth import content_id
from fairtrial.figures.pictures import pixels
from fairtrial.files.packed import file_of
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.image_outcomes import telling
from fairtrial.results.page_pictures import PagePicture, PagePictures

WIDTHS = (800, 640, 480, 320)  # pixels; the largest at which all images fit, else the last
QUALITY = 82
TRIED = 8  # images by which the size of all is estimated
SCRIPTS_MB = 2.2  # of the page without images
PICTURE_SHARE = 0.8  # of what is left; boxes need the rest


def page_pictures(
    experiment: ExperimentResults, html_mb: float, unshared: Collection[str] = ()
) -> PagePictures:
    """The images of each comparison, for a page of `html_mb` megabytes; none of those sources whose
    images may not be handed on."""
    budget = max(0.0, html_mb - SCRIPTS_MB) * 1e6 * PICTURE_SHARE / len(experiment.comparisons)
    return PagePictures(
        comparisons=tuple(
            tuple(_pictures(c, experiment, 0.0 if _is_unshared(c, unshared) else budget))
            for c in experiment.comparisons
        )
    )


def _is_unshared(comparison: Comparison, unshared: Collection[str]) -> bool:
    """Whether any of its images may not be handed on."""
    return any(dataset.source in unshared for dataset in comparison.datasets)


def _pictures(
    comparison: Comparison, experiment: ExperimentResults, budget: float
) -> Iterator[PagePicture]:
    if not budget:
        return
    folders = {content_id(i): d.images for d in comparison.datasets for i in d.dataset.images}
    images = [
        (folders[content_id(image)], image)
        for image in telling(comparison, experiment)
        if file_of(folders[content_id(image)], image.file_name).is_file()
    ]
    width = width_for(images, budget)
    for folder, image in images:
        jpeg = as_jpeg(folder, image, width)
        budget -= len(jpeg)
        if budget < 0:
            return
        yield PagePicture(content=content_id(image), jpeg=jpeg)


def width_for(images: Sequence[tuple[Path, Image]], budget: float) -> int:
    """The largest width at which all images fit, by the mean size of some."""
    some = images[:: max(1, len(images) // TRIED)]
    for width in WIDTHS:
        total = sum(len(as_jpeg(folder, image, width)) for folder, image in some)
        if total * len(images) <= budget * len(some):
            return width
    return WIDTHS[-1]


def as_jpeg(folder: Path, image: Image, width: int) -> str:
    """An image of at most this width as JPEG, in base64."""
    stream = io.BytesIO()
    pixels(folder, image.file_name, width).convert("RGB").save(stream, "JPEG", quality=QUALITY)
    return base64.b64encode(stream.getvalue()).decode()
