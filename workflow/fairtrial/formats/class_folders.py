"""One folder for each class: the images of `cat` lie in `…/cat/`, or in folders below it."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import BaseModel, ConfigDict

from fairtrial import DataError
from fairtrial.data.dataset import SPLITS, Annotation, Dataset, Image, SplitDataset
from fairtrial.data.defects import Defect, UnannotatedImage
from fairtrial.data.names import class_name, numbered_classes, split_of
from fairtrial.data.raw_files import image_files, present_folder
from fairtrial.files import packed
from fairtrial.files.folders import checked_path, copy_file
from fairtrial.formats._names import Group, exported_names, group_of
from fairtrial.formats._recognition import (
    Likeness,
    Listing,
    augmented_group,
    by_split,
    common_folder,
    holding,
    split_of_path,
)

WRITES = "classify"  # the task of the sets that it can write
LOSES = "groups"  # what the format cannot hold


class Settings(BaseModel):
    """The options of the format."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    images: str = "."  # the folder in which the classes' folders are, relative to the raw folder
    # Set by the source's own key: such a folder for each split, instead of `images`.
    splits: dict[Literal["train", "val", "test"], str] | None = None
    # All classes, which are names of folders, in this order; null: every folder that holds an
    # image, sorted by name.
    classes: tuple[str, ...] | None = None
    # What an image's group is: `folder`, the folder in which it lies, or the part in brackets
    # of a regular expression that is searched in its path below the folder of its class.
    group: Group | None = None


def read(folder: Path, options: Settings) -> tuple[Dataset, list[Defect]]:
    """All splits as one set: an image has one class and no box.

    Raises DataError for a folder that is not there, and for one that is no listed class.
    Images that lie in no class's folder are defects.
    """
    places: dict[str, str | None] = {options.images: None}
    if options.splits is not None:
        places = {place: split for split, place in options.splits.items()}
    files = [
        (place, split, PurePosixPath(file))
        for place, split in places.items()
        for file in _images(
            folder, checked_path(place, "options: images") if place != "." else place
        )
    ]
    dataset, defects = Dataset(categories=_categories(files, options)), list[Defect]()
    numbers = {name: number for number, name in dataset.categories.items()}
    for place, split, file in files:
        image = Image(len(dataset.images) + 1, (PurePosixPath(place) / file).as_posix(), 0, 0)
        image.split = split
        if len(file.parts) == 1:
            defects.append(UnannotatedImage(image.file_name))
        else:
            label, inside = class_name(file.parts[0], place), PurePosixPath(*file.parts[1:])
            image.group = group_of(_below(inside, label, options.group), options.group)
            dataset.annotations.append(Annotation(image.id, numbers[label], None))
        dataset.images.append(image)
    return dataset, defects


def labelled_in(folder: Path, options: Settings) -> bool:
    """No folder stands for itself: classes are told and ordered over all splits."""
    return False


def write(data: SplitDataset, folder: Path) -> dict[str, object]:
    """Write images as `<split>/<class>/<name>`, as torchvision and Ultralytics read them.

    Returns the options that read them. Packed images become PNG files.

    Raises DataError for a class whose name cannot be a folder's.
    """
    names, objects = exported_names(data), data.dataset.by_image()
    classes = list(data.dataset.categories.values())
    for name in classes:
        if "/" in checked_path(name, "class"):
            raise DataError(f"class: {name!r} cannot be the name of a folder")
    splits = [split for split in SPLITS if data.split(split)]
    for split in splits:
        for image in data.split(split):
            (label,) = objects[image.id]
            place = folder / split / data.dataset.categories[label.category_id]
            _put(data, image.file_name, place / names[image.id])
    return {"splits": {split: split for split in splits}, "classes": classes}


def _put(data: SplitDataset, name: str, target: Path) -> None:
    """Copy an image; a packed one becomes a PNG with the same pixels."""
    from PIL import Image as Pillow

    if not packed.is_packed(name):
        copy_file(data.folder / name, target)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(packed.pixels(data.folder, name)).save(target, "PNG", compress_level=1)


def _images(folder: Path, place: str) -> list[str]:
    return image_files(present_folder(folder, place, "options: images; splits"))


def _below(inside: PurePosixPath, label: str, group: str | None) -> str:
    """The path in which the group of an image is searched: below the folder of its class.

    Raises DataError where the group is a folder, and there is none below that of the class.
    """
    if group == "folder" and len(inside.parts) == 1:
        raise DataError(f"{label}/{inside}: the option `group` (folder) finds no folder in {label}")
    return inside.as_posix()


def _categories(
    files: list[tuple[str, str | None, PurePosixPath]], options: Settings
) -> dict[int, str]:
    folders = {file.parts[0] for _, _, file in files if len(file.parts) > 1}
    present = sorted({class_name(folder, "folder") for folder in folders})
    if not present:
        raise DataError("there is no folder with images (options: images; splits)")
    if options.splits is None and options.classes is None:
        _refuse_splits(sorted(folders), options.images)
    listed = present
    if options.classes is not None:
        listed = [class_name(name, "options: classes") for name in options.classes]
    if unknown := sorted(set(present) - set(listed)):
        raise DataError(f"the folder {unknown[0]} is none of the classes that are listed")
    return numbered_classes(listed, "options: classes")


def _refuse_splits(folders: list[str], place: str) -> None:
    """Raise DataError where the folders are named as splits are, and so hold the classes."""
    splits = {split_of(name): name for name in folders if split_of(name)}
    if len(splits) > 1:
        above = "" if place == "." else f"{place}/"
        named = ", ".join(f"{split}: {above}{splits[split]}" for split in SPLITS if split in splits)
        raise DataError(
            f"the folders {', '.join(splits.values())} look like splits, not classes; set "
            f"`splits: {{{named}}}` beside `format`, or list them as `classes` if they are"
        )


_NOT_CLASSES = {
    *("images", "image", "imgs", "img", "jpegimages", "photos", "pictures", "data", "frames"),
}
_LABELS = (".xml", ".json", ".csv", ".txt", ".yaml", ".yml")


def recognise(listing: Listing) -> Likeness | None:
    """Folders of images beside each other, which may stand in a folder a split."""
    if len(listing.images) < 2 or len({file.count("/") for file in listing.images}) > 1:
        return None
    top = common_folder(listing.images)
    inside = [PurePosixPath(file).relative_to(top).parts for file in listing.images]
    options: dict[str, object] = {"images": top}
    splits = by_split({(PurePosixPath(top) / parts[0]).as_posix() for parts in inside})
    if splits is not None:
        options = {"splits": splits}
        inside = [parts[1:] for parts in inside]
    names = {parts[0] for parts in inside if len(parts) > 1}
    if len(names) < 2 or any(split_of_path(name) for name in names):
        return None
    if {name.lower() for name in names} & _NOT_CLASSES:
        return None
    if group := augmented_group(listing.images):
        options["group"] = group
    folders = set(holding(listing.images))
    others = [f for f in listing.files if PurePosixPath(f).parent.as_posix() in folders]
    pure = len(others) == len(listing.images) and not listing.ending(*_LABELS)
    flat = all(len(parts) == 2 for parts in inside)
    listed = ", ".join(sorted(names)[:10]) + (" …" if len(names) > 10 else "")
    seen = f"{len(names)} folders of images, taken as classes: {listed}"
    return Likeness("likely" if splits or (pure and flat) else "possible", seen, options)
