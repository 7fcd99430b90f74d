"""predict: raw detections of one run on val and test, and its speed."""

from __future__ import annotations

import importlib
import itertools
import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fairtrial.dataset import Detection, Image, View, read_view, whole_file, write_json

WARM_UP = 10  # images before the clock counts

Detect = Callable[[Path], tuple[list[Detection], dict[str, float]]]


def predict(
    *,
    settings: dict[str, Any],
    weights: Path,
    images: Path,
    annotations: Path,
    split: Path,
    threads: int,
    val: Path,
    test: Path,
    speed: Path,
) -> None:
    """Write the detections on val and test as COCO results lists, and the time an image takes.

    settings: `backend`, `imgsz`, and params.yaml's `predict:`. Boxes in pixels to 0.001,
    confidence to 0.000001. Speed: one image at a time, after a warm-up, in milliseconds.
    """
    from tqdm import tqdm

    backend = importlib.import_module(f"fairtrial.backends.{settings['backend']}")
    view = read_view(annotations, split, images)
    with backend.detector(weights, view.dataset.categories, settings, threads) as detect:
        for side, path in (("val", val), ("test", test)):
            rows = [
                row
                for image in tqdm(view.side(side), desc=side, unit="image", mininterval=5)
                for row in _rows(image, detect(view.folder / image.file_name)[0])
            ]
            _write(rows, path)
        times = _times(detect, view, settings["speed_images"])
    write_json(speed, _speed(times, settings["imgsz"], threads))


def _rows(image: Image, detections: list[Detection]) -> list[dict[str, Any]]:
    rows = [
        {
            "image_id": image.id,
            "category_id": found.category_id,
            "bbox": [round(value, 3) for value in found.bbox],
            "score": round(found.score, 6),
        }
        for found in detections
    ]
    return sorted(rows, key=lambda row: (-row["score"], row["category_id"], row["bbox"]))


def _write(rows: list[dict[str, Any]], path: Path) -> None:
    with whole_file(path) as file:
        file.write("[" + ",\n".join(map(json.dumps, rows)) + "]\n")


def _times(detect: Detect, view: View, count: int) -> list[dict[str, float]]:
    """Milliseconds by part of `count` images, round and round through val."""
    files = itertools.cycle([view.folder / image.file_name for image in view.side("val")])
    times = [detect(file)[1] for file in itertools.islice(files, WARM_UP + count)]
    return times[WARM_UP:]


def _speed(times: list[dict[str, float]], imgsz: int, threads: int) -> dict[str, Any]:
    import torch

    first, median, third = statistics.quantiles([sum(t.values()) for t in times], n=4)
    parts = {name: statistics.median(t[name] for t in times) for name in times[0]}
    gpu = torch.cuda.is_available()
    return {
        "images": len(times),
        "batch": 1,
        "imgsz": imgsz,
        "device": torch.cuda.get_device_name(0) if gpu else "cpu",
        "threads": threads,
        "precision": "fp32",
        "unit": "ms",
        "q1": round(first, 3),
        "median": round(median, 3),
        "q3": round(third, 3),
        "parts": {name: round(value, 3) for name, value in parts.items()},
    }
