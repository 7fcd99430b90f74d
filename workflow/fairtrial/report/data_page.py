"""The data report as one page that opens from disk: its numbers, and a browser of the images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

from fairtrial.data.dataset import Annotation, Image
from fairtrial.data.quality import QualityReport
from fairtrial.report import page_parts
from fairtrial.report.data_report import DataReport
from fairtrial.report.page_parts import as_json, packed
from fairtrial.results.dataset import DatasetDescription


class DataImage(TypedDict):
    """An image; `truth`: class, x, y, width, height, crowd of each object, or its class alone."""

    file: str
    width: int
    height: int
    split: str
    group: str
    defects: list[str]
    truth: list[list[float]]


class DataPair(TypedDict):
    """Two images, by their places, in different splits, that look alike."""

    images: list[int]
    distance: int
    difference: float


class DataBrowserPart(TypedDict):
    """The browser of a data set; `total`: its images, of which `images` are shown."""

    name: str
    boxes: bool
    classes: list[str]
    splits: list[str]
    total: int
    images: list[DataImage]
    pairs: list[DataPair]


def compile_data_page(
    report: DataReport,
    described: Sequence[DatasetDescription],
    pictures: Mapping[str, Mapping[int, str]],
) -> bytes:
    """The bytes of the page. `pictures`: of each data set image id → JPEG in base64, of the images
    that are shown."""
    shown = [d for d in described if pictures.get(d.name)]
    browsers = [browser_of(description, list(pictures[description.name])) for description in shown]
    script = page_parts.script("data")
    return (
        page_parts.template("data.html")
        .render(
            report=report,
            browsers=browsers,
            without=[d.name for d in described if d not in shown],
            packed=packed(as_json({"browsers": browsers})),
            pictures=[list(pictures[description.name].values()) for description in shown],
            style=page_parts.style(),
            script=script,
            policy=page_parts.policy(script.encode()),
        )
        .encode()
    )


def browser_of(description: DatasetDescription, ids: Sequence[int]) -> DataBrowserPart:
    """The browser of a data set with these images."""
    dataset, splits = description.dataset, description.certificate.splits
    by_id = {image.id: image for image in dataset.images}
    split_of = {number: split for split, numbers in splits.items() for number in numbers}
    classes = {category: place for place, category in enumerate(sorted(dataset.categories))}
    defects, objects = _defects(description.quality), dataset.by_image()
    images = [
        _image(by_id[number], split_of.get(number, ""), objects[number], classes, defects)
        for number in ids
    ]
    return {
        "name": description.name,
        "boxes": dataset.task == "detect",
        "classes": [dataset.categories[category] for category in classes],
        "splits": [split for split in splits if splits[split]],
        "total": len(split_of),
        "images": images,
        "pairs": _pairs(description, ids),
    }


def _image(
    image: Image,
    split: str,
    objects: Sequence[Annotation],
    classes: Mapping[int, int],
    defects: Mapping[str, list[str]],
) -> DataImage:
    return {
        "file": image.file_name,
        "width": image.width,
        "height": image.height,
        "split": split,
        "group": image.group or "",
        "defects": defects.get(image.file_name, []),
        "truth": [
            [classes[a.category_id], *([*a.bbox, float(a.iscrowd)] if a.bbox else [])]
            for a in objects
        ],
    }


def _defects(quality: QualityReport | None) -> dict[str, list[str]]:
    """File name → the defects that were found in it and repaired. A case begins with the name."""
    found: dict[str, list[str]] = {}
    for kind, defect in quality.defects.items() if quality else ():
        for case in defect.cases:
            name = case.partition(": ")[0]
            kinds = found.setdefault(name, [])
            if kind not in kinds:
                kinds.append(kind)
    return found


def _pairs(description: DatasetDescription, ids: Sequence[int]) -> list[DataPair]:
    """The doubtful pairs of which both images are shown."""
    places = {number: place for place, number in enumerate(ids)}
    return [
        {
            "images": [places[number] for number in pair.images],
            "distance": pair.distance,
            "difference": pair.difference,
        }
        for pair in description.certificate.duplicates.doubtful_across
        if all(number in places for number in pair.images)
    ]
