"""Splits that a source gives by the folders in which its images lie."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Literal

from fairtrial import DataError
from fairtrial.data.dataset import Dataset

SplitFolders = dict[Literal["train", "val", "test"], str]  # relative to the raw folder


def put_into_splits(dataset: Dataset, folders: SplitFolders) -> None:
    """Give each image the split in whose folder it lies. Changes `dataset`.

    Raises DataError for a folder that holds no image, and for an image in none or in two of them.
    """
    places = {split: PurePosixPath(folder) for split, folder in folders.items()}
    for image in dataset.images:
        path = PurePosixPath(image.file_name)
        found = [split for split, place in places.items() if path.is_relative_to(place)]
        if len(found) != 1:
            where = " and ".join(found) if found else "no split"
            raise DataError(f"splits: {image.file_name} is in {where}")
        image.split = found[0]
    if empty := sorted(set(folders) - {image.split for image in dataset.images}):
        raise DataError(f"splits: there is no image in {folders[empty[0]]}")
