"""Pascal VOC: one XML file an image, and text files that list the images of each side."""

from __future__ import annotations

from math import nan
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

from fairtrial import DataError
from fairtrial.dataset import SIDES, Annotation, Dataset, Image
from fairtrial.defects import Box, Defect, MissingImage, UnannotatedImage
from fairtrial.folders import checked_path, files_below
from fairtrial.imagefile import SUFFIXES

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


class Settings(BaseModel):
    """The options of the format; folders are relative to the raw folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    annotations: str = "Annotations"  # folder of the XML files
    images: str = "JPEGImages"  # folder of the images, named as their XML files
    # Folder of train.txt, val.txt, test.txt (image names without suffix) that give each
    # image's side; null: no side is given.
    image_sets: str | None = None
    # What xmin … ymax mean. pixels: the first and the last pixel of the object, counted
    # from 1, as VOC defines it: x = xmin - 1, width = xmax - xmin + 1. edges: positions
    # between pixels, as most labelling tools write them: x = xmin, width = xmax - xmin.
    coordinates: Literal["pixels", "edges"] = "pixels"
    # The classes that there are; null: every name found. A name not listed is an error.
    classes: tuple[str, ...] | None = None


def read(folder: Path, options: Settings) -> tuple[Dataset, list[Defect]]:
    """Every XML file as an image; objects marked difficult are objects like any other.

    The image of an XML file is the one with the same stem, or, where several have it, the
    one that <filename> names. Raises DataError for a file that is not such XML, an unknown
    class, an image on two sides, and where the folders are missing.
    """
    images = _by_stem(folder / options.images)
    sides = _sides(folder / options.image_sets) if options.image_sets is not None else {}
    rows = {
        PurePosixPath(path).with_suffix("").as_posix(): _parse(folder / options.annotations, path)
        for path in _present(folder / options.annotations)
        if path.endswith(".xml")
    }
    if missing := sorted(set(sides) - set(rows)):
        raise DataError(f"{options.image_sets} lists images without an XML file: {missing[:5]}")
    classes = options.classes or sorted({name for row in rows.values() for name in _names(row)})
    found = Dataset(categories=dict(enumerate(classes, 1)))
    faults: list[Defect] = []
    for number, (stem, row) in enumerate(sorted(rows.items()), 1):
        file = _image_name(stem, row, images.get(stem, []))
        if file is None:
            faults.append(MissingImage(f"{options.annotations}/{stem}.xml"))
            continue
        name = checked_path(f"{options.images}/{file}", "images")
        found.images.append(Image(number, name, *_size(row), split=sides.get(stem)))
        found.annotations += _objects(row, number, found.categories, stem, options.coordinates)
    left_out = sorted({file for stem in set(images) - set(rows) for file in images[stem]})
    return found, faults + [UnannotatedImage(f"{options.images}/{file}") for file in left_out]


def _present(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder} (options of the format voc)")
    return files_below(folder)


def _by_stem(folder: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for file in _present(folder):
        path = PurePosixPath(file)
        if path.suffix.lower() in SUFFIXES:
            found.setdefault(path.with_suffix("").as_posix(), []).append(file)
    return found


def _sides(folder: Path) -> dict[str, str]:
    """The side of each listed image, by stem."""
    found: dict[str, str] = {}
    for side in SIDES:
        path = folder / f"{side}.txt"
        text = path.read_text("utf-8-sig", errors="replace") if path.is_file() else ""
        for stem in filter(None, map(str.strip, text.splitlines())):
            if found.setdefault(stem, side) != side:
                raise DataError(f"{path}: {stem} is on the side {found[stem]!r} too")
    if not found:
        raise DataError(f"{folder}: no train.txt, val.txt or test.txt with images in it")
    return found


def _parse(folder: Path, file: str) -> Element:
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException, ElementTree

    try:
        root = ElementTree.parse(folder / file).getroot()
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise DataError(f"{folder / file}: not valid XML ({error})") from error
    if root is None or root.tag != "annotation":
        raise DataError(f"{folder / file}: does not begin with <annotation>")
    return root


def _text(element: Element | None, path: str) -> str:
    text = element.findtext(path) if element is not None else None
    return (text or "").strip()


def _names(row: Element) -> list[str]:
    return [_text(element, "name") for element in row.findall("object")]


def _image_name(stem: str, row: Element, files: list[str]) -> str | None:
    if len(files) <= 1:
        return files[0] if files else None
    named = PurePosixPath(_text(row, "filename")).name
    chosen = [file for file in files if PurePosixPath(file).name == named]
    if len(chosen) != 1:
        raise DataError(f"{stem}: which of {', '.join(files)} does {stem}.xml belong to?")
    return chosen[0]


def _size(row: Element) -> tuple[int, int]:
    """The stated width and height; 0 where they are not stated, empty or no number."""
    width, height = (_text(row, f"size/{name}") for name in ("width", "height"))
    return (int(width), int(height)) if width.isdigit() and height.isdigit() else (0, 0)


def _objects(
    row: Element, image: int, categories: dict[int, str], stem: str, coordinates: str
) -> list[Annotation]:
    numbers = {name: number for number, name in categories.items()}
    found = []
    for order, element in enumerate(row.findall("object"), 1):
        where = f"{stem}.xml: object {order}"
        name = _text(element, "name")
        if not name or name not in numbers:
            raise DataError(f"{where}: unknown class {name!r}; there are {', '.join(numbers)}")
        box = _box(element.find("bndbox"), where, coordinates)
        found.append(Annotation(image, numbers[name], box, box[2] * box[3]))
    return found


def _box(element: Element | None, where: str, coordinates: str) -> Box:
    if element is None:
        raise DataError(f"{where}: has no <bndbox>")
    left, top, right, bottom = (
        _number(_text(element, name), f"{where}: <{name}>")
        for name in ("xmin", "ymin", "xmax", "ymax")
    )
    first = 1 if coordinates == "pixels" else 0
    return left - first, top - first, right - left + first, bottom - top + first


def _number(text: str, where: str) -> float:
    try:
        return float(text) if text else nan
    except ValueError as error:
        raise DataError(f"{where}: {text!r} is not a number") from error
