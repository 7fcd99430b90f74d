"""Images and boxes as tensors, and the batches in which an epoch sees them.

Random numbers are drawn from (seed, epoch, image), so they are the same for any number of
processes and after an interruption, and no state of a generator need be saved.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow

from fairtrial import BackendError
from fairtrial.backends._epochs import EpochBatches, Place, Plan
from fairtrial.backends._retinanet_settings import Settings
from fairtrial.data.dataset import Image, SplitDataset

BILINEAR = Pillow.Resampling.BILINEAR
GREY = (124, 116, 104)  # ImageNet's mean colour, which the network sees as 0, as all padding
SMALLEST_SIDE, SMALLEST_SHARE = 2.0, 0.1  # of a box that the edge cuts: pixels, share of its area

Floats = NDArray[np.float32]


class Target(TypedDict):
    """The objects of an image: `boxes` (n, 4) as x1, y1, x2, y2 in the tensor's pixels, `labels`
    (n,) from 0 in the order of the category ids; `to_file`: factors of x and y from the tensor's
    pixels to the file's."""

    boxes: torch.Tensor
    labels: torch.Tensor
    image_id: int
    to_file: tuple[float, float]


class Images:
    """The images of one split, for torch's DataLoader.

    An item, named by its Place, is the image (3, height, width), 8-bit RGB, its longer side
    `imgsz`, and its Target.
    """

    def __init__(self, data: SplitDataset, split: str, settings: Settings, augment: bool) -> None:
        self.images, self.folder = data.split(split), data.folder
        self.labels = {number: i for i, number in enumerate(sorted(data.dataset.categories))}
        self.annotations = data.dataset.by_image()
        self.settings, self.augment = settings, augment

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, place: Place) -> tuple[torch.Tensor, Target]:
        epoch, index = place
        image = self.images[index]
        size = scaled_size(image.width, image.height, self.settings.imgsz)
        annotations = [a for a in self.annotations[image.id] if a.bbox and not a.iscrowd]
        boxes = np.array([a.bbox for a in annotations], np.float32).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        labels = np.array([self.labels[a.category_id] for a in annotations], np.int64)
        picture = read(self.folder / image.file_name)
        if self.augment:
            rng = np.random.default_rng([self.settings.seed, epoch, image.id])
            picture, boxes, visible = augmented(picture, boxes, size, self.settings, rng)
            labels = labels[visible]
        else:
            boxes *= np.tile([size[0] / image.width, size[1] / image.height], 2).astype(np.float32)
            picture = picture.resize(size, BILINEAR)
        return as_tensor(picture), {
            "boxes": torch.from_numpy(boxes),
            "labels": torch.from_numpy(labels),
            "image_id": image.id,
            "to_file": (image.width / size[0], image.height / size[1]),
        }


def read(path: Path) -> Pillow.Image:
    """An image file as an RGB picture. Raises BackendError where it cannot be read."""
    try:
        with Pillow.open(path) as file:
            return file.convert("RGB")
    except OSError as error:
        raise BackendError(f"{path}: cannot be read as an image ({error})") from error


def as_tensor(picture: Pillow.Image) -> torch.Tensor:
    """An RGB picture as a tensor (3, height, width) of bytes."""
    return torch.from_numpy(np.array(picture, np.uint8)).permute(2, 0, 1).contiguous()


def scaled_size(width: int, height: int, imgsz: int) -> tuple[int, int]:
    """Width and height of an image scaled so that its longer side is `imgsz`."""
    factor = imgsz / max(width, height)
    return max(1, round(width * factor)), max(1, round(height * factor))


