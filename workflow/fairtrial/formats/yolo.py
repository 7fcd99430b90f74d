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
from fairtrial.data import imagefile
from fairtrial.data.boxes import Box, Size, shares
from fairtrial.data.dataset import SPLITS, Annotation, Dataset, Image, SplitDataset
from fairtrial.data.defects import (
    BoxFromSegment,
    Defect,
    LabelWithoutImage,
    NoLabelFile,
    UnknownClass,
)
from fairtrial.files.folders import checked_path, copy_file, files_below
from fairtrial.formats._ignored import with_ignored
from fairtrial.formats._names import Group, Naming, by_stem, exported_names, group_of, image_stems

WRITES = "detect"  # the task of the sets that it can write
LOSES = "crowd regions, areas of segments and groups"  # what the format cannot hold


class Settings(BaseModel):
    """The options of the format."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    yaml: str = "data.yaml"  # relative to the raw folder
    # A text file of class names, a line each, instead of data.yaml: CVAT's obj.names, or the
    # classes.txt of labelling tools. Needs `splits` or `images`.
    names: str | None = None
    # Image folders of each split (or text files that list images), relative to the raw folder;
    # null: as data.yaml says. Needed where data.yaml names places outside the raw folder, as
    # many exports do.
    splits: dict[Literal["train", "val", "test"], str] | None = None
    # One folder of images that are in no split, instead of `splits`.
    images: str | None = None
    ignore: tuple[str, ...] = ()  # classes whose objects are regions that count neither way
    # What an image's group is: `folder`, the folder in which it lies, or the part in brackets
    # of a regular expression that is searched in its path below its image folder; null: none.
    group: Group | None = None
    # The rule by which the name of a text file gives that of its image; null: they are equal.
    naming: Naming | None = None


def read(folder: Path, options: Settings) -> tuple[Dataset, list[Defect]]:
    """All splits as one set, boxes as shares; labels of …/images/… are in …/labels/….

    Raises DataError for a data.yaml without names or of poses, a split that is not below the raw
    folder, and a line that is neither a box nor a polygon.
    """
    content = _content(folder, options)
    categories = _categories(content, options.names or options.yaml)
    reader = _YoloReader(folder, options, Dataset(categories=categories))
    for split, part in _places(content, options):
        if PurePosixPath(part).is_absolute() or not _is_below(folder / part, folder):
            raise DataError(
                f"{options.yaml}: {split or 'images'}: there is no folder {part} in {folder}; "
                "say where the images are with options: splits"
            )
        reader.add_place(part, split)
    return with_ignored(reader.dataset, options.ignore), reader.defects


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


def _is_below(path: Path, folder: Path) -> bool:
    return path.exists() and path.resolve().is_relative_to(folder.resolve())


def _content(folder: Path, options: Settings) -> dict[str, object]:
    """The content of data.yaml, or a list of class names in its place."""
    if options.names is None:
        return _yaml(folder / options.yaml)
    path = folder / checked_path(options.names, "options: names")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not a list of class names ({error})") from error
    if options.images is None and options.splits is None:
        raise DataError("options: `names` needs `splits` or `images`, for there is no data.yaml")
    return {"names": [line.strip() for line in lines if line.strip()]}


def _yaml(path: Path) -> dict[str, object]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not valid YAML ({error})") from error
    if not isinstance(content, dict):
        raise DataError(f"{path}: has no `names:`")
    if content.get("kpt_shape"):  # a line of a pose could pass for a polygon
        raise DataError(f"{path}: `kpt_shape`: labels of poses are not read; export boxes")
    return content


def _categories(content: dict[str, object], where: str) -> dict[int, str]:
    """Class names by the format's numbers, from 0. Raises DataError where they are malformed."""
    names = content.get("names")
    names = dict(enumerate(names)) if isinstance(names, list) else names
    rows = names.items() if isinstance(names, dict) else ()
    if not rows or any(type(n) is not int or isinstance(v, dict | list | None) for n, v in rows):
        raise DataError(f"{where}: `names:` is neither a list nor a map of class names")
    categories = {number: str(name) for number, name in rows}
    if content.get("nc", len(categories)) != len(categories):
        raise DataError(f"{where}: nc is {content['nc']}, but there are {len(categories)} names")
    if len(set(categories.values())) < len(categories):
        raise DataError(f"{where}: two classes have the same name")
    return categories


