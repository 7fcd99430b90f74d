"""A data set of a few drawn shapes, on which a training takes seconds."""

from __future__ import annotations

from pathlib import Path

from fairtrial.dataset import View
from fairtrial.formats import coco
from fairtrial.sources import shapes


def draw(folder: Path, images: int = 20) -> View:
    """`images` pictures of 64 pixels: the first two of three to learn from, the others val."""
    folder.mkdir(exist_ok=True)
    chosen = shapes.Settings(
        images=images, size=64, per_scene=1, objects=3, clutter=0, file_type="png", seed=0
    )
    if not (folder / "annotations.json").exists():
        shapes.fetch(chosen, "tiny", folder, folder)
    found, _ = coco.read(folder, coco.Settings())
    dataset = found.canonical()
    numbers = [image.id for image in dataset.images]
    val = numbers[2::3]
    sides = {"train": [n for n in numbers if n not in val], "val": val, "test": []}
    return View(dataset, sides, folder)
