"""Prediction of several images at once, as far as no image's result depends on its neighbours.

A backend yields a `Batched` model where it can; images of equal `shape` share a batch. Kernels of
a GPU may still compute otherwise for another number of images, so that the first batch is
compared with its images predicted alone; where they differ, all are predicted alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, TypeVar

from fairtrial.data.dataset import Detection, Image
from fairtrial.files.threads import taken_ahead
from fairtrial.training.contract import Milliseconds

TOLERANCE = 1e-6  # of confidences, of probabilities, and of boxes as a share of the longer side
READ_AHEAD = 256 * 2**20  # bytes of pixels that wait for the model

Source = TypeVar("Source")  # what a backend is given of an image: its file, or its pixels
Item = TypeVar("Item")  # what it reads of that
Answer = TypeVar("Answer")  # detections, or probabilities

Size = tuple[int, int]  # width and height, pixels


@dataclass(frozen=True)
class Batched(Generic[Source, Item, Answer]):
    """What `detector` and `classifier` yield: a function of one image that also takes several.

    read: reads an image, in any thread; size: width and height of what was read; shape: what
    images share, by width and height, that the model gets with equal padding; predict: the
    answers on images of equal shape, and the milliseconds of each.
    """

    read: Callable[[Source], Item]
    size: Callable[[Item], Size]
    shape: Callable[[int, int], Hashable]
    predict: Callable[[Sequence[Item]], list[tuple[Answer, Milliseconds]]]

    def __call__(self, source: Source) -> tuple[Answer, Milliseconds]:
        return self.predict([self.read(source)])[0]

    def several(self, items: Sequence[Item]) -> list[tuple[Answer, Milliseconds]]:
        """As `predict`, of images of any shape."""
        if len({self.shape(*self.size(item)) for item in items}) == 1:
            return self.predict(items)
        return [answer for item in items for answer in self.predict([item])]


@dataclass(frozen=True)
class ImageModel(Generic[Item, Answer]):
    """A model as the stages use it. read: from an image of the data set; several: the answers on
    what was read; shape: images of equal shape may share a batch; None: each is alone."""

    read: Callable[[Image], Item]
    several: Callable[[Sequence[Item]], list[tuple[Answer, Milliseconds]]]
    shape: Callable[[int, int], Hashable] | None

    def answer(self, image: Image) -> tuple[Answer, Milliseconds]:
        """Of one image."""
        return self.several([self.read(image)])[0]


def image_model(
    model: Batched[Source, Any, Answer] | Callable[[Source], tuple[Answer, Milliseconds]],
    source: Callable[[Image], Source],
) -> ImageModel[Any, Answer]:
    """What a backend yielded, as a model of images; `source`: what it is given of an image."""
    if isinstance(model, Batched):
        of_source = model.read
        return ImageModel(lambda image: of_source(source(image)), model.several, model.shape)
    one = model
    return ImageModel(source, lambda items: [one(item) for item in items], None)


def batches(images: Sequence[Image], most: int, model: ImageModel[Item, Answer]) -> list[list[int]]:
    """Indices of images by batch: of equal shape, at most so many, in the order of their first."""
    if most == 1 or model.shape is None:
        return [[index] for index in range(len(images))]
    groups: dict[Hashable, list[int]] = {}
    for index, image in enumerate(images):
        groups.setdefault(model.shape(image.width, image.height), []).append(index)
    parts = [
        group[start : start + most]
        for group in groups.values()
        for start in range(0, len(group), most)
    ]
    return sorted(parts)


def answers(
    model: ImageModel[Item, Answer], images: Sequence[Image], most: int, threads: int
) -> Iterator[tuple[int, Answer]]:
    """The index of each image and the answer on it, at most `most` images at a time. Images are
    read ahead by threads."""
    parts = batches(images, most, model)
    order = [images[index] for part in parts for index in part]
    unchecked = True
    with taken_ahead(model.read, order, _bytes, READ_AHEAD, threads) as items:
        for part in parts:
            batch = list(islice(items, len(part)))
            if len(batch) == 1 or most == 1:
                found = [answer for item in batch for answer in model.several([item])]
            else:
                found = model.several(batch)
                if unchecked:
                    alone = [answer for item in batch for answer in model.several([item])]
                    sides = [max(images[i].width, images[i].height) for i in part]
                    unchecked = False
                    if not _all_agree(found, alone, sides):
                        most, found = 1, alone
                        _tell(len(batch))
            yield from zip(part, (answer for answer, _ in found), strict=True)


def _tell(size: int) -> None:
    print(
        f"predicted in a batch of {size}, images have other results than alone, by more than "
        f"{TOLERANCE:g}: each is predicted alone",
        file=sys.stderr,
        flush=True,
    )


def _bytes(image: Image) -> int:
    return 3 * image.width * image.height


def _all_agree(
    some: Sequence[tuple[Answer, Milliseconds]],
    others: Sequence[tuple[Answer, Milliseconds]],
    sides: Sequence[int],
) -> bool:
    pairs = zip(some, others, sides, strict=True)
    return all(agree(one, other, side) for (one, _), (other, _), side in pairs)


def agree(one: object, other: object, side: int) -> bool:
    """Whether two answers on an image, whose longer side has so many pixels, are equal but for
    TOLERANCE: probabilities, or the detections of each class in any order."""
    assert isinstance(one, list) and isinstance(other, list)
    if len(one) != len(other):
        return False
    if not one or not isinstance(one[0], Detection):
        return all(abs(a - b) <= TOLERANCE for a, b in zip(one, other, strict=True))
    left = list(other)
    for detection in one:
        equal = (other for other in left if _equal(detection, other, side))
        if (found := next(equal, None)) is None:
            return False
        left.remove(found)
    return True


def _equal(one: Detection, other: Detection, side: int) -> bool:
    return (
        one.category_id == other.category_id
        and abs(one.confidence - other.confidence) <= TOLERANCE
        and all(abs(a - b) <= TOLERANCE * side for a, b in zip(one.bbox, other.bbox, strict=True))
    )
