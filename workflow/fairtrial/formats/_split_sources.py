"""The folders of the splits of a source, for every format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from fairtrial import DataError
from fairtrial.data.dataset import Dataset
from fairtrial.data.defects import Defect
from fairtrial.data.packed_dataset import PackedDataset
from fairtrial.data.raw_files import no_folder
from fairtrial.files.folders import checked_path


def read_in_splits(
    form: ModuleType, folder: Path, options: Mapping[str, Any], splits: Mapping[str, str] | None
) -> tuple[Dataset, list[Defect]]:
    """A folder as one set, with the images in the split of their folder.

    form: the module of the format; splits: a folder by split, or None. Folders that have labels of
    their own are each read as if they were a raw folder; where all labels stand elsewhere, a format
    with `labelled_in` reads the images of the folders with these. Raises DataError, naming the
    folder, for what the format refuses, and for a folder that is not there.
    """
    read: tuple[Dataset, list[Defect]]
    if splits is None:
        read = form.read(folder, form.Settings(**options))
        return read
    places = {split: checked_path(name, f"splits: {split}") for split, name in splits.items()}
    for place in places.values():
        if not (folder / place).exists():
            raise no_folder(folder, place, "splits")
    labelled_in = getattr(form, "labelled_in", None)
    if labelled_in is not None:
        settings = form.Settings(**options)
        if not any(labelled_in(folder / place, settings) for place in places.values()):
            read = form.read(folder, form.Settings(**{**options, "splits": places}))
            return read
    return _read_each(form, folder, options, places)


def _read_each(
    form: ModuleType, folder: Path, options: Mapping[str, Any], places: Mapping[str, str]
) -> tuple[Dataset, list[Defect]]:
    """The folders as one set, each read as if it were a raw folder. Classes of one name are one."""
    whole, defects = Dataset(), list[Defect]()
    for split, place in places.items():
        try:
            part, found = form.read(folder / place, form.Settings(**options))
        except DataError as error:
            raise DataError(f"{place}: {error}") from error
        if isinstance(part, PackedDataset):
            raise DataError("splits: the format has options of its own for this")
        defects += [type(defect)(f"{place}/{defect.where}", defect.seen) for defect in found]
        _add(whole, part, place, split)
    return whole, defects


def _add(whole: Dataset, part: Dataset, place: str, split: str) -> None:
    """Add the set in the folder `place` to the set of all."""
    numbers = {name: number for number, name in whole.categories.items()}
    classes = {}
    for old, name in sorted(part.categories.items()):
        free = old if old not in whole.categories else max(whole.categories) + 1
        new = classes[old] = numbers.setdefault(name, free)
        whole.categories[new] = name
        origins = whole.origins.setdefault(new, [])
        origins += [o for o in part.origins.get(old, [str(old)]) if o not in origins]
    first = len(whole.images) + 1
    ids = {image.id: number for number, image in enumerate(part.images, first)}
    whole.images += [
        replace(i, id=ids[i.id], file_name=f"{place}/{i.file_name}", split=split)
        for i in part.images
    ]
    whole.annotations += [
        replace(a, image_id=ids[a.image_id], category_id=classes[a.category_id])
        for a in part.annotations
    ]
    whole.label_files |= {f"{place}/{file}" for file in part.label_files}
    whole.own_ids |= {f"{place}/{file}": number for file, number in part.own_ids.items()}
