"""Annotations of several contributors: a folder for each, in any other format."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from fairtrial import DataError
from fairtrial.data.box_reading import BoxReading
from fairtrial.data.dataset import Annotation, Dataset, Image
from fairtrial.data.defects import Defect
from fairtrial.data.names import group_name
from fairtrial.data.raw_files import is_of_system
from fairtrial.files.folders import checked_path
from fairtrial.formats._readings import readings as readings_of
from fairtrial.formats._split_folders import SplitFolders
from fairtrial.formats._split_sources import read_in_splits
from fairtrial.plugins import plugin


class Contribution(BaseModel):
    """What one contributor handed in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: str  # relative to the raw folder; also the contributor's name
    format: str  # any other format
    options: dict[str, Any] = Field(default_factory=dict)  # of that format
    # A folder for each split, as a source has them.
    splits: SplitFolders | None = Field(default=None, exclude_if=lambda splits: splits is None)


class Settings(BaseModel):
    """The options of the format."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    parts: tuple[Contribution, ...] = ()


def read(folder: Path, options: Settings) -> tuple[Dataset, list[Defect]]:
    """All parts as one set, the contributor as group. Classes of one name are one class.

    Raises DataError, naming the contributor, for what the formats refuse.
    """
    if not options.parts:
        raise DataError("options: `parts` names no contributor")
    if len({part.folder for part in options.parts}) < len(options.parts):
        raise DataError("options: `parts` names a folder twice")
    dataset, defects = Dataset(), list[Defect]()
    read_parts: dict[str, Dataset] = {}
    for part in options.parts:
        place = _on_disk(folder, checked_path(part.folder, "parts: folder"))
        module = plugin("formats", part.format)
        try:
            splits = None if part.splits is None else dict[str, str](part.splits.items())
            part_set, part_defects = read_in_splits(module, folder / place, part.options, splits)
        except DataError as error:
            raise DataError(f"{part.folder}: {error}") from error
        read_parts[place] = part_set
        defects += [type(defect)(f"{place}/{defect.where}", defect.seen) for defect in part_defects]
    names = sorted(
        {name for part_set in read_parts.values() for name in part_set.categories.values()}
    )
    dataset.categories = dict(enumerate(names, 1))
    dataset.origins = {number: [] for number in dataset.categories}
    for place, part_set in read_parts.items():
        dataset.label_files |= {f"{place}/{file}" for file in part_set.label_files}
        _add(dataset, part_set, place)
    return dataset, defects


def readings(options: Settings) -> list[BoxReading]:
    """How the boxes of each part are read."""
    return [
        replace(reading, below=f"{part.folder}/{reading.below}".rstrip("/"))
        for part in options.parts
        for reading in readings_of(part.format, part.options)
    ]


def _on_disk(folder: Path, name: str) -> str:
    """The name of the folder on this disk: systems write accents as one character or as two."""
    if (folder / name).is_dir():
        return name
    names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    present = [name for name in names if not is_of_system(name)]
    same = [other for other in present if _plain(other) == _plain(name)]
    if len(same) != 1:
        raise DataError(f"parts: there is no folder {name!r}; there are {', '.join(present)}")
    return same[0]


def _plain(name: str) -> str:
    """A name with each accented letter as one character."""
    return unicodedata.normalize("NFC", name)


def _add(dataset: Dataset, part: Dataset, place: str) -> None:
    """Add what a contributor handed in, which lies in the folder `place`, to the set of all."""
    contributor = group_name(place, place) or place
    numbers_by_name = {name: number for number, name in dataset.categories.items()}
    classes = {old: numbers_by_name[name] for old, name in part.categories.items()}
    for old in sorted(classes):
        origin = ", ".join(part.origins.get(old, [str(old)]))
        dataset.origins[classes[old]].append(f"{contributor}: {origin}")
    numbers = {image.id: len(dataset.images) + at for at, image in enumerate(part.images, 1)}
    dataset.own_ids |= {f"{place}/{file}": number for file, number in part.own_ids.items()}
    for i in part.images:
        name = f"{place}/{i.file_name}"
        size = (i.width, i.height)
        dataset.images.append(
            Image(numbers[i.id], name, *size, group=contributor, split=i.split, relative=i.relative)
        )
    for a in part.annotations:
        dataset.annotations.append(
            Annotation(numbers[a.image_id], classes[a.category_id], a.bbox, a.area, a.iscrowd)
        )
