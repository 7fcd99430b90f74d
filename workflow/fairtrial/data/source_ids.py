"""source_ids.json: how a source itself names its images and classes, so results can go back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fairtrial.data.dataset import Dataset
from fairtrial.files.modelfile import FileModel


class SourceImage(FileModel):
    """One clean image: its file there, its file in the source, and its id there (COCO alone has
    some)."""

    file: str
    source_file: str
    source_id: int | str | None


class SourceIds(FileModel):
    """The images in the order of their ids in annotations.json, from 1; and what the source calls
    each class: its id, or its name where it has none."""

    images: list[SourceImage]
    classes: dict[str, list[str]]


def source_ids(
    clean: Dataset, sources: Mapping[str, str], ids: Mapping[str, int | str]
) -> SourceIds:
    """Of the clean images. `sources`: the source's file by the clean one; `ids`: the source's id by
    its own file."""
    images = [
        SourceImage(
            file=image.file_name,
            source_file=sources[image.file_name],
            source_id=ids.get(sources[image.file_name]),
        )
        for image in clean.images
    ]
    names = clean.categories.items()
    classes = {name: clean.origins.get(number, [str(number)]) for number, name in names}
    return SourceIds(images=images, classes=classes)


def own_class(ids: SourceIds, class_map: Mapping[str, str | None], name: str) -> str | None:
    """What the source calls a class of a data set; None where it is made of several."""
    ours = [old for old, new in class_map.items() if new == name]
    names = [own for old in ours for own in ids.classes.get(old, [])]
    return names[0] if len(names) == 1 else None


def by_file(images: Iterable[SourceImage]) -> dict[str, SourceImage]:
    """The images by their clean file."""
    return {image.file: image for image in images}
