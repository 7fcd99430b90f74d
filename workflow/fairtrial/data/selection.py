"""Which classes of a source a data set has, and under which names."""

from __future__ import annotations

from fairtrial import DataError
from fairtrial.data.dataset import Annotation, Dataset
from fairtrial.data.objects import equal_boxes

ClassMap = dict[str, str | None]  # our name by the source's; None: left out


def class_map(
    source: Dataset, classes: list[str] | dict[str, str] | None, single: str | None, where: str
) -> ClassMap:
    """Our name of every class of the source, or None for one that is left out.

    `classes`: names to keep, or a map from the source's names to ours, in which two may become
    one; None keeps all. `single`: one name for all of them. Raises DataError, naming `where`, for a
    name that the source lacks.
    """
    names = list(source.categories.values())
    if isinstance(classes, dict):
        new = dict(classes)
    else:
        new = {name: name for name in (names if classes is None else classes)}
    if unknown := [name for name in new if name not in names]:
        raise DataError(f"{where}: no class {', '.join(unknown)}; it has {', '.join(names)}")
    if single is not None:
        new = dict.fromkeys(new, single)
    return {name: new.get(name) for name in names}


def select(source: Dataset, names: ClassMap, order: list[str] | None = None) -> Dataset:
    """The set with the classes of `names`, in `order` (None: as the source has them).

    Two objects of one image and place whose classes have become one are one object. Images
    without an object stay, as negatives; where images have classes instead of boxes, those whose
    class is left out do not.
    """
    present = dict.fromkeys(new for new in names.values() if new is not None)
    numbers = {name: number for number, name in enumerate(order or present, 1)}
    annotations: list[Annotation] = []
    for rows in source.by_image().values():
        annotations += _renamed(rows, source.categories, names, numbers)
    images = source.images
    if source.task == "classify":
        with_class = {a.image_id for a in annotations}
        images = [image for image in images if image.id in with_class or image.unlabelled]
    return Dataset(
        images, annotations, {number: name for name, number in numbers.items()}
    ).canonical()


def _renamed(
    rows: list[Annotation], old: dict[int, str], names: ClassMap, numbers: dict[str, int]
) -> list[Annotation]:
    """The objects of one image with the classes of the set. Of objects in one place that had
    several classes those of the first stay."""
    renamed, olds = [], []
    for a in rows:
        if (new := names[old[a.category_id]]) is not None:
            renamed.append(Annotation(a.image_id, numbers[new], a.bbox, a.area, a.iscrowd))
            olds.append(a.category_id)
    if len(set(olds)) == len({a.category_id for a in renamed}):
        return renamed
    dropped = set[int]()
    for one, other in equal_boxes(renamed):
        if olds[one] != olds[other] and one not in dropped:
            dropped.add(other)
    return [a for place, a in enumerate(renamed) if place not in dropped]
