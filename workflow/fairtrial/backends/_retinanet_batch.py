"""The first batch of a training of RetinaNet."""

from __future__ import annotations

from fairtrial.backends import _retinanet_images as pictures
from fairtrial.backends._retinanet_settings import Settings
from fairtrial.data.dataset import SplitDataset
from fairtrial.training.first_batch import BatchImage


def first_batch(settings: Settings, data: SplitDataset) -> list[BatchImage]:
    """Its images: each draws from seed, epoch and image, whatever process loads it."""
    images = pictures.Images(data, "train", settings, augment=True)
    first = pictures.batches(images.images, settings, epoch=0)[:1]
    names = [name for _, name in sorted(data.dataset.categories.items())]
    loader = pictures.loader(images, lambda _: first, epochs=1, workers=0, pin=False)
    ((tensors, targets),) = loader.of(0)
    return [
        BatchImage(
            tensor.permute(1, 2, 0).contiguous().numpy(),
            tuple((x1, y1, x2 - x1, y2 - y1) for x1, y1, x2, y2 in target["boxes"].tolist()),
            tuple(names[label] for label in target["labels"].tolist()),
        )
        for tensor, target in zip(tensors, targets, strict=True)
    ]
