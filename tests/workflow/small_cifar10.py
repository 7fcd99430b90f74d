"""CIFAR-10 in small: its format and its names, and a hundred pictures in three colours."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np

from project import Project

NAMES = ("red", "green", "blue")


def use_small_cifar10(project: Project) -> None:
    """In place of the data set `cifar10` of a project."""
    _write_archive(project.root / "pictures/cifar-10-batches-py")
    project.write("config/sources/cifar10.yaml", "kind: local\npath: pictures\nformat: cifar10\n")
    dataset = "source: cifar10\nsplit: {method: stratified, seed: 0, val: 0.2, test: 0.2}\n"
    project.write("config/datasets/cifar10.yaml", dataset)


def _write_archive(folder: Path) -> None:
    """Twenty noisy images of one colour in each of CIFAR-10's batches."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in (*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"):
        labels = [n % 3 for n in range(20)]
        data = rng.integers(0, 160, (20, 3, 1024), dtype=np.uint8)
        for row, label in zip(data, labels, strict=True):
            row[label] += 60
        files = [f"{name}_{n}.png" for n in range(20)]
        content = {"labels": labels, "data": data.reshape(20, 3072), "filenames": files}
        (folder / name).write_bytes(pickle.dumps(content, 2))
    names = {"label_names": list(NAMES), "num_vis": 3072}
    (folder / "batches.meta").write_bytes(pickle.dumps(names, 2))
