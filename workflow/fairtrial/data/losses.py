"""What of a source is left out: how much there was, how much is lost, and how much may be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fairtrial import DataError
from fairtrial.data.dataset import Dataset
from fairtrial.data.defect_actions import Actions, listed
from fairtrial.data.defects import (
    Defect,
    DuplicateBox,
    LabelWithoutImage,
    MalformedImage,
    OverlappingBoxes,
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


@dataclass(frozen=True)
class AnnotatedTotal:
    """How much is annotated, whether it can be used or not. `boxes`: 0 in a set of classes."""

    images: int
    boxes: int


def annotated_total(annotated: Dataset, defects: list[Defect], actions: Actions) -> AnnotatedTotal:
    """How much a format has read, with what its defects say of the rest."""
    named = {image.file_name for image in annotated.images}
    more = [d for d in defects if isinstance(d, LabelWithoutImage | MalformedImage)]
    without_image = sum(defect.where not in named for defect in more)
    unannotated = sum(isinstance(defect, UnannotatedImage) for defect in defects)
    boxes = sum(a.bbox is not None for a in annotated.annotations)
    return AnnotatedTotal(
        images=len(annotated.images) - unannotated + without_image,
        boxes=boxes + len(_dropped_boxes(defects, actions)) if boxes else 0,
    )


def with_lost_objects(defects: Iterable[Defect], actions: Actions) -> set[str]:
    """The files of images of which an object could not be read."""
    return {defect.where for defect in _dropped_boxes(defects, actions)}


def _dropped_boxes(defects: Iterable[Defect], actions: Actions) -> list[Defect]:
    """The defects for which a box is lost: not copies of others, and none of an unknown class."""
    no_loss = DuplicateBox | OverlappingBoxes | UnknownClass
    return [d for d in defects if actions.of(type(d)) == "drop_box" and not isinstance(d, no_loss)]


def refuse_too_many(
    defects: list[Defect], total: AnnotatedTotal, actions: Actions, limit: float, where: str
) -> None:
    """Raise DataError if more than the share `limit` of the images, or of the boxes, is dropped."""
    dropped: dict[str, Defect] = {}  # the first defect of each image
    for defect in sorted(defects, key=str):
        if actions.of(type(defect)) == "drop_image" and not isinstance(defect, UnannotatedImage):
            whose = str(defect) if isinstance(defect, MalformedImage) else defect.where
            dropped.setdefault(whose, defect)
    _refuse(list(dropped.values()), total.images, "images", limit, where)
    boxes = sorted(_dropped_boxes(defects, actions), key=str)
    if total.boxes:
        _refuse(boxes, total.boxes, "boxes", limit, where)


def _refuse(dropped: list[Defect], total: int, what: str, limit: float, where: str) -> None:
    if len(dropped) > limit * total:
        raise DataError(
            f"{where}: {len(dropped)} of {total} {what} cannot be used, more than the share of "
            f"{limit:g} that max_dropped allows:\n"
            + listed(f"{defect} ({defect.name})" for defect in dropped)
        )
