"""What of a source is left out: how much there was, how much is lost, and how much may be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from fairtrial import DataError
from fairtrial.data.dataset import Dataset
from fairtrial.data.defect_actions import Actions, listed
from fairtrial.data.defects import (
    Defect,
    DuplicateBox,
    LabelWithoutImage,
    MalformedImage,
    UnannotatedImage,
    UnknownClass,
)
from fairtrial.data.raw_files import matches


def exclude(annotated: Dataset, defects: list[Defect], patterns: Sequence[str]) -> list[Defect]:
    """Remove the images that match, with their objects, and classes of which nothing is left.
    Changes `annotated`. Returns the other defects."""
    if not patterns:
        return defects
    before = {a.category_id for a in annotated.annotations}
    kept = [image for image in annotated.images if not matches(image.file_name, patterns)]
    ids = {image.id for image in kept}
    annotated.images = kept
    annotated.annotations = [a for a in annotated.annotations if a.image_id in ids]
    for number in before - {a.category_id for a in annotated.annotations}:
        del annotated.categories[number]
    return [defect for defect in defects if not matches(defect.where, patterns)]


def leave_out(annotated: Dataset, defects: list[Defect], actions: Actions) -> None:
    """Remove the images that are dropped for defects that the format's reader found. Changes
    `annotated`."""
    dropped = {defect.where for defect in defects if actions.drops(type(defect))}
    annotated.images = [image for image in annotated.images if image.file_name not in dropped]
    ids = {image.id for image in annotated.images}
    annotated.annotations = [a for a in annotated.annotations if a.image_id in ids]


def annotated_images(annotated: Dataset, defects: list[Defect]) -> int:
    """The number of annotated images, whether their files exist or not."""
    without_image = sum(isinstance(d, LabelWithoutImage | MalformedImage) for d in defects)
    unannotated = sum(isinstance(defect, UnannotatedImage) for defect in defects)
    return len(annotated.images) - unannotated + without_image


def annotated_boxes(annotated: Dataset, defects: list[Defect], actions: Actions) -> int:
    """The number of annotated boxes, whether they can be read or not; 0 for a set of classes."""
    boxes = sum(a.bbox is not None for a in annotated.annotations)
    return boxes + len(_dropped_boxes(defects, actions)) if boxes else 0


def with_lost_objects(defects: Iterable[Defect], actions: Actions) -> set[str]:
    """The files of images of which an object could not be read."""
    return {defect.where for defect in _dropped_boxes(defects, actions)}


def _dropped_boxes(defects: Iterable[Defect], actions: Actions) -> list[Defect]:
    """The defects for which a box is lost: not copies of others, and none of an unknown class."""
    no_loss = DuplicateBox | UnknownClass
    return [d for d in defects if actions.of(type(d)) == "drop_box" and not isinstance(d, no_loss)]


def refuse_too_many_images(
    defects: Iterable[Defect], total: int, actions: Actions, limit: float, raw: Path
) -> None:
    """Raise DataError if more than the share `limit` of the `total` annotated images is dropped."""
    dropped: dict[str, Defect] = {}  # the first defect of each image
    for defect in sorted(defects, key=str):
        if actions.of(type(defect)) == "drop_image" and not isinstance(defect, UnannotatedImage):
            whose = str(defect) if isinstance(defect, MalformedImage) else defect.where
            dropped.setdefault(whose, defect)
    if len(dropped) > limit * total:
        raise DataError(
            f"{raw}: {len(dropped)} of {total} images cannot be used, more than the share of "
            f"{limit:g} that max_dropped allows:\n"
            + listed(f"{defect} ({defect.name})" for defect in dropped.values())
        )


def refuse_too_many_boxes(
    defects: Iterable[Defect], total: int, actions: Actions, limit: float, raw: Path
) -> None:
    """Raise DataError if more than the share `limit` of the `total` annotated boxes is dropped."""
    dropped = sorted(_dropped_boxes(defects, actions), key=str)
    if total and len(dropped) > limit * total:
        raise DataError(
            f"{raw}: {len(dropped)} of {total} boxes cannot be used, more than the share of "
            f"{limit:g} that max_dropped allows:\n"
            + listed(f"{defect} ({defect.name})" for defect in dropped)
        )
