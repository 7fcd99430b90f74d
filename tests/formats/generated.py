"""Data sets drawn by chance, with everything the hub may hold. A seed always draws the same."""

from __future__ import annotations

import random
from pathlib import Path

from PIL import Image as images

from fairtrial.data.dataset import SPLITS, Annotation, Dataset, Image, SplitDataset
from fairtrial.files import checksums

WORDS = ["cat", "dog", "Blutkörperchen, rot", "π & <b>", "0", "null", "white cell", "a: b #c", "'"]


def generated(seed: int, folder: Path) -> SplitDataset:
    """A set of everything the hub may hold: names that need care, negatives, crowds, segments'
    areas, classes without objects, boxes on the edge and with any fraction."""
    rng = random.Random(seed)
    classes = rng.sample(WORDS, rng.randint(1, len(WORDS)))
    dataset = Dataset(categories=dict(enumerate(classes, 1)))
    for number in range(1, rng.randint(2, 12)):
        size = (rng.randint(10, 70), rng.randint(10, 70))
        suffix = rng.choice([".jpg", ".png", ".JPG"])
        name = f"{rng.choice(['', 'a b/', 'ü/images/', 'ü/'])}{rng.choice('xy')}{number}{suffix}"
        digest = _draw(rng, size, folder / name)
        group, split = rng.choice([None, "p1", "p 2"]), rng.choice(SPLITS)
        dataset.images.append(Image(number, name, *size, digest, group, split))
        for _ in range(rng.choice([0, 1, 3])):
            box = _box(rng, size)
            area = box[2] * box[3] * rng.choice([1, 1, 0.4])
            kind, crowd = rng.randint(1, len(classes)), rng.random() < 0.2
            dataset.annotations.append(Annotation(number, kind, box, area, crowd))
    dataset.annotations.append(Annotation(1, 1, (0, 0, 4, 5), 20))
    dataset = dataset.canonical()
    splits = {split: [i.id for i in dataset.images if i.split == split] for split in SPLITS}
    return SplitDataset(dataset, splits, folder)


def _draw(rng: random.Random, size: tuple[int, int], path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = images.frombytes("RGB", size, rng.randbytes(3 * size[0] * size[1]))
    image.save(path, "PNG" if path.suffix == ".png" else "JPEG")
    return checksums.sha256(path)


def _box(rng: random.Random, size: tuple[int, int]) -> tuple[float, float, float, float]:
    x, y = rng.uniform(0, size[0] - 2), rng.choice([0, rng.randint(0, size[1] - 2)])
    w = rng.choice([size[0] - x, rng.uniform(0.5, size[0] - x)])
    return x, y, w, rng.uniform(0.5, size[1] - y)
