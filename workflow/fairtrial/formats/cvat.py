"""CVAT XML: "CVAT for images 1.1", one file with the shapes of all images."""

from __future__ import annotations

import re
from math import cos, radians, sin
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

from fairtrial import DataError
from fairtrial.data.boxes import Box
from fairtrial.data.dataset import Dataset
from fairtrial.data.defects import Defect, MalformedImage
from fairtrial.data.names import split_of
from fairtrial.files.folders import checked_path
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
from fairtrial.formats._numbers import number_or_nan, pixels_or_zero
from fairtrial.formats._recognition import Likeness, Listing
from fairtrial.formats._unread import no_such_file

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

SHAPES = ("box", "polygon", "mask", "ellipse", "polyline", "points", "cuboid", "skeleton", "tag")


class Settings(BaseModel):
    """The options of the format; paths are relative to the raw folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    annotations: str = "annotations.xml"
    images: str = "images"  # the folder to which names of images are relative
    # given: the subset of an image (train, val or validation, test) is its split; none: it is not.
    subsets: Literal["given", "none"] = "none"
    # The classes that there are; null: the labels of the task, by name.
    classes: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()  # classes whose objects are regions that count neither way
    # What an image's group is: `folder`, the folder in which it lies, or the part in brackets
    # of a regular expression that is searched in its path below `images`; null: no groups.
    group: Group | None = None


# What boxes are, for there is no other way to read them (see data/box_units.py).
WRITTEN = "CVAT's own shapes alone, which are in pixels, a box as two corners (xtl, ytl, xbr, ybr)"


def read(folder: Path, options: Settings) -> tuple[Dataset, list[Defect]]:
    """The file as a set. Turned boxes, polygons, ellipses and masks get the box around them.

    Tags (classes of whole images) are objects where no image has a shape, and have no box
    otherwise. Images and shapes that lack a name or a label are defects. Raises DataError for a
    file that is not such XML, and for tracks of a video.
    """
    root = _parse(folder / checked_path(options.annotations, "annotations"))
    images, unnamed = list[LabelledImage](), list[Defect]()
    rows = root.findall("image")
    tags_only = not any(shape.tag in SHAPES and shape.tag != "tag" for row in rows for shape in row)
    for at, row in enumerate(rows, 1):
        where = f"{options.annotations}: image {row.get('id', at)}"
        try:
            image = _image(folder, row, options, where)
        except DataError as error:
            unnamed.append(MalformedImage(options.annotations, str(error)))
            continue
        images.append(image)
        for number, shape in enumerate((s for s in row if s.tag in SHAPES), 1):
            try:
                image.objects.append(_object(shape, f"{where}, {shape.tag} {number}", tags_only))
            except DataError as error:
                image.unread.append(str(error))
    if not images and not unnamed:
        raise DataError(f"{options.annotations}: holds no <image>")
    dataset, defects = as_dataset(images, options.classes or _labels(root))
    defects += add_unnamed(dataset, images_below(folder, options.images))
    dataset.label_files.add(options.annotations)
    return with_ignored(dataset, options.ignore), unnamed + defects


def _parse(path: Path) -> Element:
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException, ElementTree

    try:
        root = ElementTree.parse(path).getroot()
    except FileNotFoundError as error:
        raise DataError(no_such_file(path)) from error
    except (ParseError, DefusedXmlException, ValueError, IsADirectoryError) as error:
        raise DataError(f"{path}: not valid XML ({error})") from error
    if root is None or root.tag != "annotations":
        raise DataError(f"{path}: does not begin with <annotations>")
    if root.find("track") is not None:
        raise DataError(f"{path}: tracks of a video; export it as `CVAT for images 1.1`")
    return root


def _labels(root: Element) -> list[str] | None:
    """The labels of the task or project that have a shape of their own; None without any."""
    rows = root.iterfind("meta/*/labels/label")
    names = {(row.findtext("name") or "").strip() for row in rows if row.find("parent") is None}
    return sorted(names - {""}) or None


def _image(folder: Path, row: Element, options: Settings, where: str) -> LabelledImage:
    """One image without its shapes. Raises DataError where it has no name."""
    name = row.get("name", "").replace("\\", "/")
    if not name:
        raise DataError(f"{where}: has no name")
    subset = row.get("subset", "")
    file = checked_path(f"{options.images}/{name}", where)
    inside = checked_path(f"{options.images}/{subset or '.'}/{name}", where)
    if not (folder / file).is_file() and (folder / inside).is_file():
        file = inside  # exports of projects have a folder a subset
    size = pixels_or_zero(row.get("width", "")), pixels_or_zero(row.get("height", ""))
    image = LabelledImage(file, size, where=where)
    try:
        image.group = group_of(name, options.group)
    except DataError as error:
        image.wrong.append(f"{where}: {error}")
    if options.subsets == "given":
        image.split = split_of(subset)
        if image.split is None:
            image.wrong.append(f"{where}: the subset {subset!r} is not train, validation or test")
    return image


def _object(shape: Element, where: str, tags_only: bool) -> LabelledObject:
    label = shape.get("label", "").strip()
    if not label:
        raise DataError(f"{where}: has no label")
    if shape.tag == "box":
        box, turn = _corners(shape), number_or_nan(shape.get("rotation", "0"))
        if not turn:
            return LabelledObject(label, box, where)
        return LabelledObject(label, _turned(box, turn), where, box[2] * box[3], outline=True)
    if shape.tag == "polygon":
        points = _points(shape, where)
        return LabelledObject(label, box_around(points), where, polygon_area(points), outline=True)
    if shape.tag in ("mask", "ellipse"):
        around = _around_mask(shape) if shape.tag == "mask" else _around_ellipse(shape)
        return LabelledObject(label, around, where, outline=True)
    return LabelledObject(label, None, where, whole=tags_only)


def _values(shape: Element, *keys: str) -> list[float]:
    return [number_or_nan(shape.get(key, "")) for key in keys]


def _corners(shape: Element) -> Box:
    left, top, right, bottom = _values(shape, "xtl", "ytl", "xbr", "ybr")
    return left, top, right - left, bottom - top


def _turned(box: Box, degrees: float) -> Box:
    """The box around a box that is turned about its centre."""
    x, y, w, h = box
    across, down = abs(cos(radians(degrees))), abs(sin(radians(degrees)))
    width, height = w * across + h * down, w * down + h * across
    return x + (w - width) / 2, y + (h - height) / 2, width, height


def _around_mask(shape: Element) -> Box:
    left, top, width, height = _values(shape, "left", "top", "width", "height")
    return left, top, width, height


def _around_ellipse(shape: Element) -> Box:
    """The box around an ellipse; one that is turned by φ reaches √(rx² cos² φ + ry² sin² φ)."""
    x, y, rx, ry = _values(shape, "cx", "cy", "rx", "ry")
    turn = radians(number_or_nan(shape.get("rotation", "0")))
    across = ((rx * cos(turn)) ** 2 + (ry * sin(turn)) ** 2) ** 0.5
    down = ((rx * sin(turn)) ** 2 + (ry * cos(turn)) ** 2) ** 0.5
    return x - across, y - down, 2 * across, 2 * down


def _points(shape: Element, where: str) -> list[Point]:
    pairs = [pair.split(",") for pair in shape.get("points", "").split(";") if pair.strip()]
    if len(pairs) < 3 or any(len(pair) != 2 for pair in pairs):
        raise DataError(f"{where}: `points` are not three or more pairs `x,y`")
    return [(number_or_nan(x), number_or_nan(y)) for x, y in pairs]


def recognise(listing: Listing) -> Likeness | None:
    """One XML file with <annotations> and <image>, and the folder of its images."""
    files = listing.ending(".xml")[:20]
    files = [f for f in files if re.search(r"<annotations>.*<(image|meta)", listing.head(f), re.S)]
    if not files:
        return None
    rows = _parse(listing.folder / files[0]).findall("image")
    names, subsets = [row.get("name", "") for row in rows], {row.get("subset") for row in rows}
    place, found = listing.folder_of(names, files[0])
    inside = [f"{row.get('subset')}/{row.get('name')}" for row in rows]
    if (other := listing.folder_of(inside, files[0]))[1] > found:
        place, found = other
    given = {"train", "val"} <= {split_of(str(subset)) for subset in subsets}
    options: dict[str, object] = {"annotations": files[0], "images": place}
    if given and all(split_of(str(subset)) for subset in subsets):
        options["subsets"] = "given"
    seen = f"CVAT XML in {files[0]}; {found} of {len(rows)} images are in {place}"
    return Likeness("certain", seen, options)
