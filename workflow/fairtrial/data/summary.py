"""Counts of the images and objects of a split, and of each class in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from fairtrial.data.dataset import Dataset, counts
from fairtrial.data.objects import counted
from fairtrial.files.modelfile import FileModel


class ClassSummary(FileModel):
    """Images on which a class is, and its objects."""

    images: int
    objects: int


class SplitSummary(FileModel):
    """What is in one split. `negatives`: images without an object."""

    images: int
    objects: int
    negatives: int
    groups: int
    classes: dict[str, ClassSummary]


def summarize(dataset: Dataset, image_ids: Iterable[int]) -> SplitSummary:
    """Images, objects and groups among some images, and images and objects of each class."""
    inside = set(image_ids)
    annotations = [a for a in counted(dataset.annotations) if a.image_id in inside]
    objects = counts(annotations)
    images_of: dict[int, set[int]] = defaultdict(set)
    for annotation in annotations:
        images_of[annotation.category_id].add(annotation.image_id)
    unlabelled = {image.id for image in dataset.images if image.unlabelled}
    return SplitSummary(
        images=len(inside),
        objects=len(annotations),
        negatives=len(inside - {a.image_id for a in annotations} - unlabelled),
        groups=len({i.group for i in dataset.images if i.id in inside and i.group}),
        classes={
            name: ClassSummary(images=len(images_of[category]), objects=objects.get(category, 0))
            for category, name in dataset.categories.items()
        },
    )
