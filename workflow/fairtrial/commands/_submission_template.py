"""What others ask for: the images, classes and columns of a submission."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from fairtrial import DataError
from fairtrial.commands._submission_images import Predicted, PredictedImage
from fairtrial.data.defect_actions import listed
from fairtrial.data.names import class_name, id_of
from fairtrial.files.jsonfile import read_json
from fairtrial.formats._tables import read_table

# What a column holds, by its name in any case.
COLUMNS = {
    "id": ("image_id", "id", "imageid"),
    "file": ("file_name", "filename", "file", "image", "image_name"),
    "class": ("class", "label", "class_name", "category", "name"),
    "class_id": ("category_id", "class_id"),
    "x": ("x", "xmin", "x_min", "left"),
    "y": ("y", "ymin", "y_min", "top"),
    "width": ("width", "w"),
    "height": ("height", "h"),
    "right": ("xmax", "x_max", "right"),
    "bottom": ("ymax", "y_max", "bottom"),
    "confidence": ("confidence", "score", "conf", "probability"),
}


@dataclass(frozen=True)
class CocoTemplate:
    """COCO JSON: the ids of the images by file name, and of the classes by name."""

    images: Mapping[str, int]
    classes: Mapping[str, int]

    def checked(self, predicted: Predicted, where: str) -> Predicted:
        """The predictions with the ids of the template, in its order. Raises DataError."""
        lacking = sorted(set(predicted.classes.values()) - set(self.classes))
        if lacking:
            there = ", ".join(self.classes)
            raise DataError(f"{where}: has no class {', '.join(lacking)}; it has {there}")
        found = _matched(predicted, self.images, where)
        images = [replace(found[name], own_id=number) for name, number in self.images.items()]
        return replace(predicted, images=tuple(images))


@dataclass(frozen=True)
class TableTemplate:
    """A CSV: its columns with what each holds, and the images that it names, in their order.

    by_file: its first column of images holds files; ids otherwise.
    """

    columns: Mapping[str, str]  # what it holds by its name: a key of COLUMNS, or `class:<name>`
    images: tuple[str, ...]
    by_file: bool
    labels: frozenset[str]  # the classes that its rows name

    def checked(self, predicted: Predicted, where: str) -> Predicted:
        """The predictions on its images, in its order. Raises DataError."""
        names = set(predicted.classes.values())
        if unknown := sorted(self.labels - names):
            ours = ", ".join(sorted(names))
            raise DataError(f"{where}: names the class {unknown[0]!r}; the run has {ours}")
        for column, holds in self.columns.items():
            if holds.startswith("class:") and holds.removeprefix("class:") not in names:
                raise DataError(f"{where}: what is the column {column!r}? {_known(names)}")
        of_classes = {holds for holds in self.columns.values() if holds.startswith("class:")}
        if of_classes and len(of_classes) < len(names):
            lacking = sorted(names - {holds.removeprefix("class:") for holds in of_classes})
            raise DataError(f"{where}: has no column for the class {', '.join(lacking)}")
        found = _matched(predicted, dict.fromkeys(self.images), where)
        images = [self._called(found[name], name) for name in self.images]
        return replace(predicted, images=tuple(images))

    def _called(self, image: PredictedImage, name: str) -> PredictedImage:
        """The image as the template calls it."""
        return replace(image, name=name) if self.by_file else replace(image, own_id=name)


def read_template(path: Path) -> CocoTemplate | TableTemplate:
    """The template in a JSON or a CSV file. Raises DataError where it is neither."""
    if path.suffix == ".json":
        return _coco(path)
    if path.suffix == ".csv":
        return _table(path)
    raise DataError(f"--template: {path}: must be .json or .csv")


def _coco(path: Path) -> CocoTemplate:
    content = read_json(path)
    try:
        images = {str(row["file_name"]): _id(row["id"], path) for row in content["images"]}
        rows = content["categories"]
        classes = {class_name(row["name"], str(path)): _id(row["id"], path) for row in rows}
    except (KeyError, TypeError) as error:
        raise DataError(f"{path}: needs `images` and `categories`, as COCO has them") from error
    if len(images) < len(content["images"]) or len(set(images.values())) < len(images):
        raise DataError(f"{path}: names an image or an id twice")
    return CocoTemplate(images, classes)


def _id(value: object, path: Path) -> int:
    number = id_of(value, str(path))
    if not isinstance(number, int):
        raise DataError(f"{path}: the id {value!r} is no whole number, as COCO's results need")
    return number


def _table(path: Path) -> TableTemplate:
    rows = read_table(Path(), str(path), ",", ())
    if not rows:
        raise DataError(f"{path}: has no row, so it does not say which images are asked for")
    columns = {name: _holds(name) for name in rows[0].cells}
    key = [name for name, holds in columns.items() if holds in ("file", "id")]
    if not key:
        raise DataError(f"{path}: has no column of images; {_known(())}")
    label = [name for name, holds in columns.items() if holds == "class"]
    labels = {row.text(label[0]) for row in rows} - {""} if label else set()
    images = dict.fromkeys(row.of(key[0]) for row in rows)
    by_file = columns[key[0]] == "file"
    return TableTemplate(columns, tuple(images), by_file, frozenset(labels))


def _holds(column: str) -> str:
    """What a column holds, by its name; that of a class where it has another name."""
    name = column.lower()
    found = next((holds for holds, names in COLUMNS.items() if name in names), None)
    return found if found is not None else f"class:{column}"


def _known(classes: Iterable[str]) -> str:
    names = ", ".join(names[0] for names in COLUMNS.values())
    more = f", or a class of the run: {', '.join(sorted(classes))}" if classes else ""
    return f"known are {names}{more}"


def _matched(
    predicted: Predicted, names: Mapping[str, object], where: str
) -> dict[str, PredictedImage]:
    """The predicted image of each name of the template: by its file, its own id or its stem.

    Raises DataError for those without prediction, and for those that are predicted and not asked.
    """
    by_name: dict[str, PredictedImage] = {}
    for image in reversed(predicted.images):
        path = PurePosixPath(image.name)
        for name in (path.stem, path.name, str(image.own_id), image.name):
            by_name[name] = image
    found = {name: by_name[name] for name in names if name in by_name}
    problems = [f"{name}: asked for, and not predicted" for name in names if name not in found]
    used = {image.name for image in found.values()}
    problems += [
        f"{image.name}: predicted, and not asked for"
        for image in predicted.images
        if image.name not in used
    ]
    if problems:
        raise DataError(f"{where}: {len(problems)} images do not match:\n{listed(problems)}")
    if len(used) < len(found):
        raise DataError(f"{where}: two of its names are one image")
    return found