def _places(content: dict[str, object], options: Settings) -> list[tuple[str | None, str]]:
    """The split and the path, relative to the raw folder, of each folder or list of images."""
    if options.images is not None:
        return [(None, options.images)]
    if options.splits is not None:
        return [(split, part) for split, part in options.splits.items()]
    root = PurePosixPath(options.yaml).parent / str(content.get("path") or ".")
    places: list[tuple[str | None, str]] = []
    for split in SPLITS:
        parts = content.get(split) or []
        for part in parts if isinstance(parts, list) else [parts]:
            places.append((split, (root / str(part)).as_posix()))
    if not places:
        raise DataError("data.yaml: names no train, val or test folder")
    return places


class _YoloReader:
    """Adds folders and lists of images to a set, and collects their defects."""

    def __init__(self, folder: Path, options: Settings, dataset: Dataset) -> None:
        self.folder, self.options, self.dataset = folder, options, dataset
        self.defects: list[Defect] = []
        self.splits: dict[str, str | None] = {}

    def add_place(self, part: str, split: str | None) -> None:
        """Add a folder of images with its labels, or a text file that lists images."""
        top = PurePosixPath("." if part.endswith(".txt") else part)
        paths = self._listed(part) if part.endswith(".txt") else self._below(top)
        images = [path for path in paths if path.suffix.lower() in imagefile.SUFFIXES]
        labels = self._labels(images, None if part.endswith(".txt") else top)
        for path in images:
            self._add(path, split, group_of(str(path.relative_to(top)), self.options.group))
            self._add_objects(self.dataset.images[-1], labels.get(path))

    def _below(self, place: PurePosixPath) -> list[PurePosixPath]:
        return [place / name for name in files_below(self.folder / place)]

    def _listed(self, part: str) -> list[PurePosixPath]:
        """The images that a text file lists, relative to its own folder."""
        base = PurePosixPath(part).parent
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
            owners.setdefault(_label_path(image).with_suffix("").as_posix(), []).append(image)
        label_folder = top and _label_path(top / "any.jpg").parent
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
        return labels

    def _add(self, path: PurePosixPath, split: str | None, group: str | None) -> None:
        name = path.as_posix()
        if self.splits.setdefault(name, split) != split:
            raise DataError(f"{name} is in the splits {self.splits[name]!r} and {split!r}")
        number = len(self.dataset.images) + 1
        image = Image(number, name, 0, 0, group=group, split=split, relative=True)
        self.dataset.images.append(image)

    def _add_objects(self, image: Image, label: str | None) -> None:
        if label is None:
            self.defects.append(NoLabelFile(image.file_name))
            return
        lines = (self.folder / label).read_text("utf-8-sig", "replace").splitlines()
        for at, line in enumerate(lines, 1):
            if line.strip():
                self._object(image, line, f"{label}:{at}")

    def _object(self, image: Image, line: str, where: str) -> None:
        label, *shares = _line(line, where)
        if label not in self.dataset.categories:
            seen = f"{where}: class {label:g}, where there are {len(self.dataset.categories)} names"
            self.defects.append(UnknownClass(image.file_name, seen))
            return
        if len(shares) > 4:
            self.defects.append(BoxFromSegment(image.file_name, where))
        box = _box(shares)
        self.dataset.annotations.append(Annotation(image.id, int(label), box, box[2] * box[3]))


def _label_path(image: PurePosixPath) -> PurePosixPath:
    """Where an image's text file is: beside it, or in `labels` if it is in an `images`."""
    parts = list(image.with_suffix(".txt").parts)
    for at in range(len(parts) - 2, -1, -1):
        if parts[at] == "images":
            parts[at] = "labels"
            break
    return PurePosixPath(*parts)


def _line(line: str, where: str) -> list[float]:
    """The class and four shares, or the class and the corners of a polygon."""
    try:
        numbers = [float(text) for text in line.split()]
    except ValueError:
        numbers = []
    if len(numbers) == 5 or (len(numbers) >= 7 and len(numbers) % 2):
        return numbers
    raise DataError(f"{where}: neither `class x y width height` nor a polygon: {line!r}")


def _box(shares: list[float]) -> Box:
    """The box (left, top, width, height) in shares, of a box by its centre or of a polygon."""
    if len(shares) == 4:
        x, y, w, h = shares
        return x - w / 2, y - h / 2, w, h
    across, down = shares[0::2], shares[1::2]
    return min(across), min(down), max(across) - min(across), max(down) - min(down)
