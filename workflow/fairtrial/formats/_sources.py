"""A whole source, read by its format as its settings say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from fairtrial import DataError
from fairtrial.data.box_reading import BoxReading
from fairtrial.data.box_units import wrong_units
from fairtrial.data.boxes import Size
from fairtrial.data.dataset import Dataset, Image
from fairtrial.data.defects import Defect
from fairtrial.data.imagefile import CheckedImage
from fairtrial.data.losses import exclude
from fairtrial.data.unlabelled import mark_unlabelled
from fairtrial.formats._readings import readings
from fairtrial.formats._split_sources import read_in_splits
from fairtrial.plugins import plugin
from fairtrial.settings.stages import ConvertSettings


def read_source(
    settings: ConvertSettings, raw: Path, files: Iterable[str]
) -> tuple[Dataset, list[Defect]]:
    """The set as written, without what is excluded, and the defects that its format sees.

    files: those of the raw folder, relative to it. Raises DataError where they cannot be read so.
    """
    annotated, defects = _read(settings, raw)
    _refuse_equal_names(annotated.images)
    left = exclude(annotated, defects, settings.exclude)
    return annotated, mark_unlabelled(
        annotated, left, raw, files, settings.unlabelled, settings.exclude
    )


def _read(settings: ConvertSettings, raw: Path) -> tuple[Dataset, list[Defect]]:
    module = plugin("formats", settings.format)
    places = None if settings.splits is None else dict[str, str](settings.splits.items())
    return read_in_splits(module, raw, settings.options, places)


def _refuse_equal_names(images: list[Image]) -> None:
    seen: set[str] = set()
    for image in images:
        if image.file_name in seen:
            raise DataError(f"{image.file_name} stands in the annotations twice")
        seen.add(image.file_name)


def _readings(settings: ConvertSettings) -> list[BoxReading]:
    """How the boxes of the source are read."""
    of_folder = readings(settings.format, settings.options)
    if settings.splits is None or not any(reading.below for reading in of_folder):
        return of_folder
    places = [place for _, place in settings.splits.items()]
    return [replace(r, below=f"{place}/{r.below}") for place in places for r in of_folder]


def stated_units(settings: ConvertSettings, annotated: Dataset) -> list[Defect]:
    """WrongUnit where boxes do not look as they are read, by the sizes that annotations state."""
    sizes = {image.id: (image.width, image.height) for image in annotated.images}
    return _wrong_units(settings, annotated, sizes)


def other_units(
    settings: ConvertSettings, annotated: Dataset, checked: list[CheckedImage]
) -> list[Defect]:
    """The same of the images of which the annotations state no size, by that of their files."""
    return _wrong_units(settings, annotated, _other_sizes(annotated, checked))


def _wrong_units(
    settings: ConvertSettings, annotated: Dataset, sizes: dict[int, Size]
) -> list[Defect]:
    ways = _readings(settings)
    return [defect for reading in ways for defect in wrong_units(annotated, sizes, reading)]


def _other_sizes(annotated: Dataset, checked: list[CheckedImage]) -> dict[int, Size]:
    """Width and height of the images of which the annotations state none, by id; without those
    that are turned."""
    pairs = zip(annotated.images, checked, strict=True)
    return {
        image.id: file.size
        for image, file in pairs
        if file.is_kept and file.orientation == 1 and not (image.width or image.relative)
    }