def augmented(
    picture: Pillow.Image,
    boxes: Floats,
    size: tuple[int, int],
    settings: Settings,
    rng: np.random.Generator,
) -> tuple[Pillow.Image, Floats, NDArray[np.bool_]]:
    """Scale jitter and flips. Returns the picture in `size` (width, height), the boxes that are
    kept, and which of the n boxes these are (n,).

    boxes (n, 4): x1, y1, x2, y2, in pixels of `picture`; those returned, of the new picture.
    The zoom is uniform in 1 ± `scale`. Zoomed in, the result is a random window of the picture;
    zoomed out, the picture at a random place on grey. A box is kept if at least a tenth of its
    area is visible, and neither visible side is below two pixels (or the whole side, if smaller).
    """
    zoom = 1 + settings.scale * rng.uniform(-1, 1)
    old, new = np.array(picture.size), np.array(size)
    window, area = old / max(1.0, zoom), np.maximum(1, (new * min(1.0, zoom)).round())
    window_at, area_at = rng.random(2) * (old - window), (rng.random(2) * (new - area)).round()
    corners = (*window_at, *(window_at + window))
    resized = picture.resize(_whole_numbers(area), BILINEAR, box=corners)
    canvas = Pillow.new("RGB", size, GREY)
    canvas.paste(resized, _whole_numbers(area_at))
    moved = (boxes.reshape(-1, 2, 2) - window_at) * (area / window) + area_at
    inside = np.clip(moved, area_at, area_at + area)
    flips = (
        (0, settings.fliplr, Pillow.Transpose.FLIP_LEFT_RIGHT),
        (1, settings.flipud, Pillow.Transpose.FLIP_TOP_BOTTOM),
    )
    for axis, probability, flip in flips:
        if rng.random() < probability:
            canvas = canvas.transpose(flip)
            inside[:, :, axis] = size[axis] - inside[:, ::-1, axis]
    sides, whole = inside[:, 1] - inside[:, 0], moved[:, 1] - moved[:, 0]
    large = (sides >= np.minimum(SMALLEST_SIDE, whole)).all(axis=1)
    is_kept = large & (sides.prod(axis=1) >= SMALLEST_SHARE * whole.prod(axis=1))
    return canvas, inside[is_kept].reshape(-1, 4).astype(np.float32), is_kept


def _whole_numbers(pair: NDArray[np.float64]) -> tuple[int, int]:
    x, y = pair.astype(int).tolist()
    return x, y


def batches(images: list[Image], settings: Settings, epoch: int) -> list[list[int]]:
    """The batches of one epoch, as indices: shuffled, images of like aspect ratio together.

    Images are grouped by aspect ratio in steps of √2, because a batch is padded to its largest
    image; a batch may hold the end of one group and the start of the next. The first image is
    random, so that `drop_last` leaves out other images in each epoch.
    """
    rng = np.random.default_rng([settings.seed, epoch])
    order = [int(index) for index in rng.permutation(len(images))]
    order.sort(key=lambda i: round(2 * math.log2(images[i].width / images[i].height)))
    first = int(rng.integers(len(order)))
    order = order[first:] + order[:first]
    batch = settings.batch
    parts = [order[i : i + batch] for i in range(0, len(order), batch)]
    mixed = [parts[i] for i in rng.permutation(len(parts))]
    return [part for part in mixed if len(part) == batch or not settings.drop_last]


def in_order(images: list[Image], batch: int) -> list[list[int]]:
    """Batches of all images, by aspect ratio."""
    order = sorted(range(len(images)), key=lambda i: images[i].width / images[i].height)
    return [order[i : i + batch] for i in range(0, len(order), batch)]


def shared(batch: list[int], rank: int, world: int) -> tuple[list[int], float]:
    """The part of a batch that process `rank` of `world` computes, and the weight of its loss.

    The mean over the processes of weighted mean losses is the mean over the batch. A process
    whose part is empty computes the first image with weight 0, since the all-reduce of gradients
    needs every process.
    """
    part = batch[rank::world]
    return part or batch[:1], len(part) * world / len(batch)


def loader(
    images: Images, plan: Plan, epochs: int, workers: int, pin: bool
) -> EpochBatches[tuple[list[torch.Tensor], list[Target]]]:
    """The batches of each epoch: a list of images and one of targets for each."""
    return EpochBatches(
        images, plan, epochs, num_workers=workers, pin_memory=pin, collate_fn=_unzipped
    )


def _unzipped(
    items: list[tuple[torch.Tensor, Target]],
) -> tuple[list[torch.Tensor], list[Target]]:
    return [image for image, _ in items], [target for _, target in items]
