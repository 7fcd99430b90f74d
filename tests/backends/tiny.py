"""Data sets of a few drawn shapes or colours, on which a training takes seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fairtrial.data.dataset import Annotation, Dataset, Image, SplitDataset
from fairtrial.files import packed
from fairtrial.formats import coco
from fairtrial.sources import shapes


def draw(folder: Path, images: int = 20) -> SplitDataset:
    """`images` pictures of 64 pixels: the first two of three to learn from, the others val."""
    folder.mkdir(exist_ok=True)
    chosen = shapes.Settings(
        images=images, size=64, per_scene=1, objects=3, clutter=0, file_type="png", seed=0
    )
    if not (folder / "annotations.json").exists():
        shapes.fetch(chosen, "tiny", folder, folder)
    dataset, _ = coco.read(folder, coco.Settings())
    dataset = dataset.canonical()
    numbers = [image.id for image in dataset.images]
    val = numbers[2::3]
    splits = {"train": [n for n in numbers if n not in val], "val": val, "test": []}
    return SplitDataset(dataset, splits, folder)


def draw_classes(folder: Path, images: int = 12) -> SplitDataset:
    """`images` packed pictures of 20 × 16 pixels in three noisy colours, every fourth one val."""
    folder.mkdir(exist_ok=True)
    noise = np.random.default_rng(0).integers(0, 128, (images, 16, 20, 3), dtype=np.uint8)
    for number in range(images):
        noise[number, :, :, number % 3] += 120
    if not (folder / "0.npy").exists():
        packed.write(folder, "0.npy", noise)
    names = [packed.name_of("0.npy", place, images) for place in range(images)]
    dataset = Dataset(
        [Image(n, name, 20, 16) for n, name in enumerate(names, 1)],
        [Annotation(n, (n - 1) % 3 + 1, None) for n in range(1, images + 1)],
        {1: "red", 2: "green", 3: "blue"},
    )
    val = list(range(4, images + 1, 4))
    train = [n for n in range(1, images + 1) if n not in val]
    return SplitDataset(dataset, {"train": train, "val": val, "test": []}, folder)
