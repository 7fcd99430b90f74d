"""Pascal VOC: one XML file an image, and text files that list the images of each split."""

from __future__ import annotations

import re
import unicodedata
from math import isfinite
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

from fairtrial import DataError
from fairtrial.data.boxes import Box
from fairtrial.data.dataset import SPLITS, Annotation, Dataset, Image, SplitDataset
from fairtrial.data.defects import (
    Defect,
    LabelWithoutImage,
    MalformedImage,
    MalformedObject,
    ObjectWithoutBox,
    OtherFilename,
    UnannotatedImage,
    WrongUnit,
)
from fairtrial.data.names import flag_of, numbered_classes
from fairtrial.data.raw_files import listed_files, present_folder
from fairtrial.files.folders import checked_path, copy_file
from fairtrial.formats._ignored import with_ignored
from fairtrial.formats._names import Group, Naming, by_stem, exported_names, group_of, image_stems
from fairtrial.formats._numbers import number_or_nan
from fairtrial.formats._recognition import Likeness, Listing
from fairtrial.formats._split_folders import SplitFolders, put_into_splits
from fairtrial.formats._unread import unknown_class
from fairtrial.formats._voc_files import (
    class_names,
    image_name,
    images_by_stem,
    lists_of_splits,
    parsed,
    splits_by_stem,
    stated_size,
    text_of,
)
from fairtrial.formats._voc_recognition import likeness
from fairtrial.formats._voc_writing import element_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


WRITES = "detect"  # the task of the sets that it can write
LOSES = "crowd regions, areas of segments and groups"  # what the format cannot hold


