"""predict: what one run says of every image of val and test, and its speed."""

from __future__ import annotations

import importlib
import itertools
import json
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fairtrial.data.dataset import Detection, Image, SplitDataset
from fairtrial.data.split_dataset import read_split_dataset
from fairtrial.files.folders import whole_file
from fairtrial.files.jsonfile import write_json

WARM_UP = 10  # images before the clock counts

Times = dict[str, float]  # milliseconds by part
Look = Callable[[Image], tuple[list[dict[str, Any]], Times]]  # an image's rows of predictions


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
    """Predict val and test with one run's weights, and time it.

    Detections are COCO results lists, boxes in pixels to 0.001, confidence to 0.000001; of classes
    it is the probabilities of all, to 9 digits. Speed is in milliseconds for one image at a time,
    after a warm-up.

    Args:
        settings: JSON of the resolved settings, or @FILE with it
        weights: the run's weights.pt
        images: the folder of images
        annotations: the data set's annotations
        split: the data set's split certificate
        threads: CPU threads
        val: file to write: predictions on val
        test: file to write: predictions on test
        speed: file to write: the time that an image takes
    """
    from tqdm import tqdm

    backend = importlib.import_module(f"fairtrial.backends.{settings['backend']}")
    view = read_split_dataset(annotations, split, images)
    looking = _detecting if settings["task"] == "detect" else _classifying
    with looking(backend, weights, view, settings, threads) as look:
        for side, path in (("val", val), ("test", test)):
            shown = tqdm(view.split(side), desc=side, unit="image", mininterval=5)
            _write([row for image in shown for row in look(image)[0]], path)
        times = _times(look, view, settings["speed_images"])
    write_json(speed, _speed(times, settings["imgsz"], threads))


@contextmanager
def _detecting(
    backend: Any, weights: Path, view: SplitDataset, settings: dict[str, Any], threads: int
) -> Iterator[Look]:
    categories = view.dataset.categories
    with backend.detector(weights, categories, settings, threads) as detect:

        def look(image: Image) -> tuple[list[dict[str, Any]], Times]:
            detections, times = detect(view.folder / image.file_name)
            return _rows(image, detections), times

        yield look


@contextmanager
def _classifying(
    backend: Any, weights: Path, view: SplitDataset, settings: dict[str, Any], threads: int
) -> Iterator[Look]:
    from fairtrial.data.imagefile import pixels

    categories = view.dataset.categories
    with backend.classifier(weights, categories, settings, threads) as classify:

        def look(image: Image) -> tuple[list[dict[str, Any]], Times]:
            likely, times = classify(pixels(view.folder, image.file_name))
            return [{"image_id": image.id, "scores": [float(f"{p:.9g}") for p in likely]}], times

        yield look


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


def _times(look: Look, view: SplitDataset, count: int) -> list[Times]:
    """Milliseconds by part of `count` images, round and round through val."""
    images = itertools.cycle(view.split("val"))
    times = [look(image)[1] for image in itertools.islice(images, WARM_UP + count)]
    return times[WARM_UP:]


def _speed(times: list[Times], imgsz: int, threads: int) -> dict[str, Any]:
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
