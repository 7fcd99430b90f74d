"""A share of train: fewer images to learn from, to see whether more would help.

The units of train (images that are no independent observations of each other stay together) stand
in an order by a hash of the split's seed and the unit's first file name. A share is the shortest
beginning of that order with enough images, so a smaller share is a part of every larger one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from fairtrial import DataError
from fairtrial.data.certificate import SplitCertificate
from fairtrial.data.dataset import Dataset, Splits
from fairtrial.data.objects import counted

ROUNDING = 1e-9  # 0.1 of 30 images are 3, though the product is a little more


def with_train_share(
    dataset: Dataset, certificate: SplitCertificate, share: float, where: str
) -> Splits:
    """The splits with only a share (above 0, at most 1) of the images in train.

    Raises DataError, naming `where`, where no object is left in train.
    """
    splits = certificate.splits
    if share == 1:
        return splits
    drawn: list[int] = []
    for unit in _in_drawn_order(dataset, certificate):
        if len(drawn) >= share * len(splits["train"]) - ROUNDING:
            break
        drawn += unit
    inside = set(drawn)
    if not any(a.image_id in inside for a in counted(dataset.annotations)):
        raise DataError(
            f"{where}: `train_share` {share:g} leaves {len(drawn)} of {len(splits['train'])} "
            "images in train, and no object on them; take a larger share"
        )
    return splits | {"train": sorted(drawn)}


def _in_drawn_order(dataset: Dataset, certificate: SplitCertificate) -> Iterator[list[int]]:
    """The units of train, each as the ids of its images in train."""
    names = {image.id: image.file_name for image in dataset.images}
    train = set(certificate.train)
    units = [train.intersection(unit) for unit in certificate.units]
    alone = train.difference(*units)
    every = [*filter(None, units), *({number} for number in alone)]
    yield from sorted(map(sorted, every), key=lambda unit: _order(certificate.seed, unit, names))


def _order(seed: int, unit: list[int], names: dict[int, str]) -> str:
    """A sort key: a hash of seed and the first of the file names."""
    name = min(names[number] for number in unit)
    return hashlib.sha256(f"train_share {seed} {name}".encode()).hexdigest()
