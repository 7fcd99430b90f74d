"""LabelMe JSON: one file an image, with its shapes."""

from __future__ import annotations

import re
from math import dist
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict

from fairtrial import DataError
from fairtrial.data.dataset import Dataset
from fairtrial.data.defects import Defect, LabelWithoutImage, MalformedImage
from fairtrial.data.raw_files import listed_files
from fairtrial.files.folders import checked_path
from fairtrial.files.jsonfile import read_json
from fairtrial.formats._ignored import with_ignored
from fairtrial.formats._labelled_images import (
    LabelledImage,
    LabelledObject,
    Point,
    add_unnamed,
    as_dataset,
    box_around,
    images_below,
    polygon_area,
)
from fairtrial.formats._names import Group, group_of
from fairtrial.formats._recognition import Likeness, Listing, by_split, common_folder, holding
from fairtrial.formats._split_folders import SplitFolders, put_into_splits

WITHOUT_BOX = ("point", "points", "line", "linestrip")


class Settings(BaseModel):
    """The options of the format; paths are relative to the raw folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    annotations: str = "."  # folder of the JSON files
    # Folder of the images; null: where each JSON file says, else beside it.
    images: str | None = None
    # Set by the source's own key: the folder of images of each split.
    splits: SplitFolders | None = None
    # The classes that there are; null: every label found.
    classes: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()  # classes whose objects are regions that count neither way
    # What an image's group is: `folder`, the folder in which it lies, or the part in brackets
    # of a regular expression that is searched in the path of its JSON file; null: no groups.
    group: Group | None = None


# What boxes are, for there is no other way to read them (see data/box_units.py).
WRITTEN = "LabelMe's own shapes alone, which are points in pixels"


def read(folder: Path, options: Settings) -> tuple[Dataset, list[Defect]]:
    """All files as one set. Polygons, circles and masks get the box around them.

    The image of a file is the one that `imagePath` names, else the one with the file's own
    name. Files and shapes that are not LabelMe's are defects. Raises DataError where there is no
    JSON file.
    """
    reader = _LabelMeReader(folder, options)
    place = checked_path(options.annotations, "annotations") if options.annotations != "." else "."
    below = listed_files(folder / place)
    files = [(PurePosixPath(place) / file).as_posix() for file in below if file.endswith(".json")]
    for file in files:
        reader.add(file)
    if not reader.images and not reader.defects:
        raise DataError(f"there is no JSON file in {folder / place} (options: annotations)")
    dataset, defects = as_dataset(reader.images, options.classes)
    defects += add_unnamed(dataset, reader.files)
    dataset.label_files |= set(files)
    if options.splits is not None:
        put_into_splits(dataset, options.splits)
    return with_ignored(dataset, options.ignore), defects + reader.defects


def labelled_in(folder: Path, options: Settings) -> bool:
    """Whether a folder has JSON files of its own, so that it can be read by itself."""
    labels = folder / options.annotations
    return labels.is_dir() and any(file.endswith(".json") for file in listed_files(labels))


class _LabelMeReader:
    """Reads files one by one, and collects images and defects."""

    def __init__(self, folder: Path, options: Settings) -> None:
        self.folder, self.options = folder, options
        self.files = images_below(folder, options.images or options.annotations)
        self.by_stem: dict[str, list[str]] = {}
        for file in self.files:
            stem = PurePosixPath(file).with_suffix("").as_posix()
            self.by_stem.setdefault(stem, []).append(file)
        self.images: list[LabelledImage] = []
        self.defects: list[Defect] = []

    def add(self, file: str) -> None:
        """Add one JSON file, of which only `shapes` must be there."""
        try:
            content = read_json(self.folder / file)
            if not isinstance(content, dict) or not isinstance(content.get("shapes"), list):
                raise DataError("not LabelMe JSON: there is no list `shapes`")
            name = self._image_file(file, str(content.get("imagePath") or ""))
        except DataError as error:
            self._add_malformed(file, str(error).removeprefix(f"{self.folder / file}: "))
            return
        if name is None:
            inside = "; it holds the image itself" if content.get("imageData") else ""
            seen = f"names {content.get('imagePath')!r}, which is not there{inside}"
            self.defects.append(LabelWithoutImage(file, seen))
            return
        group = group_of(file, self.options.group)
        image = LabelledImage(name, _size(content), group=group, where=file)
        self.images.append(image)
        for number, shape in enumerate(content["shapes"], 1):
            try:
                image.objects.append(_object(shape, f"{file}: shape {number}"))
            except DataError as error:
                image.unread.append(str(error))

    def _image_file(self, file: str, named: str) -> str | None:
        """The image of a JSON file: as it says, in the folder of images, or of the same name."""
        path = PurePosixPath(named.replace("\\", "/"))
        inside = PurePosixPath(file).relative_to(self.options.annotations)
        places = [inside.parent]
        if self.options.images is not None:
            base = PurePosixPath(self.options.images)
        else:
            base = PurePosixPath(self.options.annotations)
            places.append(inside.parent / path.parent)
        for place in places:
            for parent in (base / place, base):
                candidate = _plain(parent / path.name)
                if path.name and candidate in self.files:
                    return candidate
        beside = self._beside(file)
        if len(beside) > 1:
            raise DataError(f"which of {', '.join(beside)} does it belong to?")
        return beside[0] if beside else None

    def _beside(self, file: str) -> list[str]:
        """The images with the name of a JSON file."""
        inside = PurePosixPath(file).relative_to(self.options.annotations)
        base = PurePosixPath(self.options.images or self.options.annotations)
        return self.by_stem.get(_plain(base / inside.with_suffix("")), [])

    def _add_malformed(self, file: str, text: str) -> None:
        """Say what is wrong with a JSON file: its image, if there is one, cannot be used."""
        for image in self._beside(file):
            self.images.append(LabelledImage(image, where=file, wrong=[f"{file}: {text}"]))
        if not self._beside(file):
            self.defects.append(MalformedImage(file, text))


def _plain(path: PurePosixPath) -> str:
    """A path without `..`, as far as it stays in the folder."""
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        else:
            parts.append(part)
    return PurePosixPath(*parts).as_posix()


def _size(content: dict[str, Any]) -> tuple[int, int]:
    width, height = content.get("imageWidth"), content.get("imageHeight")
    return (width, height) if isinstance(width, int) and isinstance(height, int) else (0, 0)


def _object(shape: object, where: str) -> LabelledObject:
    """One shape; old versions have polygons alone, and no `shape_type`."""
    if not isinstance(shape, dict) or not str(shape.get("label") or "").strip():
        raise DataError(f"{where}: has no label")
    label, kind = str(shape["label"]).strip(), str(shape.get("shape_type") or "polygon")
    if kind in WITHOUT_BOX:
        return LabelledObject(label, None, where)
    points = _points(shape.get("points"), where)
    if kind == "circle" and len(points) == 2:
        (x, y), radius = points[0], dist(*points)
        return LabelledObject(
            label, (x - radius, y - radius, 2 * radius, 2 * radius), where, outline=True
        )
    if kind == "rectangle" and len(points) in (2, 4):
        return LabelledObject(label, box_around(points), where)
    if kind == "mask" and len(points) == 2:
        return LabelledObject(label, box_around(points), where, outline=True)
    if kind in ("polygon", "rotation") and len(points) >= 3:
        return LabelledObject(label, box_around(points), where, polygon_area(points), outline=True)
    raise DataError(f"{where}: a {kind} with {len(points)} points")


def _points(rows: object, where: str) -> list[Point]:
    try:
        return [(float(x), float(y)) for x, y in rows]  # type: ignore[attr-defined]
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}: `points` is not a list of pairs of numbers") from error


def recognise(listing: Listing) -> Likeness | None:
    """JSON files with a list `shapes`, and the folder of their images where it is another one."""
    files = [file for file in listing.ending(".json") if '"shapes"' in listing.head(file)]
    heads = listing.text_of(files)
    if not heads or not all(re.search(r'"(shape_type|imagePath|points)"', head) for head in heads):
        return None
    base = common_folder(files)
    options: dict[str, object] = {"annotations": base}
    images, found = listing.folder_named_as(files, base)
    if found and images != base:
        options["images"] = images
    if splits := by_split(holding(listing.images)):
        options["splits"] = splits
    seen = (
        f"{len(files)} JSON files of LabelMe in {base}, {found} of them with an image in {images}"
    )
    return Likeness("certain", seen, options)
