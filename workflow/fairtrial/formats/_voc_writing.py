"""One image and its objects as Pascal VOC writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fairtrial.data.dataset import Annotation, Image

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def element_of(
    image: Image, name: str, objects: list[Annotation], categories: dict[int, str]
) -> Element:
    """The `<annotation>` of an image, called `name`; without crowd regions.

    Coordinates are edges: positions between pixels.
    """
    from xml.etree.ElementTree import Element, SubElement

    def add(parent: Element, values: dict[str, object]) -> None:
        for key, value in values.items():
            SubElement(parent, key).text = str(value)

    root = Element("annotation")
    add(root, {"filename": name})
    add(SubElement(root, "size"), {"width": image.width, "height": image.height, "depth": 3})
    for a in objects:
        if a.bbox is None or a.iscrowd:
            continue
        x, y, w, h = a.bbox
        row = SubElement(root, "object")
        add(row, {"name": categories[a.category_id], "difficult": 0})
        edges = {"xmin": x, "ymin": y, "xmax": x + w, "ymax": y + h}
        add(SubElement(row, "bndbox"), {key: f"{value:.17g}" for key, value in edges.items()})
    return root
