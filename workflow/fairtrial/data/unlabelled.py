"""Images of a source without labels, as those of a competition: to be predicted, never scored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from fairtrial import DataError
from fairtrial.data.dataset import Dataset, Image, Splits
from fairtrial.data.defect_actions import listed
from fairtrial.data.defects import Defect
from fairtrial.data.packed_dataset import PackedDataset
from fairtrial.data.raw_files import is_image, is_of_system, matches

PREDICTED = "test"  # the split that they are in a data set that predicts them


def mark_unlabelled(
    annotated: Dataset,
    defects: list[Defect],
    folder: Path,
    files: Iterable[str],
    patterns: Sequence[str],
    excluded: Sequence[str] = (),
) -> list[Defect]:
    """Mark the images that match `patterns`, and add those that the annotations do not name.
    Changes `annotated`. Returns the defects of the others.

    files: the raw files, relative to `folder`. Raises DataError where a pattern matches no image,
    and for images that have labels.
    """
    if not patterns:
        return defects
    if isinstance(annotated, PackedDataset):
        raise DataError("unlabelled: the images of this format come in files of many, with labels")
    found = {
        file
        for file in files
        if matches(file, patterns)
        and not matches(file, excluded)
        and not is_of_system(file)
        and is_image(folder, file)
    }
    if lost := [p for p in patterns if not any(matches(file, [p]) for file in found)]:
        raise DataError(f"unlabelled: there is no image that matches {', '.join(lost)} in {folder}")
    _refuse_labelled(annotated, found)
    named = {image.file_name: image for image in annotated.images}
    free = max((image.id for image in annotated.images), default=0) + 1
    new = sorted(found - set(named))
    annotated.images += [Image(number, file, 0, 0) for number, file in enumerate(new, free)]
    for image in annotated.images:
        image.unlabelled = image.file_name in found
    return [defect for defect in defects if defect.where not in found]


def _refuse_labelled(annotated: Dataset, files: set[str]) -> None:
    with_objects = {a.image_id for a in annotated.annotations}
    labelled = [
        i.file_name for i in annotated.images if i.file_name in files and i.id in with_objects
    ]
    if labelled:
        raise DataError(
            f"unlabelled: {len(labelled)} of the {len(files)} images that it names have labels; "
            f"leave their files of labels out by `exclude`, or name the others alone:\n"
            f"{listed(labelled)}"
        )


def labelled_part(dataset: Dataset) -> Dataset:
    """The set without the images that have no labels."""
    if not any(image.unlabelled for image in dataset.images):
        return dataset
    return dataset.on_images(image.id for image in dataset.images if not image.unlabelled)


def with_predicted(splits: Splits, dataset: Dataset, where: str) -> Splits:
    """The splits with the images without labels as the one that is only predicted.

    Raises DataError, naming `where`, where there are none, or others are in that split already.
    """
    ids = [image.id for image in dataset.images if image.unlabelled]
    if not ids:
        raise DataError(
            f"{where}: `predict_only`, but its source has no images without labels; name "
            'them there as `unlabelled: ["test_images/*"]`'
        )
    if splits[PREDICTED]:
        raise DataError(
            f"{where}: `predict_only` makes {PREDICTED} of the {len(ids)} images without labels, "
            f"but {len(splits[PREDICTED])} with labels are in it already; use another method than "
            "`given`"
        )
    return splits | {PREDICTED: ids}
