"""YOLO: one text file an image, a line an object, and a data.yaml that names the classes.

A line is `<class> <centre x> <centre y> <width> <height>`, in shares of the image's width
and height, or `<class> <x> <y> <x> <y> …` for a polygon. An image without a text file has no
objects, as the format has it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import BaseModel, ConfigDict

from fairtrial import DataError
from fairtrial.data.boxes import Box, Size, shares
from fairtrial.data.dataset import SPLITS, Annotation, Dataset, Image, SplitDataset
from fairtrial.data.defects import (
    BoxFromSegment,
    Defect,
    LabelWithoutImage,
    MalformedObject,
    NoLabelFile,
    UnknownClass,
)
from fairtrial.data.names import class_name, id_of, split_of
from fairtrial.data.raw_files import is_image, listed_files, no_folder
from fairtrial.files.folders import checked_path, copy_file
from fairtrial.formats._ignored import with_ignored
from fairtrial.formats._names import Group, Naming, by_stem, exported_names, group_of, image_stems
from fairtrial.formats._recognition import (
    Likeness,
    Listing,
    augmented_group,
    by_split,
    common_folder,
    holding,
)

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
    content = _content(folder, options)
    categories = _categories(content, options.names or options.yaml)
    reader = _YoloReader(folder, options, Dataset(categories=categories))
    for split, part in _places(content, options):
        if PurePosixPath(part).is_absolute() or not _is_below(folder / part, folder):
            option = f"{options.yaml}: {split or 'images'}; splits"
            raise no_folder(folder, part, option)
        reader.add_place(part, split)
    reader.refuse_ids_from_one()
    reader.dataset.label_files.add(options.names or options.yaml)
    return with_ignored(reader.dataset, options.ignore), reader.defects


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
        raise DataError(
            "options: `names` needs `images`, or `splits` beside `options`: there is no data.yaml"
        )
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
    if not rows or any(isinstance(v, dict | list) for _, v in rows):
        raise DataError(f"{where}: `names:` is neither a list nor a map of class names")
    categories = {_number(n, where): class_name(name, f"{where}: names") for n, name in rows}
    if id_of(content.get("nc", len(categories)), f"{where}: nc") != len(categories):
        raise DataError(f"{where}: nc is {content['nc']}, but there are {len(categories)} names")
    if len(set(categories.values())) < len(categories):
        raise DataError(f"{where}: two classes have the same name")
    return categories


def _number(value: object, where: str) -> int:
    number = id_of(value, f"{where}: names")
    if not isinstance(number, int):
        raise DataError(f"{where}: names: {value!r} is no number of a class")
    return number


def _places(content: dict[str, object], options: Settings) -> list[tuple[str | None, str]]:
    """The split and the path, relative to the raw folder, of each folder or list of images."""
    if options.images is not None:
        return [(None, options.images)]
    if options.splits is not None:
        return [(split, part) for split, part in options.splits.items()]
    root = PurePosixPath(options.yaml).parent / str(content.get("path") or ".")
    places: list[tuple[str | None, str]] = []
    keys = {split_of(key): key for key in content} | {key: key for key in SPLITS if key in content}
    for split in SPLITS:
        parts = content.get(keys.get(split, split)) or []
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
            self.label_folders[images] = _label_folder(self.folder, images)
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
            label, *shares = _line(line)
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
        box = _box([value / 100 for value in shares] if self.options.boxes == "percent" else shares)
        self.dataset.annotations.append(Annotation(image.id, int(label), box, box[2] * box[3]))


def _label_folder(raw: Path, images: PurePosixPath) -> PurePosixPath:
    """Where the text files of a folder of images are: in it, or in `labels` for an `images`.

    As both may be written in capitals, the disk decides where they differ.
    """
    parts = list(images.parts)
    for at in range(len(parts) - 1, -1, -1):
        if parts[at].lower() != "images":
            continue
        above = raw / PurePosixPath(*parts[:at])
        there = sorted(path.name for path in above.iterdir()) if above.is_dir() else []
        same = [name for name in there if name.lower() == "labels"]
        usual = "Labels" if parts[at] == "Images" else "labels"
        parts[at] = usual if usual in same or not same else same[0]
        break
    return PurePosixPath(*parts)


def _line(line: str) -> list[float]:
    """The class and four shares, or the class and the corners of a polygon.

    Raises ValueError for a line that is neither.
    """
    try:
        numbers = [float(text) for text in line.split()]
    except ValueError:
        numbers = []
    if len(numbers) == 5 or (len(numbers) >= 7 and len(numbers) % 2):
        return numbers
    count = len(line.split())
    hint = "; it has decimal commas" if re.search(r"\d,\d", line) else f"; it has {count} values"
    raise ValueError(f"neither `class x y width height` nor a polygon: {line!r}{hint}")


def _box(shares: list[float]) -> Box:
    """The box (left, top, width, height) in shares, of a box by its centre or of a polygon."""
    if len(shares) == 4:
        x, y, w, h = shares
        return x - w / 2, y - h / 2, w, h
    across, down = shares[0::2], shares[1::2]
    return min(across), min(down), max(across) - min(across), max(down) - min(down)


_LIKE_A_LABEL = re.compile(r"\s*\d+(\.0*)?( +-?[\d.]+(e-?\d+)?){4,}\s*")


def recognise(listing: Listing) -> Likeness | None:
    """Text files of numbers beside images, and a file that names the classes."""
    texts = [file for file in listing.ending(".txt") if _is_label(listing, file)]
    yamls = [
        f for f in listing.ending(".yaml", ".yml") if re.search(r"^names *:", listing.head(f), re.M)
    ]
    lists = [
        f for f in listing.files if PurePosixPath(f).name.lower() in ("obj.names", "classes.txt")
    ]
    if not texts or not (yamls or lists):
        return None
    options: dict[str, object] = {}
    if yamls:
        options["yaml"] = yamls[0]
    else:
        options["names"] = lists[0]
    if not yamls or not _finds_its_images(listing.folder, yamls[0]):
        folders = holding(listing.images)
        if splits := by_split(folders):
            options["splits"] = splits
        else:
            options["images"] = common_folder(listing.images)
    if group := augmented_group(listing.images):
        options["group"] = group
    named = (yamls or lists)[0]
    seen = f"{len(texts)} text files of YOLO, classes in {named}, {len(listing.images)} images"
    return Likeness("certain", seen, options)


def _is_label(listing: Listing, file: str) -> bool:
    lines = listing.head(file)[:2000].splitlines()
    return bool(lines) and _LIKE_A_LABEL.fullmatch(lines[0]) is not None


def _finds_its_images(folder: Path, yaml: str) -> bool:
    """Whether each place that data.yaml names is in the folder."""
    try:
        places = _places(_yaml(folder / yaml), Settings(yaml=yaml))
    except DataError:
        return False
    return all(
        not PurePosixPath(part).is_absolute() and _is_below(folder / part, folder)
        for _, part in places
    )
