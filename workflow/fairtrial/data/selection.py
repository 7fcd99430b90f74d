"""Which classes of a source a data set has, and how many objects of each."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from fairtrial import DataError
from fairtrial.data.dataset import Annotation, Dataset, counts

ClassMap = dict[str, str | None]


def class_map(source: Dataset, classes: Any, single: str | None, where: str) -> ClassMap:
    """Our name of every class of the source, or None for one that is left out.

    `classes`: names to keep, or a map from the source's names to ours, in which two may become
    one; null keeps all. `single`: one name for all that is kept.
    """
    names = list(source.categories.values())
    if classes is None:
        wanted = {name: name for name in names}
    else:
        wanted = dict(classes) if isinstance(classes, dict) else {name: name for name in classes}
    if unknown := [name for name in wanted if name not in names]:
        raise DataError(f"{where}: no class {', '.join(unknown)}; it has {', '.join(names)}")
    if single is not None:
        wanted = dict.fromkeys(wanted, single)
    return {name: wanted.get(name) for name in names}


def select(source: Dataset, mapped: ClassMap, order: list[str] | None = None) -> Dataset:
    """The set with the classes of `mapped`, in `order` (null: as the source has them).

    Two objects of one image and place whose classes have become one are one object. Images
    without an object stay, as there is nothing on them that counts; where images have classes
    instead of boxes, those whose class is left out do not.
    """
    present = dict.fromkeys(new for new in mapped.values() if new is not None)
    numbers = {name: number for number, name in enumerate(order or present, 1)}
    kept: list[Annotation] = []
    places: dict[tuple[Any, ...], str] = {}
    for a in source.annotations:
        old = source.categories[a.category_id]
        new = mapped[old]
        if new is None or places.setdefault((a.image_id, new, a.bbox, a.iscrowd), old) != old:
            continue
        kept.append(Annotation(a.image_id, numbers[new], a.bbox, a.area, a.iscrowd))
    images = source.images
    if source.task == "classify":
        held = {a.image_id for a in kept}
        images = [image for image in images if image.id in held]
    return Dataset(images, kept, {number: name for name, number in numbers.items()}).canonical()


def summary(view: Dataset, ids: list[int]) -> dict[str, Any]:
    """Images, objects and groups of one side, and images and objects of each class."""
    inside = set(ids)
    objects = [a for a in view.annotations if a.image_id in inside]
    per_class = counts(objects)
    holders: dict[int, set[int]] = defaultdict(set)
    for annotation in objects:
        holders[annotation.category_id].add(annotation.image_id)
    return {
        "images": len(inside),
        "objects": len(objects),
        "negatives": len(inside - {a.image_id for a in objects}),
        "groups": len({i.group for i in view.images if i.id in inside and i.group}),
        "classes": {
            name: {"images": len(holders[number]), "objects": per_class.get(number, 0)}
            for number, name in view.categories.items()
        },
    }
