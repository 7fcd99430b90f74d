"""YOLO: one text file an image, a line an object, and a data.yaml that names the classes.

A line is `<class> <centre x> <centre y> <width> <height>`, in shares of the image's width
and height, or `<class> <x> <y> <x> <y> …` for a polygon. An image without a text file has no
objects, as the format has it.
"""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import BaseModel, ConfigDict

from fairtrial import DataError
from fairtrial.data.boxes import Size, shares
from fairtrial.data.dataset import SPLITS, Annotation, Dataset, Image, SplitDataset
from fairtrial.data.defects import (
    BoxFromSegment,
    Defect,
    LabelWithoutImage,
    MalformedObject,
    NoLabelFile,
    UnknownClass,
)
from fairtrial.data.raw_files import is_image, listed_files, no_folder
from fairtrial.files.folders import checked_path, copy_file
from fairtrial.formats._ignored import with_ignored
from fairtrial.formats._names import Group, Naming, by_stem, exported_names, group_of, image_stems
from fairtrial.formats._recognition import Likeness, Listing
from fairtrial.formats._yolo_labels import box_of, label_folder, numbers_of
from fairtrial.formats._yolo_recognition import likeness
from fairtrial.formats._yolo_yaml import categories_of, is_below, places_of, yaml_content

WRITES = "detect"  # the task of the sets that it can write
LOSES = "crowd regions, areas of segments and groups"  # what the format cannot hold


