"""The same few images with a class each, written in each format of classes."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

CLASSES = ("cat", "dog", "owl")
# Class and split of each image; the third class has none.
IMAGES = {"a": ("dog", "train"), "b": ("cat", "train"), "c": ("dog", "val"), "d": ("cat", "test")}


def picture(name: str) -> np.ndarray:
    return np.random.default_rng(ord(name)).integers(0, 256, (32, 32, 3), np.uint8)


def draw(name: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(name)).save(path)


def write_folders(folder: Path) -> dict[str, Any]:
    for name, (label, split) in IMAGES.items():
        draw(name, folder / f"own {split}" / label / "deeper" / f"{name}.png")
    splits = {split: f"own {split}" for split in ("train", "val", "test")}
    return {"splits": splits, "classes": CLASSES}


def write_csv(folder: Path) -> dict[str, Any]:
    lines = ["side;what;name\r\n"]
    for name, (label, split) in IMAGES.items():
        draw(name, folder / "pictures" / f"{name}.png")
        lines.append(f"{split};{label};{name}\r\n")
    (folder / "table.csv").write_text("".join(lines), encoding="utf-8-sig")
    columns = {"image": "name", "label": "what", "split": "side", "suffix": ".png"}
    place = {"table": "table.csv", "images": "pictures", "delimiter": ";"}
    return {**columns, **place, "classes": CLASSES}


def write_one_hot(folder: Path) -> dict[str, Any]:
    """A table a split, as Roboflow writes them: blanks behind commas, a folder a split."""
    tables = []
    for split in ("train", "val", "test"):
        lines = [f"filename, {', '.join(CLASSES)}"]
        for name in (name for name, (_, on) in IMAGES.items() if on == split):
            draw(name, folder / split / f"{name}.png")
            ones = (int(label == IMAGES[name][0]) for label in CLASSES)
            lines.append(f"{name}.png, {', '.join(map(str, ones))}")
        (folder / split / "_classes.csv").write_text("\n".join([*lines, ""]))
        tables.append({"table": f"{split}/_classes.csv", "images": split, "split": split})
    return {"tables": tables}


def write_cifar10(folder: Path) -> dict[str, Any]:
    place = folder / "cifar-10-batches-py"
    place.mkdir(parents=True)
    for split in ("train", "val", "test"):
        names = [name for name, (_, on) in IMAGES.items() if on == split]
        rows = [picture(name).transpose(2, 0, 1).reshape(-1) for name in names]
        labels = [CLASSES.index(IMAGES[name][0]) for name in names]
        content = {b"data": np.array(rows), b"labels": labels}
        (place / split).write_bytes(pickle.dumps(content, 2))
    names = {b"label_names": [name.encode() for name in CLASSES]}
    (place / "batches.meta").write_bytes(pickle.dumps(names, 2))
    return {"train": ["train"], "val": ["val"], "test": ["test"]}


@dataclass(frozen=True)
class Labeller:
    """How the images are written in one format. `write` fills a folder and returns the options
    that read it; `splits`: whether the format says in which split an image is."""

    write: Callable[[Path], dict[str, Any]]
    splits: bool = True


LABELLERS = {
    "cifar10": Labeller(write_cifar10),
    "class_csv": Labeller(write_csv),
    "class_folders": Labeller(write_folders),
    "one_hot_csv": Labeller(write_one_hot),
}