class Settings(BaseModel):
    """The options of the format; folders are relative to the raw folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    annotations: str = "Annotations"  # folder of the XML files
    images: str = "JPEGImages"  # folder of the images, named as their XML files
    # Folder of train.txt, val.txt, test.txt (image names without suffix) that give each
    # image's split; null: no split is given.
    image_sets: str | None = None
    # Set by the source's own key: the folder of images of each split.
    splits: SplitFolders | None = None
    # What xmin … ymax mean. pixels: the first and the last pixel of the object, counted
    # from 1, as VOC defines it: x = xmin - 1, width = xmax - xmin + 1. edges: positions
    # between pixels, as most labelling tools write them: x = xmin, width = xmax - xmin.
    # sizes: xmax and ymax hold width and height. shares: edges in shares of width and height.
    coordinates: Literal["pixels", "edges", "sizes", "shares"] = "pixels"
    decimal: Literal[".", ","] = "."  # what stands before the fraction of a coordinate
    # The classes that there are; null: every name found.
    classes: tuple[str, ...] | None = None
    # What an object marked difficult is: an object like any other, or a crowd region, where
    # detections are neither right nor wrong, as VOC's own evaluation has it.
    difficult: Literal["object", "crowd"] = "object"
    ignore: tuple[str, ...] = ()  # classes whose objects are regions that count neither way
    # What an image's group is: `folder`, the folder in which it lies, or the part in brackets
    # of a regular expression that is searched in its path below `images`; null: no groups.
    group: Group | None = None
    # The rule by which the name of an XML file gives that of its image; null: they are equal.
    naming: Naming | None = None


# How a source says that its boxes are written in another unit (see data/box_units.py).
REMEDIES = {
    "sizes": "options: {coordinates: sizes}",
    "shares": "options: {coordinates: shares}",
    "edges": "options: {coordinates: edges}",
    "decimal": 'options: {decimal: ","}',
}


def read(folder: Path, options: Settings) -> tuple[Dataset, list[Defect]]:
    """All XML files as one set.

    The image of an XML file is the one with the same stem (or that `naming` gives), or, where
    several have it, the one that <filename> names. Raises DataError for an image in two splits and
    for a missing folder. Files that are no such XML are defects.
    """
    images = images_by_stem(present_folder(folder, options.images, "options: images"))
    splits = splits_by_stem(folder, options.image_sets) if options.image_sets is not None else {}
    labels = present_folder(folder, options.annotations, "options: annotations")
    files = by_stem(listed_files(labels), ".xml")
    if missing := sorted(set(splits) - set(files)):
        raise DataError(f"{options.image_sets} lists images without an XML file: {missing[:5]}")
    rows, malformed = parsed(labels, files)
    classes = options.classes or sorted(
        {name for row in rows.values() for name in class_names(row)}
    )
    dataset = Dataset(categories=numbered_classes(classes, "options: classes"))
    dataset.origins = {number: [name] for number, name in dataset.categories.items()}
    reader = _VocReader(dataset, options, images)
    for stem, of_image in image_stems(files, options.naming).items():
        if stem in rows:
            reader.add(files[stem], of_image, rows[stem], splits.get(stem))
        else:
            reader.add_malformed(files[stem], of_image, malformed[stem])
    reader.add_rest()
    reader.defects += reader.doubts()
    dataset.label_files = {f"{options.annotations}/{file}" for file in files.values()}
    dataset.label_files |= {
        f"{options.image_sets}/{name}" for name in lists_of_splits(folder, options.image_sets)
    }
    if options.splits is not None:
        put_into_splits(dataset, options.splits)
    return with_ignored(dataset, options.ignore), reader.defects


def labelled_in(folder: Path, options: Settings) -> bool:
    """Whether a folder has XML files of its own, so that it can be read by itself."""
    labels = folder / options.annotations
    return labels.is_dir() and bool(by_stem(listed_files(labels), ".xml"))


def write(data: SplitDataset, folder: Path) -> dict[str, object]:
    """XML files with coordinates as edges, images and lists of splits; returns the options that
    read them."""
    from xml.etree.ElementTree import ElementTree

    names, objects = exported_names(data), data.dataset.by_image()
    for part in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (folder / part).mkdir(parents=True)
    for split in SPLITS:
        stems = []
        for image in data.split(split):
            name = names[image.id]
            copy_file(data.folder / image.file_name, folder / "JPEGImages" / name)
            stems.append(PurePosixPath(name).stem)
            row = element_of(image, name, objects[image.id], data.dataset.categories)
            ElementTree(row).write(folder / "Annotations" / f"{stems[-1]}.xml", "unicode")
        text = "".join(f"{stem}\n" for stem in stems)
        (folder / "ImageSets/Main" / f"{split}.txt").write_text(text, encoding="utf-8")
    classes = list(data.dataset.categories.values())
    return {"image_sets": "ImageSets/Main", "coordinates": "edges", "classes": classes}


class _VocReader:
    """Adds XML files to a set one by one, and collects their defects.

    images: the image files by their path without suffix.
    """

    def __init__(self, dataset: Dataset, options: Settings, images: dict[str, list[str]]) -> None:
        self.dataset, self.options, self.images = dataset, options, images
        self.stems = {file for files in images.values() for file in files}
        self.numbers = {name: number for number, name in dataset.categories.items()}
        self.defects: list[Defect] = []
        self.taken: set[str] = set()
        self.proofs: dict[str, list[str]] = {"edges": [], "decimal": []}  # objects that show it
        self.fractions: list[str] = []
        self.boxes, self.largest = 0, 0.0  # boxes in pixels, and their largest coordinate

    def add(self, label: str, of_image: str | None, row: Element, split: str | None) -> None:
        """Add one XML file.

        of_image: the path of its image without suffix; None where the rule of names gives none.
        """
        file = image_name(label, row, self.images.get(of_image, [])) if of_image else None
        if file is None:
            self.defects.append(LabelWithoutImage(f"{self.options.annotations}/{label}"))
            return
        image = self._image(file, *stated_size(row), split)
        named = text_of(row, "filename")
        beside = str(PurePosixPath(file).parent / PurePosixPath(named).name)
        if beside != file and beside in self.stems:
            self.defects.append(OtherFilename(image.file_name, f"{label} names {named}"))
        for order, element in enumerate(row.findall("object"), 1):
            self._object(image, element, f"{label}: object {order}")

    def add_malformed(self, label: str, of_image: str | None, text: str) -> None:
        """Say what is wrong with an XML file: its image, if there is one, cannot be used."""
        files = self.images.get(of_image, []) if of_image else []
        for file in files:
            image = self._image(file, 0, 0, None)
            self.defects.append(MalformedImage(image.file_name, f"{label}: {text}"))
        if not files:
            self.defects.append(MalformedImage(f"{self.options.annotations}/{label}", text))

    def add_rest(self) -> None:
        """Add the images to which no XML file belongs."""
        for file in sorted(self.stems - self.taken):
            image = self._image(file, 0, 0, None)
            self.defects.append(UnannotatedImage(image.file_name))

    def _image(self, file: str, width: int, height: int, split: str | None) -> Image:
        self.taken.add(file)
        name = checked_path(f"{self.options.images}/{file}", "images")
        group = group_of(file, self.options.group)
        image = Image(len(self.dataset.images) + 1, name, width, height, group=group, split=split)
        image.relative = self.options.coordinates == "shares"
        self.dataset.images.append(image)
        return image

    def _object(self, image: Image, element: Element, where: str) -> None:
        name = unicodedata.normalize("NFC", text_of(element, "name"))
        box = self._box(element.find("bndbox"), f"{where} ({name})")
        if name not in self.numbers:
            self.defects.append(unknown_class(image.file_name, where, name, self.numbers))
        elif box is None:
            self.defects.append(ObjectWithoutBox(image.file_name, where))
        else:
            try:
                crowd = self.options.difficult == "crowd" and self._is_difficult(element, where)
            except DataError as error:
                self.defects.append(MalformedObject(image.file_name, str(error)))
                return
            annotation = Annotation(image.id, self.numbers[name], box, box[2] * box[3], crowd)
            self.dataset.annotations.append(annotation)

    def _is_difficult(self, element: Element, where: str) -> bool:
        return flag_of(text_of(element, "difficult"), f"{where}: difficult")

    def _box(self, element: Element | None, where: str) -> Box | None:
        """The box of a <bndbox>, NaN where a number is none; None without a <bndbox>."""
        if element is None:
            return None
        texts = [text_of(element, name) for name in ("xmin", "ymin", "xmax", "ymax")]
        if self.options.decimal == ",":
            texts = [text.replace(",", ".") for text in texts]
        elif any(_DECIMAL_COMMA.fullmatch(text) for text in texts):
            self.proofs["decimal"].append(where)
        left, top, right, bottom = map(number_or_nan, texts)
        coordinates = self.options.coordinates
        if coordinates == "sizes":
            return left, top, right, bottom
        if coordinates != "pixels":
            return left, top, right - left, bottom - top
        self.boxes += 1
        if 0 in (left, top):
            self.proofs["edges"].append(where)
        elif any(
            isfinite(value) and not value.is_integer() for value in (left, top, right, bottom)
        ):
            self.fractions.append(where)
        self.largest = max(self.largest, right, bottom)
        return left - 1, top - 1, right - left + 1, bottom - top + 1

    def doubts(self) -> list[Defect]:
        """A defect where the numbers of the source show that the options read them wrong."""
        meant = {
            "edges": "VOC counts pixels from 1, and these begin at 0 or have fractions, so that "
            "they are positions between pixels",
            "shares": "no number is above 1, so that they are shares of width and height",
            "decimal": "a comma stands before the fractions",
        }
        if len(self.fractions) > _SLIPS * self.boxes:
            self.proofs["edges"] += self.fractions
        if self.largest <= 1:
            self.proofs["shares"] = self.proofs.pop("edges")
        return [
            WrongUnit(
                self.options.annotations,
                f"{len(found)} boxes, such as {found[0]}: {meant[unit]}; set {REMEDIES[unit]}",
            )
            for unit, found in self.proofs.items()
            if found
        ]


# The share of boxes whose fractions prove nothing: VOC 2012 itself has two such files.
_SLIPS = 0.01
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")


def recognise(listing: Listing) -> Likeness | None:
    """XML files with <annotation>, and the folder whose images are named as they are."""
    return likeness(listing)
