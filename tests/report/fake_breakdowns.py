"""Errors by kind, metrics by size and group, and curves by class, made up for a fake run."""

from __future__ import annotations

import csv
import math
import random
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fairtrial.data.dataset import Dataset
from fairtrial.scoring import sizes
from fairtrial.scoring.detection_breakdowns import CLASS_CURVES, CURVE_STEPS, ERROR_KINDS
from fairtrial.scoring.error_costs import METRIC
from fairtrial.scoring.error_kinds import KINDS
from fairtrial.scoring.groups import DETECTION_GROUPS
from fairtrial.scoring.resamples import Resamples, ResamplesFile
from fairtrial.scoring.sizes import BY_SIZE

Rows = Iterator[list[Any]]


def write_breakdowns(
    folder: Path,
    dataset: Dataset,
    splits: Sequence[str],
    level: float,
    rng: random.Random,
    by_hand: dict[str, float] | None = None,
) -> dict[str, dict[str, float]]:
    """Write the four CSV files of a run that is good to `level`; returns the costs by split and
    kind, of which some may be given `by_hand`."""
    costs = {split: _costs(level, rng, by_hand or {}) for split in splits}
    errors = ([s, k, round(300 * c), c] for s in splits for k, c in costs[s].items())
    _csv(folder / "error_kinds.csv", ERROR_KINDS, errors)
    _csv(folder / "by_size.csv", BY_SIZE, _sizes(dataset, splits, level))
    _csv(folder / "by_group.csv", DETECTION_GROUPS, _groups(dataset, splits, level, rng))
    _csv(folder / "class_curves.csv", CLASS_CURVES, _curves(dataset, splits, level, rng))
    return costs


def with_costs(
    file: ResamplesFile, costs: dict[str, dict[str, float]], run: str, noise: float = 0.01
) -> ResamplesFile:
    """The resamples with those of the costs of errors, normal around them: half of the variance is
    that of the images, equal in all runs."""
    splits = {}
    for split, resamples in file.splits.items():
        metrics = dict(resamples.metrics)
        for number, (kind, cost) in enumerate(costs[split].items()):
            shared = np.random.default_rng([number, len(split)]).standard_normal(1000)
            own = np.random.default_rng([number, zlib.crc32(run.encode())]).standard_normal(1000)
            metrics[METRIC.format(kind)] = cost + noise * (shared + own) / 2**0.5
        splits[split] = Resamples(resamples.units, resamples.unit_name, metrics)
    return ResamplesFile(splits)


def _costs(level: float, rng: random.Random, by_hand: dict[str, float]) -> dict[str, float]:
    shares = (0.3, 0.2, 0.03, 0.02, 0.15, 0.3)
    return {
        kind: max(0.0, by_hand.get(kind, share * (0.8 - level)) + rng.gauss(0, 0.003))
        for kind, share in zip(KINDS, shares, strict=True)
    }


def _sizes(dataset: Dataset, splits: Sequence[str], level: float) -> Rows:
    coco = {"small": (0, 1024), "medium": (1024, 9216), "large": (9216, 1e10)}
    for split in splits:
        ids = {image.id for image in dataset.images if image.split == split}
        truth = dataset.on_images(ids)
        scales = {sizes.COCO: coco, sizes.THIRDS: dict(sizes.thirds(truth))}
        for scale, ranges in scales.items():
            for number, (size, (low, high)) in enumerate(ranges.items()):
                objects = sum(low <= a.area <= high for a in truth.annotations)
                ap = level - 0.1 + 0.1 * number
                metrics = [ap, min(1, ap + 0.2), min(1, ap + 0.1)] if objects else [""] * 3
                yield [split, scale, size, low, high, objects, *metrics]


def _groups(dataset: Dataset, splits: Sequence[str], level: float, rng: random.Random) -> Rows:
    for split in splits:
        groups = sorted({i.group for i in dataset.images if i.split == split and i.group})
        for group in groups:
            images = [i.id for i in dataset.images if i.split == split and i.group == group]
            objects = sum(a.image_id in images for a in dataset.annotations)
            right = sum(rng.random() < level for _ in range(objects))
            detections = right + rng.randint(0, 3)
            rates = [
                part / whole if whole else ""
                for part, whole in (
                    (right, detections),
                    (right, objects),
                    (2 * right, detections + objects),
                )
            ]
            yield [split, group, len(images), objects, detections, right, *rates]


def _curves(dataset: Dataset, splits: Sequence[str], level: float, rng: random.Random) -> Rows:
    for split in splits:
        ids = {image.id for image in dataset.images if image.split == split}
        present = {a.category_id for a in dataset.annotations if a.image_id in ids}
        for category in sorted(present):
            height = min(1.0, max(0.1, level + 0.25 + rng.gauss(0, 0.1)))
            for step in range(CURVE_STEPS + 1):
                x = step / CURVE_STEPS
                recall = height * (1 - x**3)
                precision = 1 - (1 - height) * math.exp(-3 * x)
                f1 = 2 * precision * recall / (precision + recall)
                yield [split, dataset.categories[category], x, precision, recall, f1]


def _csv(path: Path, columns: Sequence[str], rows: Rows) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
