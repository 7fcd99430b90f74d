"""The values in a row of COCO JSON: numbers, boxes, and segments as the box around them."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any, TypeVar

from fairtrial import DataError
from fairtrial.data.boxes import Box


class RowError(Exception):
    """A row that cannot be read; the message says what is wrong in it."""


T = TypeVar("T")


def of_row(read: Callable[[object, str], T], value: object, key: str) -> T:
    """What a function of data/names.py makes of the value of a key. Raises RowError."""
    try:
        return read(value, key)
    except DataError as error:
        raise RowError(str(error)) from error


def stated_size(value: object, key: str) -> int:
    """A stated width or height in pixels; 0 for one that is not stated."""
    number = number_of(value or 0, key)
    if not isfinite(number):
        raise RowError(f"{key} is {value!r}")
    return int(number)


def box_of(value: object) -> Box:
    """The four numbers of `bbox`. Raises RowError."""
    if not isinstance(value, list | tuple) or len(value) != 4:
        size = f"{len(value)} values" if isinstance(value, list) else f"{value!r}"
        raise RowError(f"bbox has {size}, not the 4 numbers of a box")
    x, y, w, h = (number_of(each, "bbox") for each in value)
    return x, y, w, h


def around(segment: object) -> Box | None:
    """The box around a segment (polygons, or COCO's run lengths); None for an empty one."""
    if not segment:
        return None
    try:
        box = _around_runs(segment) if isinstance(segment, dict) else _around_polygons(segment)
    except RowError:
        raise
    except Exception as error:  # whatever pycocotools raises, these are no run lengths
        raise RowError(f"segmentation: neither polygons nor run lengths ({error})") from error
    return box


def _around_runs(segment: dict[str, Any]) -> Box | None:
    from pycocotools import mask

    height, width = segment["size"]
    counts = segment["counts"]
    coded = mask.frPyObjects(segment, height, width) if isinstance(counts, list) else segment
    if mask.area(coded) > height * width:
        raise RowError("segmentation: the run lengths are longer than the image")
    x, y, w, h = map(float, mask.toBbox(coded))
    return (x, y, w, h) if w and h else None


def _around_polygons(polygons: object) -> Box | None:
    if not isinstance(polygons, list):
        raise RowError(f"segmentation: neither polygons nor run lengths: {polygons!r}")
    if all(isinstance(each, int | float) for each in polygons):
        raise RowError("segmentation: a flat list of numbers, not a list of polygons")
    if not all(isinstance(each, list) and len(each) >= 6 for each in polygons):
        raise RowError("segmentation: a polygon has fewer than three corners")
    across = [number_of(value, "segmentation") for each in polygons for value in each[0::2]]
    down = [number_of(value, "segmentation") for each in polygons for value in each[1::2]]
    left, top = min(across), min(down)
    return left, top, max(across) - left, max(down) - top


def number_of(value: object, key: str) -> float:
    """A number; NaN for null. Raises RowError for what is none."""
    if isinstance(value, int | float):
        return float(value)
    if value is None:
        return float("nan")
    try:
        return float(str(value))
    except ValueError as error:
        raise RowError(f"{key}: {value!r} is no number") from error
