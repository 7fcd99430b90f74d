"""Small JPEGs of the images of data sets, for the page of the data report."""

from __future__ import annotations

from fairtrial.data.dataset import Image
from fairtrial.figures.page_pictures import as_jpeg, width_for
from fairtrial.files.packed import file_of
from fairtrial.results.dataset import DatasetDescription


def data_pictures(description: DatasetDescription, budget: float) -> dict[int, str]:
    """Image id → JPEG in base64, of the images of a data set that fit into so many bytes: those of
    doubtful pairs first, then by turns of each split."""
    images = [
        image
        for image in _in_order(description)
        if file_of(description.images, image.file_name).is_file()
    ]
    width = width_for([(description.images, image) for image in images], budget)
    found: dict[int, str] = {}
    for image in images:
        jpeg = as_jpeg(description.images, image, width)
        budget -= len(jpeg)
        if budget < 0:
            break
        found[image.id] = jpeg
    return found


def _in_order(description: DatasetDescription) -> list[Image]:
    splits = description.certificate.splits
    longest = max((len(ids) for ids in splits.values()), default=0)
    turns = [ids[place] for place in range(longest) for ids in splits.values() if place < len(ids)]
    pairs = description.certificate.duplicates.doubtful_across
    images = {image.id: image for image in description.dataset.images}
    ids = dict.fromkeys([*(number for pair in pairs for number in pair.images), *turns])
    return [images[number] for number in ids if number in images]
