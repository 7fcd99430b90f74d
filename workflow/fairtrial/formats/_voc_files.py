"""The files of Pascal VOC: images by their stem, lists of splits, and what XML files state."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from fairtrial import DataError
from fairtrial.data.names import class_name, split_of
from fairtrial.data.raw_files import image_files, listed_files, present_folder

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def images_by_stem(folder: Path) -> dict[str, list[str]]:
    """The image files below a folder, by their path without suffix."""
    images: dict[str, list[str]] = {}
    for file in image_files(folder):
        images.setdefault(PurePosixPath(file).with_suffix("").as_posix(), []).append(file)
    return images


def lists_of_splits(folder: Path, image_sets: str | None) -> dict[str, str]:
    """The lists of images in the folder of image sets: the split of each, by its name."""
    if image_sets is None:
        return {}
    place = present_folder(folder, image_sets, "options: image_sets")
    files = [PurePosixPath(file) for file in listed_files(place)]
    lists = {str(file): split_of(file.stem) for file in files if file.suffix == ".txt"}
    return {file: split for file, split in lists.items() if split and "/" not in file}


def splits_by_stem(raw: Path, image_sets: str) -> dict[str, str]:
    """The split of each listed image, by stem."""
    splits: dict[str, str] = {}
    folder = raw / image_sets
    for name, split in lists_of_splits(raw, image_sets).items():
        path = folder / name
        text = path.read_text("utf-8-sig", errors="replace")
        for stem in filter(None, map(str.strip, text.splitlines())):
            if splits.setdefault(stem, split) != split:
                raise DataError(f"{path}: {stem} is in the split {splits[stem]!r} too")
    if not splits:
        raise DataError(f"{folder}: no train.txt, val.txt or test.txt with images in it")
    return splits


def parsed(folder: Path, files: dict[str, str]) -> tuple[dict[str, Element], dict[str, str]]:
    """The content of each XML file by stem, and what is wrong with each file that is none."""
    rows: dict[str, Element] = {}
    malformed: dict[str, str] = {}
    for stem, file in files.items():
        try:
            rows[stem] = _parse(folder, file)
        except ValueError as error:
            malformed[stem] = str(error)
    return rows, malformed


def _parse(folder: Path, file: str) -> Element:
    """Raises ValueError for what is not such XML."""
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException, ElementTree

    try:
        root = ElementTree.parse(folder / file).getroot()
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise ValueError(f"not valid XML ({error})") from error
    if root is None or root.tag != "annotation":
        raise ValueError("does not begin with <annotation>")
    return root


def text_of(element: Element | None, path: str) -> str:
    """The text of an element below another one; empty where it is not there."""
    text = element.findtext(path) if element is not None else None
    return (text or "").strip()


def class_names(row: Element) -> list[str]:
    """The names of the objects of an XML file."""
    names = (text_of(element, "name") for element in row.findall("object"))
    return [class_name(name, "name") for name in names if name]


def image_name(label: str, row: Element, files: list[str]) -> str | None:
    """The image of an XML file among `files`, those with its stem; None where there is none.

    Raises DataError where several have it and <filename> names none of them.
    """
    if len(files) <= 1:
        return files[0] if files else None
    named = PurePosixPath(text_of(row, "filename")).name
    chosen = [file for file in files if PurePosixPath(file).name == named]
    if len(chosen) != 1:
        raise DataError(f"{label}: which of {', '.join(files)} does it belong to?")
    return chosen[0]


def stated_size(row: Element) -> tuple[int, int]:
    """The stated width and height; 0 where they are not stated, empty or no number."""
    width, height = (text_of(row, f"size/{name}") for name in ("width", "height"))
    return (int(width), int(height)) if width.isdigit() and height.isdigit() else (0, 0)
