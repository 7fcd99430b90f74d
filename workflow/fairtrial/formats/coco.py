"""COCO JSON: one file, or several that put their images on given sides."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from fairtrial import DataError, dataset
from fairtrial.dataset import Annotation, Dataset, Image
from fairtrial.defects import Defect
from fairtrial.folders import checked_path


class File(BaseModel):
    """One JSON file and the folder of its images, both relative to the raw folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    annotations: str
    images: str = "."
    # The side on which all images of this file stand; null: none is given.
    split: Literal["train", "val", "test"] | None = None


class Settings(BaseModel):
    """The options of the format."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: tuple[File, ...] = (File(annotations="annotations.json", images="images"),)
    # The key of an image that names its group (patient, video, scene); null: no groups.
    group: str | None = None


def read(folder: Path, options: Settings) -> tuple[Dataset, list[Defect]]:
    """All files as one set. Crowd objects are kept, segments are not.

    Raises DataError where a file lacks a part, files disagree about a class, an image
    stands in two of them, or an object has no box, no known image or no known class.
    """
    found = Dataset()
    for file in options.files:
        path = folder / checked_path(file.annotations, "files: annotations")
        try:
            _add(found, dataset.read_json(path), file, options.group)
        except DataError as error:
            raise DataError(f"{file.annotations}: {error}") from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"{file.annotations}: not COCO JSON ({error!r})") from error
    (name, count), *_ = Counter(image.file_name for image in found.images).most_common(1) or [
        ("", 0)
    ]
    if count > 1:
        raise DataError(f"{name} stands in the annotations {count} times")
    return found, []


def _add(found: Dataset, content: Any, file: File, group: str | None) -> None:
    _add_categories(found, content["categories"])
    numbers: dict[Any, int] = {}
    for row in content["images"]:
        if row["id"] in numbers:
            raise DataError(f"two images have the id {row['id']}")
        numbers[row["id"]] = len(found.images) + 1
        found.images.append(_image(row, numbers[row["id"]], file, group))
    for row in content["annotations"]:
        found.annotations.append(_annotation(row, numbers, found.categories))


def _add_categories(found: Dataset, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        number, name = int(row["id"]), str(row["name"])
        known = found.categories.setdefault(number, name)
        if known != name:
            raise DataError(f"category {number} is {name!r} here and {known!r} elsewhere")
    if len(set(found.categories.values())) < len(found.categories):
        raise DataError("two category ids have the same name")


def _image(row: dict[str, Any], number: int, file: File, group: str | None) -> Image:
    name = checked_path(f"{file.images}/{row['file_name']}", "file_name")
    if group is not None and group not in row:
        raise DataError(f"image {row['file_name']} has no key {group!r} (options: group)")
    return Image(
        number,
        name,
        int(row.get("width") or 0),
        int(row.get("height") or 0),
        group=None if group is None or row[group] is None else str(row[group]),
        split=file.split,
    )


def _annotation(
    row: dict[str, Any], images: dict[Any, int], categories: dict[int, str]
) -> Annotation:
    where = f"annotation {row.get('id')}"
    if row["image_id"] not in images:
        raise DataError(f"{where}: there is no image with the id {row['image_id']}")
    if row["category_id"] not in categories:
        raise DataError(f"{where}: there is no category with the id {row['category_id']}")
    if row.get("bbox") is None:
        raise DataError(f"{where}: has no bbox")
    x, y, w, h = map(_number, row["bbox"])
    area = _number(row.get("area", w * h))
    crowd = bool(row.get("iscrowd", 0))
    return Annotation(images[row["image_id"]], row["category_id"], (x, y, w, h), area, crowd)


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)
