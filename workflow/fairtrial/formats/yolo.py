"""YOLO: one text file an image, a line an object, and a data.yaml that names the classes.

A line is `<class> <centre x> <centre y> <width> <height>`, in shares of the image's width
and height. An image without a text file has no objects, as the format has it.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from fairtrial import DataError, imagefile
from fairtrial.dataset import SIDES, Annotation, Dataset, Image
from fairtrial.defects import Defect, MissingImage
from fairtrial.folders import files_below


class Settings(BaseModel):
    """The options of the format."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    yaml: str = "data.yaml"  # relative to the raw folder
    # Image folders of each side, relative to the raw folder; null: as data.yaml says.
    # Needed where data.yaml names places outside the raw folder, as many exports do.
    splits: dict[Literal["train", "val", "test"], str] | None = None


def read(folder: Path, options: Settings) -> tuple[Dataset, list[Defect]]:
    """All sides as one set; the labels of …/images/… stand in …/labels/….

    Raises DataError for a data.yaml without names, a side that is not a folder below the
    raw folder, an unknown class, and a line that is not five numbers.
    """
    content = _yaml(folder / options.yaml)
    found = Dataset(categories=_categories(content, options.yaml))
    sides = options.splits or _sides(content, PurePosixPath(options.yaml).parent)
    faults: list[Defect] = []
    for side, part in sides.items():
        if PurePosixPath(part).is_absolute() or not _is_below(folder / part, folder):
            raise DataError(
                f"{options.yaml}: {side}: there is no folder {part} in {folder}; "
                "say where the images are with options: splits"
            )
        files = [PurePosixPath(part, file) for file in files_below(folder / part)]
        images = [file for file in files if file.suffix.lower() in imagefile.SUFFIXES]
        for path in images:
            _add(found, folder, path, side)
        faults += _labels_alone(folder, PurePosixPath(part), images)
    _refuse_shared(found)
    return found, faults


def _is_below(path: Path, folder: Path) -> bool:
    return path.is_dir() and path.resolve().is_relative_to(folder.resolve())


def _yaml(path: Path) -> dict[str, Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not valid YAML ({error})") from error
    if not isinstance(content, dict):
        raise DataError(f"{path}: has no `names:`")
    return content


def _categories(content: dict[str, Any], where: str) -> dict[int, str]:
    """Names by category id: the class number of the format, plus one."""
    names = content.get("names")
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not names or not all(isinstance(n, int) for n in names):
        raise DataError(f"{where}: `names:` is neither a list nor a map of class names")
    if content.get("nc", len(names)) != len(names):
        raise DataError(f"{where}: nc is {content['nc']}, but there are {len(names)} names")
    if len(set(names.values())) < len(names):
        raise DataError(f"{where}: two classes have the same name")
    return {number + 1: str(name) for number, name in names.items()}


def _sides(content: dict[str, Any], parent: PurePosixPath) -> dict[str, str]:
    """The image folder of each side that data.yaml names, relative to the raw folder."""
    found: dict[str, str] = {}
    for side in SIDES:
        part = content.get(side)
        if part is None:
            continue
        if not isinstance(part, str):
            raise DataError(f"data.yaml: {side}: only one folder is read, not {part!r}")
        found[side] = (parent / str(content.get("path") or ".") / part).as_posix()
    if not found:
        raise DataError("data.yaml: names no train, val or test folder")
    return found


def _label_path(image: PurePosixPath) -> PurePosixPath:
    """Where an image's text file is: beside it, or in `labels` if it is in an `images`."""
    parts = list(image.with_suffix(".txt").parts)
    for at in range(len(parts) - 2, -1, -1):
        if parts[at] == "images":
            parts[at] = "labels"
            break
    return PurePosixPath(*parts)


def _labels_alone(folder: Path, part: PurePosixPath, images: list[PurePosixPath]) -> list[Defect]:
    """A defect for each text file that no image belongs to."""
    labels = _label_path(part / "any.jpg").parent
    if labels == part or not (folder / labels).is_dir():
        return []
    expected = {_label_path(image).as_posix() for image in images}
    files = ((labels / file).as_posix() for file in files_below(folder / labels))
    return [MissingImage(file) for file in files if file.endswith(".txt") and file not in expected]


def _add(found: Dataset, folder: Path, path: PurePosixPath, side: str) -> None:
    number = len(found.images) + 1
    # an image without a readable header has no pixels to count in; `convert` drops it
    width, height = imagefile.size(folder / path) or (0, 0)
    found.images.append(Image(number, path.as_posix(), width, height, split=side))
    label = folder / _label_path(path)
    if not width or not label.is_file():
        return
    for at, line in enumerate(label.read_text("utf-8-sig", "replace").splitlines(), 1):
        if line.strip():
            category, x, y, w, h = _line(line, f"{_label_path(path)}:{at}", found.categories)
            box = ((x - w / 2) * width, (y - h / 2) * height, w * width, h * height)
            found.annotations.append(Annotation(number, category, box, box[2] * box[3]))


def _line(
    line: str, where: str, categories: dict[int, str]
) -> tuple[int, float, float, float, float]:
    try:
        kind, x, y, w, h = (float(text) for text in line.split())
    except ValueError as error:
        raise DataError(f"{where}: not `class x y width height`: {line!r}") from error
    if kind + 1 not in categories:
        raise DataError(f"{where}: unknown class {kind:g}; there are {len(categories)} names")
    return int(kind) + 1, x, y, w, h


def _refuse_shared(found: Dataset) -> None:
    sides: dict[str, str | None] = {}
    for image in found.images:
        if image.file_name in sides:
            raise DataError(
                f"{image.file_name} is on the sides {sides[image.file_name]!r} and {image.split!r}"
            )
        sides[image.file_name] = image.split
