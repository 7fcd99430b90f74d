"""What the ground truth of a split is, as one hash: equal for equal images with equal objects."""

from __future__ import annotations

import hashlib
import json

from fairtrial.data.dataset import Dataset, Image


def ground_truth_sha256(dataset: Dataset, images: list[Image]) -> str:
    """The SHA-256 of `images`, some of `dataset`, and of their ground truth: classes, and for each
    image its content, size, and objects by class name and box. Ids and file names have no part."""
    names, by_image = dataset.categories, dataset.by_image()
    rows = []
    for image in images:
        objects = [
            [names[a.category_id], *map(float, a.bbox or ()), int(a.iscrowd)]
            for a in by_image[image.id]
        ]
        rows.append([content_id(image), image.width, image.height, *sorted(objects)])
    text = json.dumps([sorted(names.values()), sorted(rows, key=str)])
    return hashlib.sha256(text.encode()).hexdigest()


def content_id(image: Image) -> str:
    """Identifies an image by its content, in every data set that has it: its SHA-256, or its file
    name where that is unknown."""
    return image.sha256 or image.file_name