class Settings(BaseModel):
    """The options of the format."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    yaml: str = "data.yaml"  # relative to the raw folder
    # A text file of class names, a line each, instead of data.yaml: CVAT's obj.names, or the
    # classes.txt of labelling tools. Needs `splits` or `images`.
    names: str | None = None
    # Set by the source's own key: the image folders of each split, or text files that list images.
    splits: dict[Literal["train", "val", "test"], str] | None = None
    # One folder of images that are in no split, instead of `splits`.
    images: str | None = None
    ignore: tuple[str, ...] = ()  # classes whose objects are regions that count neither way
    # What an image's group is: `folder`, the folder in which it lies, or the part in brackets
    # of a regular expression that is searched in its path below its image folder; null: none.
    group: Group | None = None
    # The rule by which the name of a text file gives that of its image; null: they are equal.
    naming: Naming | None = None
    # What the numbers of a line are: shares of the image's width and height, hundredths of them,
    # or pixels.
    boxes: Literal["shares", "percent", "pixels"] = "shares"
    # The id of the first class in the text files; null: 0, and refused where that cannot be.
    first_class: Literal[0, 1] | None = None


# How a source says that its boxes are written in another unit (see data/box_units.py).
REMEDIES = {"percent": "options: {boxes: percent}", "pixels": "options: {boxes: pixels}"}


def read(folder: Path, options: Settings) -> tuple[Dataset, list[Defect]]:
    """All splits as one set, boxes as shares; labels of …/images/… are in …/labels/….

    Raises DataError for a data.yaml without names or of poses, a split that is not below the raw
    folder, and class ids that begin at 1. Lines that are neither box nor polygon are defects.
    """
    content = yaml_content(folder, options.yaml, options.names)
    categories = categories_of(content, options.names or options.yaml)
    reader = _YoloReader(folder, options, Dataset(categories=categories))
    for split, part in _places(content, options):
        if PurePosixPath(part).is_absolute() or not is_below(folder / part, folder):
            option = f"{options.yaml}: {split or 'images'}; splits"
            raise no_folder(folder, part, option)
        reader.add_place(part, split)
    reader.refuse_ids_from_one()
    reader.dataset.label_files.add(options.names or options.yaml)
    return with_ignored(reader.dataset, options.ignore), reader.defects


def _places(content: dict[str, object], options: Settings) -> list[tuple[str | None, str]]:
    """The split and the path of each folder or list of images, as the options or data.yaml say."""
    if options.images is not None:
        return [(None, options.images)]
    if options.splits is not None:
        return [(split, part) for split, part in options.splits.items()]
    if options.names is not None:
        raise DataError(
            "options: `names` needs `images`, or `splits` beside `options`: there is no data.yaml"
        )
    return places_of(content, options.yaml)


def labelled_in(folder: Path, options: Settings) -> bool:
    """Whether a folder names the classes itself, so that it can be read by itself."""
    return (folder / (options.names or options.yaml)).is_file()


def write(data: SplitDataset, folder: Path) -> dict[str, object]:
    """Write images and text files by split, and data.yaml. Returns the options that read them."""
    names, objects = exported_names(data), data.dataset.by_image()
    classes = {number: at for at, number in enumerate(sorted(data.dataset.categories))}
    splits = [split for split in SPLITS if data.split(split)]
    for split in splits:
        (folder / "labels" / split).mkdir(parents=True)
        for image in data.split(split):
            path = PurePosixPath(split, names[image.id])
            copy_file(data.folder / image.file_name, folder / "images" / path)
            lines = [
                " ".join(map(str, (classes[a.category_id], *shares(a.bbox, _size(image))))) + "\n"
                for a in objects[image.id]
                if a.bbox and not a.iscrowd
            ]
            label = folder / "labels" / path.with_suffix(".txt")
            label.write_text("".join(lines), encoding="utf-8")
    names_by_number = {at: data.dataset.categories[number] for number, at in classes.items()}
    lines = [f"{split}: images/{split}" for split in splits]
    lines += ["names:", *(f"  {at}: {json.dumps(name)}" for at, name in names_by_number.items())]
    (folder / "data.yaml").write_text("\n".join([*lines, ""]), encoding="utf-8")
    return {}


def _size(image: Image) -> Size:
    return image.width, image.height


class _YoloReader:
    """Adds folders and lists of images to a set, and collects their defects."""

    def __init__(self, folder: Path, options: Settings, dataset: Dataset) -> None:
        self.folder, self.options, self.dataset = folder, options, dataset
        self.defects: list[Defect] = []
        self.splits: dict[str, str | None] = {}
        self.label_folders: dict[PurePosixPath, PurePosixPath] = {}  # by the folder of images
        self.ids: set[float] = set()  # of the classes, as the text files have them

    def add_place(self, part: str, split: str | None) -> None:
        """Add a folder of images with its labels, or a text file that lists images."""
        top = PurePosixPath("." if part.endswith(".txt") else part)
        paths = self._listed(part) if part.endswith(".txt") else self._below(top)
        images = [path for path in paths if is_image(self.folder, path.as_posix())]
        labels = self._labels(images, None if part.endswith(".txt") else top)
        for path in images:
            self._add(path, split, group_of(str(path.relative_to(top)), self.options.group))
            self._add_objects(self.dataset.images[-1], labels.get(path), self._label_path(path))

    def _below(self, place: PurePosixPath) -> list[PurePosixPath]:
        return [place / name for name in listed_files(self.folder / place)]

    def _listed(self, part: str) -> list[PurePosixPath]:
        """The images that a text file lists, relative to its own folder."""
        base = PurePosixPath(part).parent
        self.dataset.label_files.add(part)
        lines = (self.folder / part).read_text("utf-8-sig", "replace").split("\n")
        names = (line.strip() for line in lines)
        return [base / checked_path(name, part) for name in names if name]

    def _labels(
        self, images: list[PurePosixPath], top: PurePosixPath | None
    ) -> dict[PurePosixPath, str]:
        """The text file of each image that has one; `x.jpg` and `x.png` share theirs. `top`: the
        folder that holds all of these images; labels there that belong to none are defects."""
        owners: dict[str, list[PurePosixPath]] = {}
        for image in images:
            stem = self._label_path(image).with_suffix("").as_posix()
            owners.setdefault(stem, []).append(image)
        label_folder = top and self._label_folder(top)
        separate = label_folder != top  # labels have another folder than images
        places = {PurePosixPath(stem).parent for stem in owners}
        places |= {label_folder} if label_folder else set()
        texts = by_stem({str(path) for place in places for path in self._below(place)}, ".txt")
        labels: dict[PurePosixPath, str] = {}
        for stem, of_image in image_stems(texts, self.options.naming).items():
            if of_image in owners:
                labels |= dict.fromkeys(owners[of_image], texts[stem])
            elif separate and not stem.endswith("/classes"):  # labelling tools list classes there
                self.defects.append(LabelWithoutImage(texts[stem]))
            else:
                continue
            self.dataset.label_files.add(texts[stem])
        return labels

    def _label_path(self, image: PurePosixPath) -> PurePosixPath:
        return self._label_folder(image.parent) / f"{image.stem}.txt"

    def _label_folder(self, images: PurePosixPath) -> PurePosixPath:
        """The folder of the text files of the images in a folder."""
        if images not in self.label_folders:
            self.label_folders[images] = label_folder(self.folder, images)
        return self.label_folders[images]

    def _add(self, path: PurePosixPath, split: str | None, group: str | None) -> None:
        name = path.as_posix()
        if self.splits.setdefault(name, split) != split:
            raise DataError(f"{name} is in the splits {self.splits[name]!r} and {split!r}")
        number = len(self.dataset.images) + 1
        relative = self.options.boxes != "pixels"
        image = Image(number, name, 0, 0, group=group, split=split, relative=relative)
        self.dataset.images.append(image)

    def _add_objects(self, image: Image, label: str | None, expected: PurePosixPath) -> None:
        if label is None:
            self.defects.append(NoLabelFile(image.file_name, f"there is no {expected}"))
            return
        lines = (self.folder / label).read_text("utf-8-sig", "replace").splitlines()
        for at, line in enumerate(lines, 1):
            if line.strip():
                self._object(image, line, f"{label}:{at}")

    def refuse_ids_from_one(self) -> None:
        """Raise DataError where the ids run from 1 to the number of classes: one too high.

        To leave out the last class's objects as unknown would shift all others by one class.
        """
        count = len(self.dataset.categories)
        from_zero = sorted(self.dataset.categories) == list(range(count))
        asked = self.options.first_class is not None
        if asked or not from_zero or not self.ids or (min(self.ids), max(self.ids)) != (1, count):
            return
        raise DataError(
            f"{self.options.yaml}: it names the classes 0 to {count - 1}, but the text files have "
            f"the ids 1 to {count} and no 0: they look one-based. Set `options: {{first_class: 1}}`"
            f" if they are, or `first_class: 0` if {count} is an unknown class"
        )

    def _object(self, image: Image, line: str, where: str) -> None:
        try:
            label, *shares = numbers_of(line)
        except ValueError as error:
            self.defects.append(MalformedObject(image.file_name, f"{where}: {error}"))
            return
        self.ids.add(label)
        label -= self.options.first_class or 0
        if label not in self.dataset.categories:
            known = ", ".join(map(str, sorted(self.dataset.categories)))
            seen = f"{where}: class {label:g}; data.yaml names the classes {known}"
            self.defects.append(UnknownClass(image.file_name, seen))
            return
        if len(shares) > 4:
            self.defects.append(BoxFromSegment(image.file_name, where))
        box = box_of(
            [value / 100 for value in shares] if self.options.boxes == "percent" else shares
        )
        self.dataset.annotations.append(Annotation(image.id, int(label), box, box[2] * box[3]))


def recognise(listing: Listing) -> Likeness | None:
    """Text files of numbers beside images, and a file that names the classes."""
    return likeness(listing)
